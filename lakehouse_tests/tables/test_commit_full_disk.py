"""A disk that is full at any step of a build: nothing is killed, the file is named, the old version stands, and a later build comes to the same."""

from __future__ import annotations

import re

import pytest
from build_lakes import DAY, BuildLake, check_lake, event, finish
from full_disks import NEEDS_LIMIT, full_at

from lakehouse.tables import delta

pytestmark = NEEDS_LIMIT
LOG = "clean/workspace_audit/_delta_log"
KEPT = "The table keeps its old version, if it had one; run the same again"
STEPS = {
    "files": ("grains", "", 10, f"clean/workspace_audit/event_date={DAY}/.*parquet", ""),
    "account": ("grains", "clean.after_files", 10, f"ops/grains/workspace_audit/{DAY}T01/.*json", ""),
    "table": ("builds", "clean.after_build", 10, LOG, KEPT),
    "commit": ("delta", "clean.before_commit", 10, LOG, KEPT),
}


@pytest.mark.parametrize("built_before", [False, True], ids=["first build", "later build"])
@pytest.mark.parametrize("step", STEPS)
def test_a_disk_that_is_full_at_a_step_of_a_build_is_told_by_name_and_the_old_version_stands(made: BuildLake, step: str, built_before: bool) -> None:
    module, name, size, path, more = STEPS[step]
    made.land(event(1, 1))
    if built_before:
        made.build()
    before = (made.files(), made.content())
    made.land(event(1, 2), event(1, 3))  # one grain: of two at once, the other may be the first that finds no room

    (told,) = finish(made.run(full_at(f"lakehouse.tables.{module}", name, size, "build_day(lake, dataset, DAY)")))

    assert re.match(rf"TerminalError: {made.folder}/{path} cannot be written: .*File too large.*free space.*{more}", told), told
    assert told.count("\n") == 1
    assert (made.files(), made.content()) == before
    assert made.build().committed
    check_lake(made, [(1, 1), (1, 2), (1, 3)])


def test_a_commit_whose_checkpoint_found_no_room_stands_and_the_build_goes_on(made: BuildLake) -> None:
    expected = []
    for number in range(1, 9):
        made.land(event(number, number))
        made.build()
        expected.append((number, number))
    log = made.folder / LOG
    assert (made.table.version(), list(log.glob("*.checkpoint.parquet"))) == (8, [])
    made.land(event(9, 9))

    process = made.run(full_at("lakehouse.tables.delta", "clean.before_commit", 4096, "print(build_day(lake, dataset, DAY).table_version)"))

    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "9\ndone\n"), (out, err[-3000:])
    assert re.search(r"workspace_audit 2026-11-17 is committed, but its log could not be summed up: .*File too large", err)
    assert list(log.glob("*.checkpoint.parquet")) == []
    check_lake(made, [*expected, (9, 9)])
    state = delta.day_state(made.lake, made.dataset.name, made.table, DAY)
    assert (made.table.version(), state.seen, len(state.files)) == (9, 9, 9)
    made.land(event(10, 10))
    made.build()
    check_lake(made, [*expected, (9, 9), (10, 10)])
