"""Events of the Drive log: documents seen, changed, downloaded, and shared inside and outside."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from lakehouse.datasets.workspace_audit.generator.catalogue import LIST_HOLE, TEXT_HOLE, Catalogue, Draw, Template, event, flag, many, value
from lakehouse.datasets.workspace_audit.generator.people import World

_OUTSIDERS = tuple(f"{n}@{d}" for d in ("partner.example", "freelance.example", "mail.example.net") for n in ("kim", "sam", "lou", "max"))
_TITLES = ("Budget", "Übersicht", "Roadmap", "予算", "Offer \"final\"", "Minutes", "Contract", "Salaries")  # fmt: skip
_TYPES = ("document", "spreadsheet", "presentation", "pdf", "folder")


@cache
def catalogue() -> Catalogue:
    """All kinds of events of this log; the first hole holds the parameters of the document, the second the person it is shared with."""
    return Catalogue((*_accesses(), *_shares()))


def users(rng: np.random.Generator, world: World, count: int) -> np.ndarray:
    """By activity."""
    return np.searchsorted(world.activity.cumsum(), rng.random(count)).clip(max=world.users - 1)


def draw(rng: np.random.Generator, world: World, time: np.ndarray, _user: np.ndarray, subject: np.ndarray) -> Draw:
    """Events of these documents (`subject`), so that the events of one activity are about the same one."""
    template = catalogue().choose(rng, len(time))
    documents = _documents(tuple(world.emails.to_list()))
    outside = _external()[template]
    whom = np.where(outside, world.users + subject % len(_OUTSIDERS), rng.integers(0, world.users, len(time)))
    people = pl.concat([world.emails, pl.Series(_OUTSIDERS)], rechunk=True)
    return Draw(template, first=documents.gather(subject % len(documents)), second=people.gather(whom))


@cache
def _documents(emails: tuple[str, ...]) -> pl.Series:
    """Parameters of each document as JSON; some titles are in other scripts or have quotes."""
    rng = np.random.default_rng(7)
    texts = []
    for i in range(max(200, 8 * len(emails))):
        kind = _TYPES[i % len(_TYPES)]
        name = f"{_TITLES[i % len(_TITLES)]} {i // len(_TITLES)}"
        parameters = [
            value("doc_id", f"1{rng.bytes(16).hex()}{i:011d}"),
            value("doc_type", kind),
            flag("is_encrypted", False),
            value("doc_title", name),
            value("owner", emails[int(rng.integers(0, len(emails)))]),
            flag("owner_is_shared_drive", i % 9 == 0),
        ]
        texts.append(json.dumps(parameters, separators=(",", ":"), ensure_ascii=False)[1:-1])
    return pl.Series(texts)


@cache
def _external() -> np.ndarray:
    return np.array([t.external for t in catalogue().templates])


def _accesses() -> list[Template]:
    made = []
    for name, weight in (("view", 40.0), ("edit", 22.0), ("download", 6.0), ("create", 5.0), ("rename", 1.0), ("trash", 1.0)):
        for seen, share in (("private", 0.5), ("shared_internally", 0.4), ("shared_externally", 0.1)):
            parameters: list[dict[str, Any] | str] = [flag("primary_event", True), flag("billable", True), LIST_HOLE, value("visibility", seen)]
            made.append(Template(event(name, "access", parameters), weight=weight * share))
    return made


def _shares() -> list[Template]:
    made = []
    for before, after, change, weight in (
        ("private", "shared_internally", "none", 6.0),
        ("private", "shared_externally", "external", 1.0),
        ("shared_externally", "private", "internal", 0.5),
    ):
        parameters: list[dict[str, Any] | str] = [
            flag("primary_event", True),
            value("visibility_change", change),
            many("old_value", ["none"]),
            many("new_value", ["can_edit"]),
            value("old_visibility", before),
            LIST_HOLE,
            value("target_user", TEXT_HOLE),
            value("visibility", after),
        ]
        made.append(Template(event("change_user_access", "acl_change", parameters), external=change == "external", weight=weight))
    public: list[dict[str, Any] | str] = [
        flag("primary_event", True),
        value("visibility_change", "external"),
        many("old_value", ["private"]),
        many("new_value", ["people_with_link"]),
        LIST_HOLE,
        value("visibility", "people_with_link"),
    ]
    made.append(Template(event("change_document_visibility", "acl_change", public), external=True, weight=0.4))
    return made
