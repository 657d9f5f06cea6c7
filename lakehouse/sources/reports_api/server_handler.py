"""The socket side of the simulated Reports API: HTTP/1.1 with kept connections, gzip when asked, and broken connections on demand."""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import socket
import struct
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from isal import igzip

from lakehouse.errors import LakehouseError
from lakehouse.sources.reports_api.faults import Fault, FaultScript
from lakehouse.sources.reports_api.server_answers import ListAnswers, Reply
from lakehouse.sources.reports_api.server_clock import SimulatorClock
from lakehouse.sources.reports_api.server_oauth import SimulatedAuth, TokenRefusedError
from lakehouse.sources.reports_api.server_query import ApiError

log = logging.getLogger(__name__)

_LIST = re.compile(r"/admin/reports/v1/activity/users/([^/]+)/applications/([^/]+)")
_NOT_FOUND = ApiError(404, "notFound", "Not Found").body


class SimulatorServer(ThreadingHTTPServer):
    """The listening socket and what its requests share."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, port: int, answers: ListAnswers, script: FaultScript, clock: SimulatorClock, auth: SimulatedAuth | None, latency: float, compress: bool
    ) -> None:
        super().__init__(("127.0.0.1", port), SimulatorHandler)
        self.answers = answers
        self.script = script
        self.clock = clock
        self.auth = auth
        self.latency = latency
        self.compress = compress
        self.seen: deque[Seen] = deque(maxlen=10_000)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  the signature is the library's
        """A client that goes away is no news."""
        log.debug("connection with %s broke", client_address, exc_info=True)


class Seen(msgspec.Struct, frozen=True):
    """One request as it came, for tests and for whoever watches."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int


class SimulatorHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet
    timeout = 60
    server: SimulatorServer

    def do_GET(self) -> None:
        """`activities.list`, and the state of the simulator."""
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))  # of a repeated parameter the last one wins, as at Google
        found = _LIST.fullmatch(parts.path)
        if found is not None:
            reply = self._list(unquote(found[1]), unquote(found[2]), query)
        elif parts.path == "/_simulator/state":
            reply = Reply(
                200, msgspec.json.encode({"now": self.server.clock.now(), "requests": len(self.server.seen), "faults": len(self.server.script)})
            )
        else:
            reply = Reply(404, _NOT_FOUND)
        self._send(reply, parts.path, query)

    def do_POST(self) -> None:
        """The token endpoint, and the controls of the simulator: clock and faults."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        actions = {"/token": self._token, "/_simulator/clock": self._clock, "/_simulator/faults": self._faults}
        action = actions.get(urlsplit(self.path).path)
        self._send(action(body) if action else Reply(404, _NOT_FOUND), urlsplit(self.path).path, {})

    def do_DELETE(self) -> None:
        """Forget the faults that are not used up."""
        if urlsplit(self.path).path == "/_simulator/faults":
            self.server.script.clear()
            self._send(Reply(200, b"{}"), self.path, {})
        else:
            self._send(Reply(404, _NOT_FOUND), self.path, {})

    def log_message(self, format: str, *args: Any) -> None:
        """To the log, not to the terminal."""
        log.debug(format, *args)

    def _list(self, user: str, application: str, query: dict[str, str]) -> Reply:
        if self.server.latency:
            time.sleep(self.server.latency)
        try:
            if self.server.auth is not None:
                self.server.auth.check(self.headers.get("Authorization"))
            return self.server.answers.reply(user, application, query)
        except ApiError as error:
            return Reply(error.code, error.body)
        except LakehouseError as error:
            log.exception("cannot answer %s", self.path)
            return Reply(500, ApiError(500, "simulatorError", str(error)).body)

    def _token(self, body: bytes) -> Reply:
        if self.server.auth is None:
            return Reply(404, _NOT_FOUND)
        try:
            return Reply(200, self.server.auth.grant(body))
        except TokenRefusedError as error:
            return Reply(error.status, error.body)

    def _clock(self, body: bytes) -> Reply:
        try:
            wanted = msgspec.json.decode(body, type=_ClockRequest)
            self.server.clock.set(wanted.now)
        except (msgspec.DecodeError, LakehouseError) as error:
            return Reply(400, ApiError(400, "invalid", f'Expected {{"now": "2026-11-20T12:00:00Z"}} or null: {error}').body)
        return Reply(200, msgspec.json.encode({"now": self.server.clock.now()}))

    def _faults(self, body: bytes) -> Reply:
        try:
            self.server.script.add(msgspec.json.decode(body, type=list[Fault]))
        except msgspec.DecodeError as error:
            return Reply(400, ApiError(400, "invalid", f"Expected a list of faults: {error}").body)
        return Reply(200, msgspec.json.encode({"faults": len(self.server.script)}))

    def _send(self, reply: Reply, path: str, query: dict[str, str]) -> None:
        self.server.seen.append(Seen(self.command, path, query, dict(self.headers.items()), reply.status))
        if reply.delay:
            time.sleep(reply.delay)
        if reply.reset:
            self._reset()
            return
        body, encoding = reply.body, None
        if reply.bad_gzip:
            body, encoding = b"\x1f\x8b\x08\x00 no gzip at all", "gzip"
        elif self.server.compress and len(body) > 1024 and "gzip" in self.headers.get("Accept-Encoding", ""):
            body, encoding = igzip.compress(body, 1), "gzip"
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in {**reply.headers, **({"Content-Encoding": encoding} if encoding else {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.cut is None:
            self.wfile.write(body)
        else:
            self.wfile.write(body[: len(body) * reply.cut // max(1, len(reply.body))])
            self.close_connection = True
        self.wfile.flush()

    def _reset(self) -> None:
        """Close with RST instead of FIN, behind the back of the library."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True


class _ClockRequest(msgspec.Struct, forbid_unknown_fields=True):
    now: dt.datetime | None
