"""No address leaves the kernel in clear, wherever it stands and however it is written."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from kernel_lines import parameters, set_at

from lakehouse.engines.kernel.rows import BlockResult
from lakehouse.engines.kernel.tokens import token

ADDRESS = re.compile(r"[^\s\"'<>(),;:\\]+@[\w-]+(?:\.[\w-]+)+|%40|\\u0040")


def texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [t for k, v in value.items() for t in (*texts_of(k), *texts_of(v))]
    return [t for v in value for t in texts_of(v)] if isinstance(value, list) else []


def addresses(result: BlockResult) -> list[str]:
    """Everything in rows, quarantine and census that looks like an address."""
    frames = [result.rows, result.quarantine]
    texts = [t for frame in frames for row in frame.iter_rows(named=True) for t in texts_of(list(row.values()))]
    texts += [path for path, _, _ in result.census]
    texts += list(result.unknown_values)
    return [found.group() for t in texts for found in ADDRESS.finditer(t)]


def test_no_address_leaves_the_kernel(kernel) -> None:
    names = [
        "token_activity",
        "token_authorize_without_type",
        "calendar_five_events",
        "groups_two_events",
        "admin_without_email",
        "unknown_at_every_depth",
    ]
    for name in names:
        result = kernel.run(kernel.case(name))
        assert result.rows.height
        assert addresses(result) == []
    odd = set_at(kernel.record("token_activity"), "events", "mail ada@example.com")
    assert addresses(kernel.run(odd)) == []
    assert addresses(kernel.run(b'{"id":"ada@example.com')) == []


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "Ada Lovelace <ada@example.com>",
        "mailto:ada@example.com?subject=x",
        "a.b+c@sub.example.co.uk",
        "first@example.com,second@example.com",
        "jürgen@bücher.example",
        "zoë@example.com",
        "line\nada@example.com",
        "tab\tada@example.com\\n",
        "https://x.example/?u=ada%40example.com&v=1",
        '{"inner":"ada@example.com"}',
    ],
)
@pytest.mark.parametrize("escape", ["plain", "ascii", "at", "letters"])
def test_addresses_in_extra_are_tokens_however_they_are_written(kernel, text: str, escape: str) -> None:
    """`escape`: as UTF-8, non-ASCII escaped, the @ escaped, every letter escaped."""
    record = kernel.record("token_revoke_without_ip") | {"note": "PLACE"}
    told = json.dumps(text, ensure_ascii=escape != "plain")
    if escape == "at":
        told = told.replace("@", "\\u0040")
    if escape == "letters":
        told = '"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"'
    line = json.dumps(record, separators=(",", ":")).replace('"PLACE"', told).encode()
    result = kernel.run(line)
    kept = json.loads(result.rows["_extra"][0])["note"]
    assert "tok_" in kept
    assert addresses(result) == []
    assert not ADDRESS.search(kept)
    assert not re.search("ada|first|second|rgen|zo", kept.replace("Ada Lovelace", ""))


def test_a_text_without_addresses_stays_as_it_was(kernel) -> None:
    notes = ["@home", "a @ b", "5 @", "user@localhost", r"C:\u0040", '\\u0040 \\\\ " \u2028 \x7f é', "😀@"]
    for note in notes:
        record = kernel.record("token_revoke_without_ip") | {"note": note}
        assert json.loads(kernel.row(record)["_extra"])["note"] == note


def test_a_field_named_like_an_address_is_a_token_in_extra_and_census(kernel) -> None:
    result = kernel.run(kernel.record("token_activity") | {"ada@example.com": {"role": "owner"}, "acl": {"bob@example.com": 1}})
    assert addresses(result) == []
    told = json.loads(result.rows["_extra"][0])
    assert told[token("ada@example.com", kernel.key)] == {"role": "owner"}
    assert told["acl"] == {token("bob@example.com", kernel.key): 1}


def test_one_address_is_one_token_everywhere(kernel) -> None:
    record = parameters(kernel.record("token_activity"), {"name": "note", "value": "ADA.lovelace@example.com"})
    row = kernel.row(record)
    assert json.loads(row["_extra"])["parameters"][0]["value"] == row["actor_email"]
