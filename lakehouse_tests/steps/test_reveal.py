"""The address behind a token: found by computing tokens again, never without an entry in the log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakehouse.engines.kernel.tokens import token
from lakehouse.errors import ConfigurationError
from lakehouse.settings import TokenKey
from lakehouse.steps.reveal import reveal


def entries(lake: Any) -> list[dict[str, Any]]:
    """The log of reveals."""
    return [json.loads(path.read_bytes()) for path in (lake.folder / "ops" / "reveals").rglob("*.json")]


def test_the_address_of_a_kept_row_is_found_through_its_line(changing_lake: Any) -> None:
    asked = token("bob@example.com", changing_lake.lake.token_key())
    found = reveal(changing_lake.lake, changing_lake.dataset, asked, why="incident 4711")
    assert found.address == "Bob@Example.com"
    assert changing_lake.lines["kept_twice"] in found.lines


def test_the_address_of_a_line_that_is_not_in_clean_is_found_in_raw(changing_lake: Any) -> None:
    asked = token("zed@example.com", changing_lake.lake.token_key())
    found = reveal(changing_lake.lake, changing_lake.dataset, asked, why="who was that")
    assert (found.address, found.lines) == ("zed@example.com", ())


def test_every_attempt_is_written_down_with_who_when_and_why(changing_lake: Any) -> None:
    asked = token("nobody@example.com", changing_lake.lake.token_key())
    found = reveal(changing_lake.lake, changing_lake.dataset, asked, why="just looking")
    assert found.address is None
    (entry,) = entries(changing_lake)
    assert (entry["token"], entry["why"], entry["dataset"]) == (asked, "just looking", "workspace_audit")
    assert entry["who"]
    assert changing_lake.lake.store.exists(found.entry)


def test_the_log_never_holds_the_address(changing_lake: Any) -> None:
    found = reveal(changing_lake.lake, changing_lake.dataset, token("ada@example.com", changing_lake.lake.token_key()), why="check")
    assert b"ada@example" not in changing_lake.lake.store.read(found.entry).lower()


def test_a_token_of_another_key_is_not_found(changing_lake: Any) -> None:
    foreign = token("ada@example.com", TokenKey(b"another key that is long enough"))
    assert reveal(changing_lake.lake, changing_lake.dataset, foreign, why="check").address is None


@pytest.mark.parametrize(
    ("asked", "why", "told"), [("ada@example.com", "why", "is no token"), ("tok_short", "why", "is no token"), (None, "  ", "reason is required")]
)
def test_nonsense_is_refused_before_anything_is_written(changing_lake: Any, asked: str | None, why: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        reveal(changing_lake.lake, changing_lake.dataset, asked or token("a@b.example", changing_lake.lake.token_key()), why=why)
    assert entries(changing_lake) == []
