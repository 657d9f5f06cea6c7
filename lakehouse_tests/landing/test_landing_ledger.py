"""The log and what it says: coverage, checkpoints, damage, writers that race."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import zstandard

from lakehouse.contracts.grain import Grain
from lakehouse.errors import LakeFormatError
from lakehouse.landing.ledger import checkpoint_path, load_ledger, manifest_path, read_manifests, refresh
from lakehouse.landing.manifest import Window
from lakehouse.landing.release import land_release
from lakehouse.settings import open_lake
from lakehouse.storage import Store

DAY = dt.date(2026, 11, 20)


def test_nothing_landed_is_an_empty_ledger(lake):
    ledger = load_ledger(lake, "clicks")
    assert (ledger.last_number, ledger.days(), ledger.cursor("web"), ledger.first_landed_by_application) == (0, [], None, {})
    assert ledger.holes("web", *_ends(Window(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 1, 2, tzinfo=dt.UTC))))
    assert not ledger.covered(["web"], dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 1, 2, tzinfo=dt.UTC))


def _ends(window: Window) -> tuple[dt.datetime, dt.datetime]:
    return window.start, window.end


def test_manifests_are_numbered_without_gaps_and_say_what_landed_where(lake, land, line):
    first = land(lake, [line("2026-11-20T12:00:00Z"), b"x"], application="web")
    second = land(lake, [line("2026-11-19T12:00:00Z", 2), line("2026-11-20T12:00:00Z", 2)], application="app")
    assert [m.number for m in read_manifests(lake, "clicks")] == [1, 2]
    ledger = load_ledger(lake, "clicks")
    assert ledger.last_number == 2
    assert ledger.days() == [DAY - dt.timedelta(days=1), DAY]
    assert ledger.grains(DAY) == [Grain(DAY, "hour", 12), Grain.unplaced(DAY)]
    assert [(p.number, p.fetch_id, p.application) for p in ledger.parts["2026-11-20T12"]] == [(1, first.fetch_id, "web"), (2, second.fetch_id, "app")]
    assert ledger.touched == {DAY: 2, DAY - dt.timedelta(days=1): 2}
    assert ledger.first_landed_by_application == {"web": lake.now(), "app": lake.now()}
    assert ledger.find(second.parts[0].path).part == second.parts[0]
    assert ledger.find("raw/clicks/date=2026-11-20/hour=12/none.jsonl.zst") is None
    assert ledger.find("nonsense") is None


def test_of_four_parallel_windows_with_the_second_failed_coverage_ends_after_the_first(lake, land, hours):
    for hour in (3, 0, 2):
        land(lake, [], window=hours(hour))
    ledger = load_ledger(lake, "clicks")
    assert ledger.cursor("web") == hours(0).end
    assert ledger.frontier("web") == hours(3).end
    assert ledger.holes("web", *_ends(hours(0, 4))) == [hours(1)]
    assert ledger.covered(["web"], *_ends(hours(2, 2)))
    assert not ledger.covered(["web", "app"], *_ends(hours(2, 2)))
    land(lake, [], window=hours(1))
    assert load_ledger(lake, "clicks").coverage == {"web": (hours(0, 4),)}


def test_a_ledger_that_is_refreshed_is_the_ledger_that_is_loaded(lake, land, line, hours):
    land(lake, [line(n=1)], window=hours(12))
    early = load_ledger(lake, "clicks")
    land(lake, [line(n=2)], window=hours(11))
    land(lake, [b"?"], window=hours(9), purpose="daily_sweep")
    assert refresh(lake, early) == load_ledger(lake, "clicks") != early


def test_a_checkpoint_says_what_its_manifests_say(lake, land, line, hours):
    released = land(lake, [line("2026-11-19T10:00:00Z")]).parts[0].path
    land_release(lake, "clicks", [released])
    for n in range(203):
        land(lake, [line(f"2026-11-20T{n % 13:02d}:{n % 60:02d}:00Z", n)], window=hours(n % 13), purpose="daily_sweep" if n % 7 == 0 else "new")
    with_checkpoints = load_ledger(lake, "clicks")
    assert lake.store.files("raw/clicks/_fetches/_checkpoints") == ["00000180.json.zst", "00000200.json.zst"]
    read = []
    for number in (1, 150):  # would be read without a checkpoint
        (Path(lake.store.root) / manifest_path("clicks", number)).rename(lake.store.root / f"{number}")
        read.append(number)
    assert load_ledger(lake, "clicks") == with_checkpoints
    for number in read:
        (lake.store.root / f"{number}").rename(lake.store.root / manifest_path("clicks", number))
    for number in (180, 200):
        lake.store.delete(checkpoint_path("clicks", number))
    assert load_ledger(lake, "clicks") == with_checkpoints
    assert load_ledger(lake, "clicks", upto=150).last_number == 150
    assert with_checkpoints.released == {released: 2}
    assert any(p.reference_time for parts in with_checkpoints.parts.values() for p in parts if p.number <= 200)


def test_a_checkpoint_from_before_there_were_releases_is_read(lake, land, line):
    for n in range(100):
        land(lake, [line(n=n)])
    path = checkpoint_path("clicks", 100)
    told = msgspec.json.decode(zstandard.decompress(lake.store.read(path)))
    del told["released"]
    for part in (p for parts in told["parts"].values() for p in parts):
        del part["reference_time"]
    lake.store.replace(path, zstandard.compress(msgspec.json.encode(told)))
    ledger = load_ledger(lake, "clicks")
    assert (ledger.last_number, ledger.released) == (100, {})
    assert {p.reference_time for parts in ledger.parts.values() for p in parts} == {None}


def test_a_checkpoint_that_a_crash_left_out_is_made_by_whoever_lands_next_and_old_ones_go(lake, land):
    for _ in range(100):
        land(lake, [])
    lake.store.delete(checkpoint_path("clicks", 100))
    land(lake, [])
    assert load_ledger(lake, "clicks", upto=100).last_number == 100
    assert lake.store.exists(checkpoint_path("clicks", 100))
    for _ in range(200):
        land(lake, [])
    assert lake.store.files("raw/clicks/_fetches/_checkpoints") == ["00000280.json.zst", "00000300.json.zst"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"number":1}', b"\xff\xfe", b"[]"])
def test_a_damaged_manifest_is_named_with_what_to_do(lake, land, content):
    land(lake, [])
    land(lake, [])
    lake.store.replace(manifest_path("clicks", 2), content)
    with pytest.raises(LakeFormatError, match=r"00000002\.json is damaged.*Restore it from a backup"):
        load_ledger(lake, "clicks")


def test_a_manifest_of_a_newer_format_asks_for_newer_software(lake, land):
    land(lake, [])
    path = manifest_path("clicks", 1)
    newer = {**msgspec.json.decode(lake.store.read(path)), "format": 2}
    for content in (newer, {"format": 3, "other": "words"}):
        lake.store.replace(path, msgspec.json.encode(content))
        with pytest.raises(LakeFormatError, match=r"00000001\.json has format \d, this software knows up to 1\. Install a newer"):
            load_ledger(lake, "clicks")


def test_a_missing_manifest_is_not_passed_over(lake, land):
    for _ in range(3):
        land(lake, [])
    lake.store.delete(manifest_path("clicks", 2))
    with pytest.raises(LakeFormatError, match=r"00000002\.json is missing, but 00000003\.json is there"):
        load_ledger(lake, "clicks")


def test_a_manifest_that_a_listing_left_out_while_others_landed_is_not_missing(lake, land, monkeypatch):
    for _ in range(3):
        land(lake, [])
    listed = Store.files
    monkeypatch.setattr(Store, "files", lambda *args, **how: [name for name in listed(*args, **how) if name != "00000002.json"])
    assert [m.number for m in read_manifests(lake, "clicks")] == [1, 2, 3]
    assert [m.number for m in read_manifests(lake, "clicks", after=1, upto=2)] == [2]


def test_a_manifest_in_the_place_of_another_is_refused(lake, land):
    land(lake, [])
    lake.store.create(manifest_path("clicks", 2), lake.store.read(manifest_path("clicks", 1)))
    with pytest.raises(LakeFormatError, match="says it is manifest 1 of clicks, expected 2"):
        load_ledger(lake, "clicks")


def test_a_damaged_or_newer_checkpoint_is_named(lake, land):
    for _ in range(100):
        land(lake, [])
    path = checkpoint_path("clicks", 100)
    whole = lake.store.read(path)
    lake.store.replace(path, whole[:-7])
    with pytest.raises(LakeFormatError, match=r"00000100\.json\.zst is damaged.*Delete it"):
        load_ledger(lake, "clicks")
    lake.store.delete(path)
    assert load_ledger(lake, "clicks").last_number == 100


def test_a_manifest_number_that_cannot_be_taken_is_an_error_and_no_endless_loop(lake, land):
    land(lake, [])
    (lake.store.root / manifest_path("clicks", 2)).mkdir()
    with pytest.raises((LakeFormatError, OSError), match="00000002"):
        land(lake, [])


RACER = """
import datetime as dt, sys
from lakehouse.settings import open_lake
from lakehouse.landing.write import land_fetch
from lakehouse.landing.manifest import Window
sys.path.insert(0, sys.argv[3])
from conftest import CONTRACT
lake, name = open_lake(sys.argv[1]), sys.argv[2]
for n in range(40):
    text = '{"id":{"time":"2026-11-20T12:00:00Z"},"n":"%s-%d"}' % (name, n)
    land_fetch(lake, CONTRACT, source="tests", application=name, purpose="new", window=None, covered=None, batches=[[text.encode()]],
               http=dict, started_at=lake.now())
"""


def test_processes_that_land_at_once_lose_no_number_and_no_line(lake):
    here = str(Path(__file__).parent)
    racers = [subprocess.Popen([sys.executable, "-c", RACER, str(lake.store.root), f"p{i}", here]) for i in range(3)]
    assert [racer.wait(60) for racer in racers] == [0, 0, 0]
    ledger = load_ledger(open_lake(lake.store.root), "clicks")
    assert ledger.last_number == 120
    assert sum(p.part.lines for p in ledger.parts["2026-11-20T12"]) == 120
    assert lake.store.exists(checkpoint_path("clicks", 100))
