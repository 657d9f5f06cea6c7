"""A large day: what building it costs per event and how much memory it takes, and what late events into one of its hours cost.

    python benchmarks/late_events.py --events 5000000 --work /tmp/bench

The days are made of the files of the yardsticks' generator, multiplied: each copy of an hour has ids of its own. One hour holds a tenth of its day,
the others the same share each. Each day is built in a fresh process; then late events land in hours of the largest day and it is built again.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

import clean_load
import lakes
import measure
import numpy as np
import zstandard
from isal import igzip

from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake

DAY = dt.date(2026, 11, 18)
PEAK_HOUR = 12
PEAK_SHARE = 0.1
LATE_SECONDS = 4.0
PEAK_LIMIT_MB = 1200.0
_ID = b'"uniqueQualifier":"-1'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000, help="unique events of the largest day; the others are a tenth and a third of it")
    parser.add_argument("--late", type=int, default=10_000, help="late events into one hour")
    parser.add_argument("--rounds", type=int, default=3, help="hours that get late events, one after the other")
    parser.add_argument("--base", type=int, default=500_000, help="events of the generated files that are multiplied")
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"), help="where files and lakes are made; the lakes are deleted")
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    files = clean_load.generated(told.work, told.base)
    rows: list[dict[str, object]] = []
    first: float | None = None
    for events in (told.events // 10, told.events // 3, told.events):
        place = told.work / f"day-{events}"
        try:
            lake_of_day(place, files, events)
            cost = measure.run("build_days.py", place, DAY)
            if not cost.facts["balanced"]:
                raise RuntimeError(f"the books do not close: {cost.facts}")
            each = cost.cpu / cost.facts["kept"] * 1e6
            first = first or each
            row = _row(f"day of {cost.facts['kept']:,}, largest hour a tenth", cost, "peak MB", PEAK_LIMIT_MB)
            rows.append(row | {"CPU us/event": each, "x of the smallest day": each / first})
            if events == told.events:
                rows.append(_late(place, told.late, told.rounds))
        finally:
            lakes.emptied(place)
    measure.show("A day by its size, and late events", [{"CPU us/event": 0.0, "x of the smallest day": 0.0, **r} | r for r in rows], told.json)


def _late(place: Path, count: int, rounds: int) -> dict[str, object]:
    """Late events into hours of a built day, in a fresh process."""
    cost = measure.run("land_late.py", place, DAY, "--events", count, "--rounds", rounds, "--skip", PEAK_HOUR)
    each = [measure.Cost(wall, cpu, cost.peak_mb) for wall, cpu in cost.facts["rounds"]]
    return _row(f"{count:,} late events into an hour of {cost.facts['hour']:,}: landed and built", measure.median(each), "wall s", LATE_SECONDS)


def _row(name: str, cost: measure.Cost, limited: str, limit: float) -> dict[str, object]:
    return {"what": name, "wall s": cost.wall, "CPU s": cost.cpu, "peak MB": cost.peak_mb, "limit": f"{limit:g} {limited}"}


def lake_of_day(place: Path, files: Path, events: int) -> Lake:
    """A lake with one day of so many unique events (and a tenth more copies), of which the largest hour has a tenth. Not built."""
    lakes.emptied(place)
    clock = dt.datetime.combine(DAY + dt.timedelta(days=1), dt.time(1), tzinfo=dt.UTC)
    settings = DatasetSettings(start=DAY, source={"applications": ["token"]})
    lake = open_lake(place).with_settings(LakeSettings(clock=clock, datasets={lakes.DATASET: settings}))
    for hour in range(24):
        share = PEAK_SHARE if hour == PEAK_HOUR else (1 - PEAK_SHARE) / 23
        _land_hour(lake, files, hour, int(events * share))
    return lake


def _land_hour(lake: Lake, files: Path, hour: int, events: int) -> None:
    base = b"".join(
        igzip.decompress(file.read_bytes()).replace(file.parent.name.encode(), DAY.isoformat().encode())
        for file in sorted(files.glob(f"*/part_{hour:02d}.jsonl.gz"))
    )
    lines = base.splitlines(keepends=True)
    unique = len(set(lines))
    pack = zstandard.ZstdCompressor(level=3, threads=2).compress
    frames, count, size, copies = [], 0, 0, 0
    while events > 0:
        copies += 1
        whole = events >= unique
        text = base if whole else b"".join(lines[: events * len(lines) // unique])
        text = text.replace(_ID, f'"uniqueQualifier":"-{copies}1'.encode())
        frames.append(pack(text))
        count, size, events = count + text.count(b"\n"), size + len(text), events - unique
    start = dt.datetime.combine(DAY, dt.time(hour), tzinfo=dt.UTC)
    # Late lines are compared with the identities of what landed; any others are as good, because nothing here lands twice.
    ids = np.random.default_rng(hour).bytes(16 * count)
    lakes.land_part(lake, start, b"".join(frames), "zst", number=hour + 1, lines=count, raw_bytes=size, ids=ids)


if __name__ == "__main__":
    main()
