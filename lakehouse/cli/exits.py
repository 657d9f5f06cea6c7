"""Exit codes: what a script may rely on."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from lakehouse.errors import AuditError, ConfigurationError, TransientError


class ExitCode(IntEnum):
    """What the exit code of every command means."""

    OK = 0
    DATA = 1
    USAGE = 2
    TRANSIENT = 3
    FAILED = 4
    BUG = 70
    INTERRUPTED = 130


MEANINGS = (
    "Exit codes: 0 all is well; 1 something is wrong with the data (books do not close, a check or a build failed); 2 wrong usage or configuration; "
    "3 try again (rate limit, source away, lost race; nothing else failed); 4 cannot go on until somebody changes something (damaged or newer lake, "
    "full disk); 70 a bug; 130 interrupted."
)


def code_of_all(errors: Iterable[Exception], *, some_done: bool = True) -> ExitCode:
    """The exit code of a command in which some of the work failed: try again when that may help for all of it.

    `some_done`: the rest went well. Where nothing did, and all of it failed in one manner, that is the code.
    """
    codes = {code_of(error) for error in errors}
    return codes.pop() if len(codes) == 1 and (not some_done or codes == {ExitCode.TRANSIENT}) else ExitCode.DATA


def code_of(error: Exception) -> ExitCode:
    """The exit code of an error that the project raised on purpose; any other stops the work as a terminal one does."""
    if isinstance(error, AuditError):
        return ExitCode.DATA
    if isinstance(error, ConfigurationError):
        return ExitCode.USAGE
    return ExitCode.TRANSIENT if isinstance(error, TransientError) else ExitCode.FAILED
