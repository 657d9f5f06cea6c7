"""Names: of datasets, of columns, and what the name of a field says about it."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection

from lakehouse.contracts.model import EXTRA, PARTITION, PROVENANCE
from lakehouse.errors import ConfigurationError

_LONGEST = 40
_TAKEN = {"event_time", *(column.name for column in (EXTRA, *PROVENANCE, PARTITION))}
_PERSONAL = {
    "account", "actor", "address", "agent", "author", "birth", "birthday", "caller", "contact", "customer", "email", "employee", "first",
    "firstname", "from", "gps", "guest", "host", "ip", "ipaddress", "lastname", "last", "login", "mail", "member", "mobile", "name", "owner",
    "passport", "patient", "payer",
    "person", "phone", "postcode", "recipient", "sender", "ssn", "street", "surname", "tel", "telephone", "title", "to", "user", "username", "zip",
}  # fmt: skip


def check_name(name: str) -> str:
    """The name of a dataset: folder, module, table and prefix of marts. Raises `ConfigurationError` for one that cannot be all of these."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", name) or keyword.iskeyword(name) or len(name) > _LONGEST:
        raise ConfigurationError(
            f"{name!r} cannot be the name of a dataset. Expected a word or several with '_' between them: small letters and digits, a letter first, "
            f"no keyword of Python, at most {_LONGEST} characters, such as door_openings."
        )
    return name


def tame(name: str) -> bool:
    """Whether the name of a field can be declared as it is: not empty, no line break, no quote, not endless."""
    return 0 < len(name) <= 80 and name.isprintable() and not set(name) & set("\"'\\")


def words(name: str) -> list[str]:
    """The words of a name, small: `eventTime`, `Event-Time` and `EVENT_TIME` are the same."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name))
    return [word for word in re.split(r"[^a-z0-9]+", parted.casefold()) if word]


def personal(name: str) -> bool:
    """Whether a field may name people by what it is called: its values must not be shown."""
    return bool(_PERSONAL & {*words(name), "".join(words(name))})


def column_name(path: Collection[str], taken: Collection[str]) -> str:
    """A name for the column of a field that no other has: snake_case, letters, digits and `_`."""
    name = "_".join(word for part in path for word in words(part))[:60].strip("_")
    if not name or not name[0].isalpha():
        name = f"field_{name}".rstrip("_")
    found, number = name, 2
    while found in _TAKEN or found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
