"""Faults that the simulated Reports API shows on demand, each seen in the wild: a script of them, worked off in order."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from lakehouse.errors import ConfigurationError

HTML = b"<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p>The server encountered a temporary error.</p></html>"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault. It waits for requests of `application` (any) and `page` of its walk (any; from 1), lets `after` of them pass, then meets `times`.

    Instead of a page: `status` with a `body` as JSON, HTML or text (`reason`, `message`; status 200 with HTML is legal), and `retry_after`
    (seconds or an HTTP date). To the page: `truncate`: this share of the body is sent, under the whole length (`framed`: under its own);
    `bad_gzip`: garbage that claims to be gzip; `reset`: the connection is reset; `delay`: seconds before anything is sent;
    `empty_page`: no items, but a token to go on; `repeat_token`: the token that it was asked with, as the next one.
    """

    application: str | None = None
    page: int | None = None
    after: int = 0
    times: int = 1
    status: int | None = None
    body: Literal["json", "html", "text"] = "json"
    reason: str | None = None
    message: str | None = None
    retry_after: int | str | None = None
    truncate: float | None = None
    framed: bool = False
    bad_gzip: bool = False
    reset: bool = False
    delay: float = 0.0
    empty_page: bool = False
    repeat_token: bool = False


class _Pending:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.passing = fault.after
        self.left = fault.times


class FaultScript:
    """Faults still to be shown. Safe between threads."""

    def __init__(self, faults: Iterable[Fault | dict[str, Any]] = ()) -> None:
        self._lock = threading.Lock()
        self._pending: list[_Pending] = []
        self.add(faults)

    def add(self, faults: Iterable[Fault | dict[str, Any]]) -> None:
        """Append faults; `ConfigurationError` for one that is none."""
        try:
            read = [fault if isinstance(fault, Fault) else msgspec.convert(fault, Fault) for fault in faults]
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"Not a fault: {error}. Expected objects of: {', '.join(Fault.__struct_fields__)}.") from error
        with self._lock:
            self._pending.extend(_Pending(fault) for fault in read)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._pending.clear()

    def __len__(self) -> int:
        """Faults that are not used up."""
        with self._lock:
            return len(self._pending)

    def take(self, application: str, page: int) -> Fault | None:
        """The fault that this request meets, if any: the first that fits."""
        with self._lock:
            for pending in self._pending:
                fault = pending.fault
                if fault.application not in (None, application) or fault.page not in (None, page):
                    continue
                if pending.passing:
                    pending.passing -= 1
                    continue
                pending.left -= 1
                if pending.left <= 0:
                    self._pending.remove(pending)
                return fault
        return None
