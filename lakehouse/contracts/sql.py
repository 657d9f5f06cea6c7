"""Texts and names as SQL writes them. Pure."""

from __future__ import annotations


def sql_text(value: str) -> str:
    """A text as a literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_name(name: str) -> str:
    """A name of a table or column, whatever it is made of."""
    return '"' + name.replace('"', '""') + '"'
