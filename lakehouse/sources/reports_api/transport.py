"""One HTTP exchange, read to its end, on connections that threads share."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lakehouse.errors import TerminalError
from lakehouse.sources.reports_api.answers import Answer
from lakehouse.sources.reports_api.options import ReportsApiOptions
from lakehouse.sources.reports_api.retry import Retryable

if TYPE_CHECKING:
    import requests

# Google packs answers only for clients whose User-Agent says gzip too.
USER_AGENT = "lakehouse (gzip)"
# requests reads bodies in pieces of 10 KB, a page has a megabyte.
CHUNK = 1 << 20


class Transport:
    """Sends GET requests. A session serves one request at a time; there are as many as requests were ever in the air at once."""

    def __init__(self, options: ReportsApiOptions) -> None:
        self._options = options
        self._idle: queue.LifoQueue[requests.Session] = queue.LifoQueue()

    def get(self, url: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """One answer with its whole body, unpacked. Raises `Retryable`, or `TerminalError` for a certificate that cannot be trusted."""
        import requests

        session = self._session()
        try:
            timeout = self._options.timeout
            with session.get(url, params=dict(query), headers=dict(headers), timeout=timeout, allow_redirects=False, stream=True) as response:
                answer = Answer(response.status_code, response.headers, b"".join(response.iter_content(CHUNK)))
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise TerminalError(
                    f"The certificate of {url} cannot be trusted: {error}. A proxy may stand in between: set REQUESTS_CA_BUNDLE."
                ) from error
            raise Retryable("connection", str(error)) from error
        except requests.exceptions.Timeout as error:
            raise Retryable("timeout", str(error)) from error
        except requests.exceptions.ContentDecodingError as error:
            raise Retryable("bad_encoding", str(error)) from error
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise Retryable(_broken(error), str(error)) from error
        finally:
            self._idle.put(session)
        return answer

    def close(self) -> None:
        """Close all idle connections."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _session(self) -> requests.Session:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._new_session()

    def _new_session(self) -> requests.Session:
        import requests

        session = requests.Session()
        session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        session.headers["Accept-Encoding"] = "gzip" if self._options.compress else "identity"
        # A proxy of the environment must not see a server of this machine.
        session.trust_env = not self._options.simulated
        session.auth = _unchanged  # without it, requests puts a password from ~/.netrc over the token
        return session


def _unchanged(request: Any) -> Any:
    return request


def _broken(error: Exception) -> str:
    """requests hides a short body, and a read that timed out half way, in its connection errors."""
    text = str(error)
    if "IncompleteRead" in text:
        return "truncated"
    return "timeout" if "timed out" in text else "connection"
