"""What an object store said when it could not be read, in words that tell what to do."""

from __future__ import annotations

import re

from obstore.exceptions import BaseError

from lakehouse.errors import ConfigurationError, LakehouseError, TransientError

FAULTS = (LakehouseError, OSError, BaseError)
"""What may go wrong with a lake, and is told in words that quote no data: see `told`."""

_STATUS = re.compile(r"status code: (\d{3})")
# delta-rs writes an error as a tree for a terminal: each cause in a line of its own, behind a coloured arrow.
_CAUSE = re.compile(r"\n\s*(?:\x1b\[\d+m)?↳(?:\x1b\[\d+m)?\s*")
_CODE = re.compile(r"<Code>(\w+)</Code>")
# Where a machine of a cloud asks for credentials when the environment has none.
_METADATA = ("169.254.169.254", "169.254.170.2", "metadata.google.internal")


def said(error: Exception) -> str:
    """What a store or delta-rs said, in one line. Bodies of answers are left out: they repeat the key id and what was signed."""
    text = _CAUSE.sub(": ", str(error))
    first = text.split("\n", 1)[0].split("<", 1)[0].rstrip(" :")
    code = _CODE.search(text)
    return f"{first} ({code[1]})" if code else first


def told(error: Exception) -> str:
    """One of `FAULTS` in a sentence. A store's own words get what to do; the others have it."""
    if isinstance(error, BaseError) and not isinstance(error, OSError):
        return f"The store of the lake refused: {said(error)}. Check the path, that the folders of the lake are folders, and the rights."
    return str(error)


def fault_of(url: str, error: Exception) -> LakehouseError:
    """The error for a bucket or prefix that cannot be listed or asked for: `TransientError` when another try may help, else `ConfigurationError`."""
    text = str(error)
    status = _STATUS.search(text)
    code = int(status[1]) if status else 0
    if any(host in text for host in _METADATA):
        told = "There are no credentials for it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (for gs:// GOOGLE_APPLICATION_CREDENTIALS)"
    elif code in (401, 403):
        told = "The credentials in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) are wrong, or may not list and read it"
    elif code == 404:
        told = "There is no such bucket: look at its name and at the server (AWS_ENDPOINT_URL)"
    elif "builder error" in text:
        told = "The address of the server cannot be used: look at AWS_ENDPOINT_URL; one that begins with http:// needs AWS_ALLOW_HTTP=true"
    else:
        return TransientError(
            f"{url} cannot be read: {said(error)}. Look at the network and at the server (AWS_ENDPOINT_URL); it is asked again at the next look."
        )
    return ConfigurationError(f"{url} cannot be read. {told}. The server said: {said(error)}.")
