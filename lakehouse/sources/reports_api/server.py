"""A local server that speaks the HTTP contract of the Reports API over generated or recorded activities.

It answers newest first, with keyset page tokens, both ends of a window inclusive, and shows an event only from the time on from which the API
would: the clock can be set, so that late events arrive. Faults are shown on demand. The real client talks to it in the demo, the tests and
the benchmarks.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lakehouse.errors import ConfigurationError
from lakehouse.sources.reports_api.faults import Fault, FaultScript
from lakehouse.sources.reports_api.server_answers import ListAnswers
from lakehouse.sources.reports_api.server_clock import SimulatorClock
from lakehouse.sources.reports_api.server_handler import Seen, SimulatorServer
from lakehouse.sources.reports_api.server_oauth import SimulatedAuth
from lakehouse.sources.reports_api.server_store import ActivityStore


class SimulatedReportsApi:
    """The server. A context manager: `with SimulatedReportsApi(folder, clock=...) as api: api.url`.

    `folder`: activities, generated or recorded (see `server_store`). `clock`: a fixed now, another clock, or None for the system's. `port` 0 takes
    a free one. `latency`: seconds before each answer. `pretty`: indent whatever is asked. `compress`: gzip for whoever accepts it. `rotate_etags`:
    another etag prefix in every answer. `auth`: ask for bearer tokens, and hand them out at `/token`. `memory`: bytes of activities held.
    Controls over HTTP: `POST /_simulator/clock {"now": ...}`, `POST` and `DELETE /_simulator/faults`, `GET /_simulator/state`.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        clock: dt.datetime | Callable[[], dt.datetime] | None = None,
        port: int = 0,
        faults: Iterable[Fault | dict[str, Any]] = (),
        auth: SimulatedAuth | None = None,
        latency: float = 0.0,
        pretty: bool = False,
        compress: bool = True,
        rotate_etags: bool = False,
        memory: int = 256 * 1024 * 1024,
    ) -> None:
        self.store = ActivityStore(Path(folder), memory=memory)
        self.auth = auth
        self._clock = SimulatorClock(clock)
        self._script = FaultScript(faults)
        answers = ListAnswers(self.store, self._script, self._clock.now, rotate_etags=rotate_etags, pretty=pretty)
        try:
            self._server = SimulatorServer(port, answers, self._script, self._clock, auth, latency, compress)
        except OSError as error:
            raise ConfigurationError(f"Port {port} of 127.0.0.1 cannot be taken: {error}. Name another one, or 0 for any.") from error
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, such as http://127.0.0.1:8765."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[Seen]:
        """The last 10,000 requests, oldest first."""
        return list(self._server.seen.copy())  # a copy of a deque is atomic

    def now(self) -> dt.datetime:
        """The server's time."""
        return self._clock.now()

    def set_clock(self, now: dt.datetime | Callable[[], dt.datetime] | None) -> None:
        """Set the server's time; None is the system's."""
        self._clock.set(now)

    def start(self) -> Self:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="simulated-reports-api", daemon=True)
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Serve in this thread, until `stop` is called from another one or an interrupt comes."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Stop listening."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop."""
        self.stop()


_shared: dict[Path, SimulatedReportsApi] = {}
_sharing = threading.Lock()


def shared_server(folder: Path, clock: Callable[[], dt.datetime]) -> SimulatedReportsApi:
    """The one server of a folder in this process, started on first use. It goes by the clock of whoever asked last."""
    with _sharing:
        server = _shared.get(folder)
        if server is None:
            server = _shared[folder] = SimulatedReportsApi(folder).start()
        server.set_clock(clock)
        return server
