"""The activities of one block as columns: who, when, from where, visible when, with which events."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from lakehouse.datasets.workspace_audit.generator import login
from lakehouse.datasets.workspace_audit.generator.catalogue import Draw
from lakehouse.datasets.workspace_audit.generator.logs import Log
from lakehouse.datasets.workspace_audit.generator.people import FORMS, HOUR, MICROS, NO_EMAIL, PLAIN, WITH_CALLER, World, micros
from lakehouse.datasets.workspace_audit.generator.rhythm import Block

_BURST = 25
_PAIRS = 0.03
_LATEST = 72 * 3600 * MICROS


@dataclass(frozen=True)
class Slots:
    """When and by whom: server-side microsecond (ascending), user, what it is about.

    `failure`: in a burst of failed logins. `head`, `tail`: first and second of two activities that share the full id.
    """

    time: np.ndarray
    user: np.ndarray
    subject: np.ndarray
    failure: np.ndarray
    head: np.ndarray
    tail: np.ndarray


@dataclass(frozen=True)
class Activities:
    """`items`: one row per activity, ascending by server-side time. `rows`: one per event, by `item` (place in `items`) and `row` (in the activity).

    `items` holds time, visible, event_time (microseconds), activity (number in the application), user (-1 without e-mail), ip, collides, late,
    displaced and what the text is made of: qualifier, actor, network, owner, events.
    """

    items: pl.DataFrame
    rows: pl.DataFrame


def draw_activities(rng: np.random.Generator, log: Log, world: World, block: Block) -> Activities:
    """The activities of a block, without the defects that change their text."""
    slots = _slots(rng, log, world, block)
    rows = _events(rng, log, world, slots)
    joined = rows.group_by("item", maintain_order=True).agg(pl.col("text").str.join(",")) if len(rows) > len(slots.time) else rows
    items = _envelopes(rng, log, world, block, slots, rows.filter(pl.col("row") == 0)["name"]).with_columns(events=joined["text"])
    return Activities(items, rows.drop("text"))


def _slots(rng: np.random.Generator, log: Log, world: World, block: Block) -> Slots:
    count = block.activities
    time = np.repeat(block.hours, block.counts) + rng.integers(0, HOUR, count)
    user = log.users(rng, world, count)
    subject = rng.integers(0, 2**31, count)
    nothing = np.zeros(count, dtype=bool)
    order = np.argsort(time, kind="stable")
    slots = Slots(time[order], user, subject, nothing, nothing, nothing)
    return _pairs(rng, _bursts(rng, slots)) if log.name == "login" else slots


def _bursts(rng: np.random.Generator, slots: Slots) -> Slots:
    """Some people fail again and again, within a minute or two, in the last minutes before the hour is over at the latest."""
    time, user, failure = slots.time.copy(), slots.user.copy(), slots.failure.copy()
    count = len(time)
    if count < 4 * _BURST:
        return slots
    for at in rng.choice(count // _BURST, max(1, count // 3000), replace=False) * _BURST:
        steps = np.cumsum(rng.integers(MICROS, 4 * MICROS, _BURST))
        last = (time[at] // HOUR + 1) * HOUR - 1
        run = slice(at, at + len(time[at : at + _BURST]))
        time[run] = (min(time[at], last - steps[-1]) + steps)[: len(time[run])]
        user[run], failure[run] = user[at], True
    order = np.argsort(time, kind="stable")
    return replace(slots, time=time[order], user=user[order], failure=failure[order])


def _pairs(rng: np.random.Generator, slots: Slots) -> Slots:
    """A login and its verification: two activities of one millisecond under one id."""
    time, user = slots.time.copy(), slots.user.copy()
    at = np.arange(0, len(time) - 1, 2)
    at = at[(rng.random(len(at)) < 2 * _PAIRS) & ~slots.failure[at] & ~slots.failure[at + 1] & (time[at] // HOUR == time[at + 1] // HOUR)]
    time[at + 1], user[at + 1] = time[at], user[at]
    head, tail = slots.head.copy(), slots.tail.copy()
    head[at], tail[at + 1] = True, True
    return replace(slots, time=time, user=user, head=head, tail=tail)


def _events(rng: np.random.Generator, log: Log, world: World, slots: Slots) -> pl.DataFrame:
    count = len(slots.time)
    drawn = log.draw(rng, world, slots.time, slots.user, slots.subject)
    if log.name == "login":
        drawn = _login_events(slots, drawn)
    first = log.catalogue().render(drawn).with_columns(item=pl.int_range(count, dtype=pl.UInt32, eager=True), row=pl.lit(0, pl.UInt8))
    several = np.flatnonzero((rng.random(count) < log.several) & ~slots.head & ~slots.tail)
    if not len(several):
        return first
    more = rng.integers(1, 5, len(several))
    item = np.repeat(several, more)
    row = np.arange(len(item)) - np.repeat(np.cumsum(more) - more, more) + 1
    drawn = log.draw(rng, world, slots.time[item], slots.user[item], slots.subject[item])
    others = log.catalogue().render(drawn).with_columns(item=pl.Series(item, dtype=pl.UInt32), row=pl.Series(row, dtype=pl.UInt8))
    return pl.concat([first, others]).sort("item", "row")


def _login_events(slots: Slots, drawn: Draw) -> Draw:
    template = drawn.template.copy()
    template[slots.failure] = login.burst(slots.subject[slots.failure]).template
    template[slots.head] = login.catalogue().find("login_success")[0]
    template[slots.tail] = login.verification(slots.subject[slots.tail]).template
    return Draw(template)


def _envelopes(rng: np.random.Generator, log: Log, world: World, block: Block, slots: Slots, names: pl.Series) -> pl.DataFrame:
    count = len(slots.time)
    total = world.arguments.events
    defects = world.arguments.defects
    paired = slots.head | slots.tail
    event_time, displaced = _own_times(rng, slots, defects.share("out_of_order", total))
    visible, late = _visibility(rng, log, world, slots, defects.share("late", total))
    form, without = _actors(rng, log, world, slots.user)
    ip = (rng.random(count) >= defects.share("missing_ip", total)) & (names != "revoke").to_numpy()
    qualifier = _qualifiers(rng, log, world, slots, event_time)
    repeat_of_head = np.arange(count) - slots.tail
    return pl.DataFrame(
        {
            "item": np.arange(count, dtype=np.uint32),
            "time": slots.time,
            "visible": np.where(paired, visible[repeat_of_head], visible),
            "event_time": event_time,
            "activity": np.arange(block.first, block.first + count),
            "user": np.where(without, -1, slots.user).astype(np.int32),
            "ip": ip,
            "collides": slots.tail,
            "late": np.where(paired, late[repeat_of_head], late),
            "displaced": displaced,
            "qualifier": qualifier[repeat_of_head],
            "actor": form.astype(np.uint32),
            "network": _networks(rng, world, slots),
            "owner": np.where(rng.random(count) < 0.4, 1 + slots.user % 7 // 3 % 2, 0).astype(np.uint8),
        }
    )


def _own_times(rng: np.random.Generator, slots: Slots, share: float) -> tuple[np.ndarray, np.ndarray]:
    """What the record says: the server's time cut to milliseconds; some say up to ten minutes less, within their hour."""
    cut = slots.time // 1000 * 1000
    displaced = (rng.random(len(cut)) < share) & ~slots.head & ~slots.tail
    moved = np.maximum(cut - rng.integers(1, 600, len(cut)) * MICROS, slots.time // HOUR * HOUR)
    displaced &= moved < cut
    return np.where(displaced, moved, cut), displaced


def _visibility(rng: np.random.Generator, log: Log, world: World, slots: Slots, share: float) -> tuple[np.ndarray, np.ndarray]:
    count = len(slots.time)
    usual, most = log.lag
    delay = (np.exp(rng.standard_normal(count) * 0.9) * usual).clip(5, most) * MICROS
    late = rng.random(count) < (share if log.name == "token" else share / 5)
    delay = np.where(late, np.exp(rng.uniform(np.log(600 * MICROS), np.log(_LATEST), count)), delay)
    visible = slots.time + delay.astype(np.int64)
    for held in world.arguments.late:
        if held.application == log.name:
            inside = slots.time // HOUR * HOUR == micros(held.hour)
            visible = np.where(inside, np.maximum(visible, micros(held.visible_at)), visible)
    return visible, late


def _actors(rng: np.random.Generator, log: Log, world: World, user: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index in `World.actors`, whether it tells no e-mail)."""
    count, total, defects = len(user), world.arguments.events, world.arguments.defects
    form = user * FORMS + np.where(rng.random(count) < log.caller, WITH_CALLER, PLAIN)
    kind = rng.random(count)
    nobody, nameless = defects.share("placeholder_profile", total), defects.share("missing_email", total)
    form = np.where(kind < nobody + nameless, user * FORMS + NO_EMAIL, form)
    form = np.where(kind < nobody, world.placeholder, form)
    if log.name == "admin":
        form = np.where(kind > 1 - nameless, world.key, form)
    return form, (form % FORMS == NO_EMAIL) | (form >= world.placeholder)


def _qualifiers(rng: np.random.Generator, log: Log, world: World, slots: Slots, event_time: np.ndarray) -> np.ndarray:
    """Random; in the login log a constant of the user, except where two activities would share an id by accident."""
    fresh = rng.integers(-(2**63), 2**63 - 1, len(event_time))
    if log.name != "login":
        return fresh
    same = pl.DataFrame({"user": slots.user, "time": event_time}).select(pl.len().over("user", "time")).to_series().to_numpy()
    constant = np.where(slots.head, same == 2, same == 1)
    found: np.ndarray = np.where(constant, world.qualifier[slots.user], fresh)
    return found


def _networks(rng: np.random.Generator, world: World, slots: Slots) -> np.ndarray:
    """Index in `World.networks`: one of three at home, mostly the first; travellers use another one for a while."""
    count = len(slots.time)
    slot = np.searchsorted([0.7, 0.9], rng.random(count))
    abroad = (slots.time >= world.abroad_from[slots.user]) & (rng.random(count) < 0.6)
    network = np.where(abroad, world.abroad[slots.user], world.home[slots.user, slot])
    found: np.ndarray = (network * 2 + (abroad | (rng.random(count) < 0.65))).astype(np.uint32)
    return found
