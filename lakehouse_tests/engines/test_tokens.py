"""Tokens: stable under one key, different under another, and nothing of the value in them."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.engines.kernel.tokens import addresses_in, scrub_text, token
from lakehouse.settings import TokenKey

KEY, OTHER = TokenKey(b"a key for tests that is long enough"), TokenKey(b"another key that is long enough")


def test_a_token_is_the_same_however_often_and_however_it_is_written() -> None:
    assert token("ada@example.com", KEY) == token(" Ada@Example.COM ", KEY) == "tok_" + token("ada@example.com", KEY)[4:]
    assert re.fullmatch(r"tok_[a-z2-7]{26}", token("ada@example.com", KEY))


def test_another_key_and_another_value_give_another_token() -> None:
    assert token("ada@example.com", KEY) != token("ada@example.com", OTHER)
    assert token("ada@example.com", KEY) != token("bob@example.com", KEY)


def test_the_key_has_an_id_that_does_not_tell_it() -> None:
    assert re.fullmatch(r"[0-9a-f]{8}", KEY.id)
    assert KEY.id != OTHER.id
    assert TokenKey(KEY.secret).id == KEY.id
    assert "a key for tests" not in repr(KEY)


def test_a_token_is_not_taken_for_an_address_again() -> None:
    once = scrub_text("to ada@example.com, bob@example.com", KEY)
    assert scrub_text(once, KEY) == once == f"to {token('ada@example.com', KEY)}, {token('bob@example.com', KEY)}"


def test_an_escaped_at_is_the_same_address() -> None:
    assert scrub_text("ada%40example.com", KEY) == scrub_text(r"ada\u0040example.com", KEY) == token("ada@example.com", KEY)


def test_addresses_of_a_line_are_found_in_plain() -> None:
    line = rb'{"a":"Ada <ada@example.com>","b":["line\nbob@example.com","x%40example.com"],"c":"\u0063\u0040example.com","carol@example.com":1}'
    found = {"ada@example.com", "bob@example.com", "x@example.com", "c@example.com", "carol@example.com"}
    assert addresses_in(line) == found
    assert addresses_in(line + b'\n{"broken":"dan@example.com"') == found | {"dan@example.com"}


@given(st.emails(), st.text(alphabet="abc -", max_size=4))
def test_every_ordinary_address_is_found(address: str, before: str) -> None:
    told = scrub_text(f"{before} {address}", KEY)
    assert "@" not in told or not re.search(r"\w@\w+\.\w", told)


@pytest.mark.parametrize("text", ["@", "a@", "@b.c", "a @ b.c", "a@b", "", "50% @ 3.5"])
def test_what_is_no_address_stays(text: str) -> None:
    assert scrub_text(text, KEY) == text


def test_the_kernel_keeps_an_opaque_identity(kernel) -> None:
    record = kernel.record("token_activity")
    del record["actor"]["email"]
    row = kernel.row(record)
    assert row["actor"] == record["actor"]["profileId"]
    del record["actor"]["profileId"]
    record["actor"]["key"] = "robot@project.iam.gserviceaccount.com"
    row = kernel.row(record)
    assert row["actor"] == row["actor_key"] == token("robot@project.iam.gserviceaccount.com", kernel.key)


def test_tokens_survive_a_table_without_any(kernel) -> None:
    rows = kernel.run(kernel.case("token_revoke_without_ip")).rows
    assert rows.select(pl.col("actor_email", "target_email", "doc_owner").is_null().all()).row(0) == (True, True, True)
