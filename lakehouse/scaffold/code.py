"""Python expressions as text, laid out as the formatter of the project lays them out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

_WIDTH = 150


class Call:
    """A call, or a tuple where it has no name. `items`: arguments, `name=` before those that have one."""

    def __init__(self, name: str, items: Iterable[tuple[str, str | Call]]) -> None:
        self.name, self.items = name, list(items)

    def line(self) -> str:
        """All of it in one line."""
        inner = ", ".join(head + (item if isinstance(item, str) else item.line()) for head, item in self.items)
        return f"{self.name}({inner}{',' if not self.name and len(self.items) == 1 else ''})"


def layout(expression: str | Call, head: str = "", indent: int = 0) -> str:
    """The text of an expression behind `head`; one item per line where it does not fit into one."""
    pad = " " * indent
    if isinstance(expression, str):
        return f"{pad}{head}{expression}"
    line = f"{pad}{head}{expression.line()}"
    if len(line) < _WIDTH or not expression.items:
        return line
    inner = "".join(layout(item, name, indent + 4) + ",\n" for name, item in expression.items)
    return f"{pad}{head}{expression.name}(\n{inner}{pad})"


def code(value: Any) -> str | Call:
    """A value of the words of contracts and sketches (dataclasses, tuples, plain values) as an expression. Defaults are left out."""
    if is_dataclass(value):
        names: list[tuple[str, str | Call]] = []
        places = True
        for one in fields(value):
            told = getattr(value, one.name)
            if told == one.default:
                places = False
            else:
                places = places and not isinstance(told, bool)
                names.append(("" if places else f"{one.name}=", code(told)))
        return Call(type(value).__name__, names)
    if isinstance(value, tuple):
        return Call("", [("", code(item)) for item in value])
    return text(value) if isinstance(value, str) else repr(value)


def text(value: str) -> str:
    """A string in double quotes, as far as nothing in it must be escaped for that."""
    told = repr(value)
    return f'"{told[1:-1]}"' if told.startswith("'") and '"' not in told and "\\'" not in told else told


def names(value: Any) -> set[str]:
    """The names of the dataclasses in a value: what code that shows it must import."""
    if is_dataclass(value):
        return {type(value).__name__}.union(*(names(getattr(value, one.name)) for one in fields(value) if getattr(value, one.name) != one.default))
    return set().union(*(names(item) for item in value)) if isinstance(value, tuple) else set()
