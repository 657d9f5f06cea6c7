"""A lake's settings, its clock, its starts and its token key."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import stat
from pathlib import Path

import pytest

from lakehouse.errors import ConfigurationError, LakeFormatError
from lakehouse.settings import (
    ENV_KIND,
    ENV_TOKEN_KEY,
    ENV_URL,
    DatasetSettings,
    LakeSettings,
    TokenKey,
    default_url,
    is_production,
    open_existing_lake,
    open_lake,
    switched_on,
)

CLOCK = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ENV_KIND, ENV_TOKEN_KEY, ENV_URL):
        monkeypatch.delenv(name, raising=False)


def test_a_lake_is_made_on_first_use_and_keeps_its_settings(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "new")
    assert lake.settings.made is not None
    assert open_lake(tmp_path / "new").settings == lake.settings
    changed = lake.with_settings(LakeSettings(clock=CLOCK, datasets={"plays": DatasetSettings(start=dt.date(2026, 1, 1), source={"a": [1]})}))
    assert open_lake(tmp_path / "new").settings == changed.settings
    assert changed.settings.made == lake.settings.made
    assert (changed.now(), changed.start("plays", dt.timedelta(days=1))) == (CLOCK, dt.date(2026, 1, 1))


def test_the_clock_of_a_lake_is_told_in_utc(tmp_path: Path) -> None:
    clock = dt.datetime(2026, 11, 20, 14, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert open_lake(tmp_path).with_settings(LakeSettings(clock=clock)).now() == CLOCK
    assert open_lake(tmp_path / "x").now() - dt.datetime.now(dt.UTC) < dt.timedelta(minutes=1)


def test_a_start_that_nobody_set_stands_still(tmp_path: Path) -> None:
    made = dt.datetime(2020, 7, 1, 12, tzinfo=dt.UTC)
    lake = open_lake(tmp_path).with_settings(LakeSettings(made=made))
    assert lake.start("plays", dt.timedelta(days=180)) == dt.date(2020, 1, 3)
    assert open_lake(tmp_path).start("plays", dt.timedelta(days=180)) == dt.date(2020, 1, 3)
    assert open_lake(tmp_path / "demo").with_settings(LakeSettings(clock=CLOCK)).start("plays", dt.timedelta(days=30)) == dt.date(2026, 10, 21)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"format": 99}', "Install a newer"),
        ('{"format": 99, "what_will_be": 1}', "Install a newer"),
        ('{"colour": 1}', "cannot be read"),
        ('{"datasets": {"plays": {"strat": "2026-01-01"}}}', "cannot be read"),
        ('{"datasets": {"plays": {"raw_retention_days": 0}}}', "raw_retention_days must be at least 1, or null"),
        ('{"datasets": {"plays": {"raw_retention_days": "long"}}}', "cannot be read"),
        ('{"clock": "2026-11-20T12:00:00"}', "time zone"),
        ('{"clock": "noon"}', "cannot be read"),
    ],
)
def test_settings_that_cannot_be_understood_are_refused_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "lake.json").write_text(text)
    with pytest.raises(LakeFormatError, match=message) as refused:
        open_lake(tmp_path)
    assert "lake.json" in str(refused.value)


def test_how_long_raw_is_kept_is_a_setting_and_by_default_for_ever(tmp_path: Path) -> None:
    lake = open_lake(tmp_path).with_settings(LakeSettings(datasets={"plays": DatasetSettings(raw_retention_days=400)}))
    assert (lake.dataset("plays").raw_retention_days, lake.dataset("others").raw_retention_days) == (400, None)
    assert open_lake(tmp_path).dataset("plays").raw_retention_days == 400
    with pytest.raises(ValueError, match="at least 1"):
        DatasetSettings(raw_retention_days=0)


def test_a_misspelt_path_makes_no_lake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no lake"):
        open_existing_lake(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()
    open_lake(tmp_path / "lake")
    assert open_existing_lake(tmp_path / "lake").settings.made is not None


def test_the_place_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_url().endswith("data")
    monkeypatch.setenv(ENV_URL, str(tmp_path / "elsewhere"))
    assert open_lake().store.root == tmp_path / "elsewhere"


# --- the token key --------------------------------------------------------------------------------------------------------


def test_a_development_key_is_made_once_and_for_the_owner_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lake = open_lake(tmp_path)
    key = lake.token_key()
    path = tmp_path / ".dev" / "token.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "development key" in caplog.text
    assert key.secret.decode() not in caplog.text
    assert open_lake(tmp_path).token_key() == key
    assert [p.name for p in path.parent.iterdir()] == ["token.key"]


def make_key(folder: str) -> str:
    return open_lake(folder).token_key().id


def test_a_lake_says_which_times_it_does_not_take(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    history = lake.now().date() - dt.date(2026, 1, 1)
    assert lake.times_without_place("plays", history) == (
        "is before 2026-01-01 (the first day of plays in this lake: datasets.plays.start in lake.json) or in the future"
    )
    told = lake.with_settings(LakeSettings(clock=CLOCK)).times_without_place("plays", dt.timedelta(days=10))
    assert told.startswith(
        "is before 2026-11-10 (the first day of plays in this lake: datasets.plays.start in lake.json) or after 2026-11-20 12:00 UTC, where the clock"
    )
    assert "--lake FOLDER, or LAKEHOUSE_URL" in told


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    open_lake(tmp_path)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert len(set(pool.map(make_key, [str(tmp_path)] * 6))) == 1


def test_the_variable_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_TOKEN_KEY, "sixteen letters.")
    assert open_lake(tmp_path).token_key() == TokenKey(b"sixteen letters.")
    assert not (tmp_path / ".dev").exists()


def test_a_short_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_TOKEN_KEY, "only fifteen ch")
    with pytest.raises(ConfigurationError, match="at least 16") as refused:
        open_lake(tmp_path).token_key()
    assert "fifteen" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "\n", "short"])
def test_a_development_key_that_was_torn_is_refused(tmp_path: Path, content: str) -> None:
    lake = open_lake(tmp_path)
    lake.token_key()
    (tmp_path / ".dev" / "token.key").write_text(content)
    with pytest.raises(ConfigurationError, match="Restore it"):
        lake.token_key()


def test_production_refuses_a_development_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = open_lake(tmp_path)
    lake.token_key()
    monkeypatch.setenv(ENV_KIND, "production")
    with pytest.raises(ConfigurationError, match="in production"):
        lake.token_key()
    monkeypatch.setenv(ENV_TOKEN_KEY, "x" * 32)
    assert lake.token_key().secret == b"x" * 32


def test_settings_are_readable_json(tmp_path: Path) -> None:
    open_lake(tmp_path).with_settings(LakeSettings(clock=CLOCK))
    assert json.loads((tmp_path / "lake.json").read_text())["clock"] == "2026-11-20T12:00:00Z"


def test_a_lake_that_is_not_on_a_local_disk_wants_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    lake = open_lake("memory:///lake")
    assert lake.store.root is None
    with pytest.raises(ConfigurationError, match=rf"{ENV_TOKEN_KEY} is not set, .* not on a local disk \(memory:"):
        lake.token_key()
    assert list(lake.store.entries(".dev")) == []
    monkeypatch.setenv(ENV_TOKEN_KEY, "sixteen letters.")
    assert lake.token_key() == TokenKey(b"sixteen letters.")


@pytest.mark.parametrize(("said", "meant"), [("production", True), ("Prod", True), ("development", False), ("dev", False), ("", False)])
def test_the_kind_of_the_place_is_known_by_its_usual_words(monkeypatch: pytest.MonkeyPatch, said: str, meant: bool) -> None:
    monkeypatch.setenv(ENV_KIND, said)
    assert is_production() is meant


@pytest.mark.parametrize(("said", "meant"), [("on", True), ("TRUE", True), ("1", True), ("yes", True), ("off", False), ("0", False), ("", False)])
def test_a_switch_is_known_by_its_usual_words(monkeypatch: pytest.MonkeyPatch, said: str, meant: bool) -> None:
    monkeypatch.setenv("LAKEHOUSE_SENSORS", said)
    assert switched_on("LAKEHOUSE_SENSORS") is meant


def test_another_word_is_refused_and_makes_no_development_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV_TOKEN_KEY, raising=False)
    monkeypatch.setenv(ENV_KIND, "productoin")
    monkeypatch.setenv("LAKEHOUSE_SENSORS", "perhaps")
    with pytest.raises(ConfigurationError, match=r"production \(prod\) or development \(dev\), got 'productoin'"):
        open_lake(tmp_path).token_key()
    assert not (tmp_path / ".dev").exists()
    with pytest.raises(ConfigurationError, match=r"on .* or off .*, got 'perhaps'"):
        switched_on("LAKEHOUSE_SENSORS")
