"""The errors of the project. A `TransientError` may pass if the same thing is tried again; a `TerminalError` will not."""


class LakehouseError(Exception):
    """Base of every error that the project raises on purpose. The message says what was expected, what came and what to do."""


class TransientError(LakehouseError):
    """Worth another try: a reset connection, a rate limit, a lost race."""


class TerminalError(LakehouseError):
    """Not worth another try until somebody changes something."""


class ConfigurationError(TerminalError):
    """A setting, an environment variable or a command-line value is missing or wrong."""


class LakeFormatError(TerminalError):
    """The lake was written by a newer version of this software, or one of its own files is damaged."""


class AuditError(TerminalError):
    """A build failed its audit: the table keeps its old version."""


class ErasedMeanwhileError(TransientError):
    """Lines of a raw part were erased after its place had been looked up: what it says now is another text."""


class ConflictError(TransientError):
    """Another process committed first, more often than we were willing to try again."""
