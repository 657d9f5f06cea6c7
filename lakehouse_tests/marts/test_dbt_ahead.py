"""dbt that was started before it is needed: it answers, is replaced when it is gone, and none is left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lakehouse.marts import dbt_ahead as ahead


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    """A request that needs no project."""
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"arguments": ["--version"], "parsed": None, "parse": [], "environment": {}}))
    return file


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every process that is started."""
    found: list[Any] = []
    start = ahead._start

    def noted() -> Any:
        found.append(start())
        return found[-1]

    monkeypatch.setattr(ahead, "_start", noted)
    return found


def test_one_waits_for_each_run_and_answers(request_file, started):
    heard: list[str] = []
    with ahead.dbt_ahead(2):
        assert len(started) == 1
        assert ahead.run_process(request_file, heard.append)[0] == 0
        assert len(started) == 2  # the next one was started when the first was taken
        assert ahead.run_process(request_file, heard.append)[0] == 0
    assert len(started) == 2
    assert sum("installed" in line for line in heard) == 2


def test_one_that_is_gone_is_replaced(request_file, started):
    with ahead.dbt_ahead(1):
        started[0].kill()
        started[0].wait()
        assert ahead.run_process(request_file, lambda _: None)[0] == 0
    assert len(started) == 2


def test_one_that_nobody_needed_is_ended(started):
    with pytest.raises(KeyboardInterrupt), ahead.dbt_ahead(1):
        raise KeyboardInterrupt
    assert [process.returncode is not None for process in started] == [True]


def test_without_it_a_process_is_started_for_the_run(request_file, started):
    code, said = ahead.run_process(request_file, lambda _: None)
    assert code == 0
    assert "installed" in said
    assert len(started) == 1


def test_what_could_not_run_tells_its_words(tmp_path):
    code, said = ahead.run_process(tmp_path / "missing.json", lambda _: None)
    assert code not in (0, 3)
    assert "missing.json" in said
