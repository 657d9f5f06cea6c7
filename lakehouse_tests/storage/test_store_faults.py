"""What an object store said becomes a sentence that tells what to do, and nothing that belongs to nobody else."""

from __future__ import annotations

import pytest

from lakehouse.errors import ConfigurationError, TransientError
from lakehouse.storage import fault_of, said

URL = "s3://events/plays"
BODY = "<Error><Code>{code}</Code><AWSAccessKeyId>AKIASECRET</AWSAccessKeyId><StringToSign>AWS4-HMAC</StringToSign></Error>"


def answered(status: int, code: str = "") -> Exception:
    """As obstore words it: the body of the answer follows, and after that its own state."""
    text = f"Generic S3 error: Error performing GET http://127.0.0.1:1/events in 1ms - Server returned non-2xx status code: {status} Words: "
    return RuntimeError(text + (BODY.format(code=code) if code else "") + "\n\nDebug source:\nGeneric { store: 'S3', body: 'AKIASECRET' }")


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (answered(403, "SignatureDoesNotMatch"), ConfigurationError, "AWS_SECRET_ACCESS_KEY"),
        (answered(401), ConfigurationError, "AWS_SECRET_ACCESS_KEY"),
        (answered(404, "NoSuchBucket"), ConfigurationError, "There is no such bucket"),
        (answered(503, "SlowDown"), TransientError, "asked again"),
        (RuntimeError("Generic S3 error: GET http://127.0.0.1:1/ - HTTP error: error sending request"), TransientError, "AWS_ENDPOINT_URL"),
        (RuntimeError("Generic S3 error: GET http://127.0.0.1:1/ - HTTP error: builder error"), ConfigurationError, "AWS_ALLOW_HTTP=true"),
        (
            RuntimeError("Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token - Server returned non-2xx status code: 403"),
            ConfigurationError,
            "There are no credentials",
        ),
    ],
)
def test_a_fault_names_the_url_and_what_to_do(error: Exception, kind: type[Exception], told: str) -> None:
    found = fault_of(URL, error)
    assert type(found) is kind
    assert str(found).startswith(f"{URL} cannot be read")
    assert told in str(found)
    assert not any(word in str(found) for word in ("AKIASECRET", "AWS4-HMAC", "Debug", "\n"))


def test_the_code_of_the_server_is_kept() -> None:
    assert said(answered(403, "AccessDenied")).endswith("status code: 403 Words (AccessDenied)")
    assert said(OSError("Permission denied (os error 13)")) == "Permission denied (os error 13)"
