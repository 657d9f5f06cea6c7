"""Which fetches found what came late: counts and shares."""

from __future__ import annotations

from lakehouse.accounts.lateness import Recovered, recovered


def test_the_share_of_a_purpose_is_of_all_late_first_sightings() -> None:
    found = recovered({"weekly_sweep": 1, "overlap": 13, "new": 2, "daily_sweep": 4}, ("overlap", "daily_sweep", "weekly_sweep"))
    assert found == (
        Recovered("overlap", 13, 20, 0.65),
        Recovered("daily_sweep", 4, 20, 0.2),
        Recovered("weekly_sweep", 1, 20, 0.05),
        Recovered("new", 2, 20, 0.1),
    )
    assert sum(r.count for r in found) == found[0].late


def test_a_sweep_that_found_nothing_is_told_with_nothing() -> None:
    assert recovered({"overlap": 3}, ("overlap", "daily_sweep")) == (Recovered("overlap", 3, 3, 1.0), Recovered("daily_sweep", 0, 3, 0.0))


def test_before_anything_came_late_there_is_no_share() -> None:
    assert recovered({}, ("overlap",)) == (Recovered("overlap", 0, 0, None),)
    assert recovered({}, ()) == ()
