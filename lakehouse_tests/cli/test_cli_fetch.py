"""Fetch and replay as a user runs them: through the real assets, from a simulated source, and again for nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lakehouse.settings import DatasetSettings, LakeSettings, open_lake


@pytest.fixture
def fetched(fetched_template: tuple[Path, Any]) -> Any:
    """What the fetch printed."""
    return fetched_template[1]


def test_fetch_lands_what_the_source_tells_and_a_second_one_lands_nothing(run: Any, fetched_lake: Path, fetched: Any) -> None:
    assert fetched["fetch"]["placed"] > 0
    assert fetched["fetch"]["read"] == sum(fetched["fetch"][term] for term in ("re_read", "placed", "unplaced"))
    again = run("fetch", "--lake", fetched_lake, "--json").json["fetch"]
    assert again["windows"] > 0
    assert (again["placed"], again["unplaced"], again["days"]) == (0, 0, [])


def test_a_plan_says_what_the_fetch_then_asks_for_and_changes_nothing(run: Any, simulated_lake: Path) -> None:
    planned = run("fetch", "--plan", "--lake", simulated_lake, "--json")
    assert planned.code == 0, planned.err
    assert sum(r["windows"] for r in planned.json["rows"]) == planned.json["windows"] > 0
    assert {r["application"] for r in planned.json["rows"]} == {"token", "login"}
    assert (planned.json["queries_per_minute"], planned.json["least_minutes"]) == (None, 0)
    assert not (simulated_lake / "raw").exists()
    assert run("fetch", "--lake", simulated_lake, "--json").json["fetch"]["windows"] == planned.json["windows"]
    assert "overlap" in run("fetch", "--plan", "--lake", simulated_lake).out


def test_the_plan_of_a_real_source_counts_its_quota(run: Any, simulated_lake: Path) -> None:
    lake = open_lake(simulated_lake)
    source = {"applications": ["token"], "queries_per_minute": 10}
    lake.with_settings(LakeSettings(clock=lake.now(), datasets={"workspace_audit": DatasetSettings(start=lake.now().date(), source=source)}))
    found = run("fetch", "--plan", "--lake", simulated_lake, "--json").json
    assert (found["queries_per_minute"], found["least_minutes"]) == (10, round(found["windows"] / 10, 1))
    assert "at most 10 requests a minute" in run("fetch", "--plan", "--lake", simulated_lake).out
    assert run("fetch", "--plan", "--build", "--lake", simulated_lake).code == 2


def test_what_was_fetched_is_in_dagsters_history(fetched_lake: Path, fetched: Any) -> None:
    from lakehouse.defs.instance import open_instance
    from lakehouse.settings import open_lake

    with open_instance(open_lake(fetched_lake)) as instance:
        runs = [instance.get_run_by_id(run_id) for run_id in fetched["runs"]]
    assert fetched["runs"]
    assert all(one is not None and one.is_success for one in runs)


def test_replay_builds_what_is_stale_and_the_books_agree_with_the_truth(run: Any, fetched_lake: Path, fetched: Any, tmp_path: Path) -> None:
    built = run("replay", "--stale", "--no-marts", "--lake", fetched_lake, "--json")
    assert built.code == 0, built.err
    assert [d["committed"] for d in built.json["days"]] == [True, True]
    assert run("replay", "--stale", "--no-marts", "--lake", fetched_lake, "--json").json["days"] == []
    assert run("replay", "--stale", "--no-marts", "--lake", fetched_lake).out == "✓ nothing is stale: no day to build\n"
    truth = json.loads((fetched_lake / "activities" / "truth.json").read_text())
    told = _only(truth, ["token", "login"])
    (tmp_path / "truth.json").write_text(json.dumps(told))
    compared = run("books", "--truth", tmp_path / "truth.json", "--lake", fetched_lake, "--json")
    assert [t for t in compared.json["truth"] if t["truth"] != t["lake"]] == []
    assert (compared.code, compared.json["closes"]) == (0, True)


def test_a_replay_of_an_unchanged_day_builds_no_hour_and_force_builds_every_one(run: Any, fetched_lake: Path, fetched: Any) -> None:
    run("replay", "--stale", "--no-marts", "--lake", fetched_lake)
    unchanged = run("replay", "2026-11-18", "--no-marts", "--lake", fetched_lake, "--json").json["days"][0]
    assert (unchanged["grains_rebuilt"], unchanged["committed"]) == (0, False)
    forced = run("replay", "2026-11-18", "--no-marts", "--force", "--lake", fetched_lake, "--json").json["days"][0]
    assert (forced["grains_rebuilt"], forced["grains_reused"]) == (unchanged["grains_reused"], 0)
    assert forced["books"] == unchanged["books"]


def test_a_lost_race_ends_with_3(run: Any, fetched_lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakehouse.marts import build
    from lakehouse.tables import delta

    monkeypatch.setattr(build, "_TRIES", 0)
    published_first = run("replay", "2026-11-18", "--lake", fetched_lake)
    assert published_first.code == 3
    assert "marts: The marts of workspace_audit: other builds were published first" in published_first.err
    monkeypatch.setattr(delta, "_TRIES", 0)
    committed_first = run("replay", "2026-11-17", "--lake", fetched_lake)
    assert committed_first.code == 3
    assert "It may work if tried again" in committed_first.err


def test_a_range_is_fetched_again_although_it_was_read(run: Any, fetched_lake: Path, fetched: Any) -> None:
    again = run("fetch", "--from", "2026-11-17T23", "--to", "2026-11-18T01", "-a", "token", "--lake", fetched_lake, "--json").json["fetch"]
    assert (again["windows"], again["placed"]) == (2, 0)
    assert again["re_read"] == again["read"] > 0


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["replay"], "Say which days"),
        (["replay", "2026-11-18", "--stale"], "Say which days"),
        (["replay", "--from", "2026-11-18", "--to", "2026-11-17"], "ends before it begins"),
        (["replay", "2026-11-30"], "has no partition 2026-11-30"),
        (["replay", "yesterday"], "expected a day (UTC), such as 2026-11-18, got 'yesterday'"),
        (["replay", "2026-11-18", "--engine", "abacus"], "no engine 'abacus'"),
        (["fetch", "--to", "2026-11-18"], "--from"),
        (["fetch", "--from", "2019-01-01"], "before the start"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(run: Any, fetched_lake: Path, args: list[str], told: str) -> None:
    result = run(*args, "--lake", fetched_lake)
    assert told in result.err
    assert result.code in (1, 2)
    assert "Traceback" not in result.err


def _only(truth: dict[str, Any], applications: list[str]) -> dict[str, Any]:
    """The truth of some applications, added up."""

    def add(one: Any, other: Any) -> Any:
        if isinstance(one, dict):
            return {k: add(one[k], other[k]) if k in one and k in other else one.get(k, other.get(k)) for k in {*one, *other}}
        return one + other

    first, *rest = [truth["applications"][a] for a in applications]
    for more in rest:
        first = add(first, more)
    return {"total": first}


@pytest.mark.parametrize("command", [("fetch", "--plan"), ("doctor", "--source", "--dataset", "workspace_audit")], ids=" ".join)
def test_a_look_at_the_source_of_a_lake_that_is_not_there_makes_nothing(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LAKEHOUSE_REPORTS_API_URL", "http://127.0.0.1:9")  # nobody listens there
    there = tmp_path / "there"
    there.mkdir()
    for place in (tmp_path / "misspelt", there):
        result = run(*command, "--lake", place)
        assert f"there is no lake at {place} yet" in result.err
        assert result.out
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


@pytest.mark.parametrize("dataset", ["nothing", "listening"])
def test_a_dataset_that_cannot_be_fetched_makes_no_lake(run: Any, tmp_path: Path, dataset: str) -> None:
    assert run("fetch", "--dataset", dataset, "--lake", tmp_path / "new").code == 2
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--from", "2999-01-01"], "lies in the future"),
        (["--from", "2026-11-18", "--to", "2026-11-17"], "ends before it begins"),
    ],
)
def test_a_range_that_cannot_be_read_makes_no_lake(run: Any, tmp_path: Path, options: list[str], told: str) -> None:
    place = tmp_path / "misspelt"
    found = run("fetch", *options, "--lake", place)
    assert (found.code, told in found.err, place.exists()) == (2, True, False)
