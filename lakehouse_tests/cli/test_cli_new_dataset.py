"""`lakehouse new-dataset` in a copy of the checkout: what it writes passes the tests of every dataset, is clean, loads, takes in the sample."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import lakehouse
from lakehouse.cli.main import app
from lakehouse.cli.new_dataset import lake_of_its_own
from lakehouse.scaffold.infer import infer
from lakehouse.settings import ENV_TOKEN_KEY, ENV_URL, LakeSettings, open_lake, project_root

REAL = Path(lakehouse.__file__).parents[2] / "shared" / "realdata"
FOLDERS = ("lakehouse", "lakehouse_tests", "dbt_project", "docs", "deploy", "benchmarks")
FLIGHTS = REAL / "logistics" / "flights" / "airlineStats_data_2014-01-01.jsonl.gz"
NESTED = [
    {"id": f"e-{n}", "event": {"time": f"2026-11-{n % 9 + 1:02d}T10:00:00Z", "kind": "open"}, "who": {"mail": f"p{n}@firm.example"},
     "tags": ["a"] * (n % 3), "order": n / 2, "parts": [{"name": "x", "size": n}]}
    for n in range(40)
]  # fmt: skip
SAMPLES: dict[str, str] = {
    "nested.jsonl": "".join(json.dumps(record) + "\n" for record in NESTED),
    "header.csv": "Order ID;Amount;When;Paid;Note\n" + "".join(f'A-{n};{n}.50;{n % 9 + 1:02d}.11.2026 10:00;true;"a;{n}"\n' for n in range(40)),
    "epoch.csv": "user,ts,size\n" + "".join(f"{n % 7},{1_793_527_200_000 + n % 20 * 3_600_000},{n if n % 5 else '-'}\n" for n in range(40)),
    "fraction.jsonl": "".join(json.dumps({"ts": 1_793_527_200 + n * 3_600.125, "host": f"h{n % 3}"}) + "\n" for n in range(40)),
    "document.json": json.dumps({"result": {"items": [{"at": f"2026-11-01 10:{n:02d}:00", "value": n * 1.5} for n in range(40)]}}, indent=1),
}
EVERY_DATASET = tuple(  # the tests that look at every dataset that there is
    f"lakehouse_tests/{name}"
    for name in (
        "test_readme.py", "cli/test_demo_samples.py", "contracts/test_page.py", "defs/test_defs_load.py", "engines/test_golden_rows.py",
        "marts/test_marts_specs.py", "pictures/test_pictures_page.py",
    )
)  # fmt: skip
# Runs in the copy: everything loads with the new dataset, and the sample is taken in.
INGEST = """
import datetime as dt, sys
from lakehouse.datasets.registry import find_dataset
from lakehouse.defs.house import definitions_of
from lakehouse.operations.reconciliation import reconcile
from lakehouse.settings import DatasetSettings, LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.ingest import ingest

name, sample, folder = sys.argv[1:]
dataset = find_dataset(name)
assert {"clean/" + name, f"marts/{name}_daily"} <= {node.key.to_user_string() for node in definitions_of(None).resolve_asset_graph().asset_nodes}
settings = LakeSettings(clock=dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC), datasets={name: DatasetSettings(start=dt.date(2014, 1, 1))})
lake = open_lake(folder).with_settings(settings)
ingest(lake, dataset, [sample]).raise_for_errors()
reports = [build_day(lake, dataset, stale.day) for stale in stale_days(lake, dataset)]
told = reconcile(lake, dataset)
assert told.closes, told.differences
print(sum(report.books.lines for report in reports), sum(report.books.kept for report in reports))
"""


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in FOLDERS:
        shutil.copytree(project_root() / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "target", "*.duckdb"))
    for name in ("pyproject.toml", "workspace.yaml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"):
        shutil.copy(project_root() / name, folder)
    return folder


def run(checkout: Path, *command: str) -> str:
    """What a Python command says that is run in the copy."""
    env = {**os.environ, "PYTHONPATH": str(checkout), ENV_TOKEN_KEY: "a key for tests that is long enough"}
    done = subprocess.run([sys.executable, *command], cwd=checkout, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("sample", [*SAMPLES, FLIGHTS.name])
def test_a_new_dataset_passes_its_own_test_is_clean_loads_and_takes_in_its_sample(sample: str, checkout: Path, tmp_path: Path) -> None:
    path = tmp_path / sample
    if sample in SAMPLES:
        path.write_text(SAMPLES[sample])
    elif FLIGHTS.is_file():
        path = FLIGHTS
    else:
        pytest.skip(f"{FLIGHTS} is not here")
    name = f"new_{sample.split('.', 1)[0].split('_', 1)[0].lower()}"
    done = CliRunner().invoke(app, ["new-dataset", name, "--sample", str(path), "--into", str(checkout), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert all((checkout / one).is_file() for one in told["written"])
    tests = [f"lakehouse_tests/datasets/{name}", *(EVERY_DATASET if sample == "header.csv" else ())]
    run(checkout, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *tests)
    run(checkout, "-m", "ruff", "check", "--no-cache", *(one for one in told["written"] if one.endswith(".py")))
    run(checkout, "-m", "ruff", "format", "--no-cache", "--check", *(one for one in told["written"] if one.endswith(".py")))
    lines, kept = map(int, run(checkout, "-c", INGEST, name, str(path), str(tmp_path / "lake")).split())
    assert lines == kept == told["lines"]
    if sample == "nested.jsonl":
        run(checkout, "-m", "mypy", "--cache-dir", str(tmp_path / "mypy"), "-p", f"lakehouse.datasets.{name}")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("listening", '{"at":"2026-11-01T10:00:00Z"}', "is taken"),
        ("model", '{"at":"2026-11-01T10:00:00Z"}', "is taken"),
        ("Doors", '{"at":"2026-11-01T10:00:00Z"}', "cannot be the name"),
        ("doors", "", "is empty"),
        ("doors", '{"colour":"red"}', "has no place"),
        ("doors", "at,name,until\n2026-11-01,a\n2026-11-02,b\n2026-11-03,c,2026-11-04\n", "only 33% of its rows have as many fields"),
        ("doors", '{"time":"2026-11-01T10:00:00Z","timestamp":"2026-11-01T10:00:00Z"}', "--time timestamp"),
    ],
)
def test_what_cannot_become_a_dataset_is_refused_and_nothing_is_written(name: str, data: str, said: str, tmp_path: Path) -> None:
    sample = tmp_path / "sample.jsonl"
    sample.write_text(data)
    done = CliRunner().invoke(app, ["new-dataset", name, "--sample", str(sample)], env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert not (project_root() / "lakehouse" / "datasets" / "doors").exists()


@pytest.mark.parametrize(
    ("clock", "place"), [(dt.datetime(2026, 11, 20, tzinfo=dt.UTC), "~/lakes/doors"), (dt.datetime(2026, 11, 22, tzinfo=dt.UTC), None), (None, None)]
)
def test_a_sample_of_times_after_the_clock_of_the_lake_is_told_to_have_its_own(
    clock: dt.datetime | None, place: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sample := tmp_path / "doors.jsonl").write_text('{"at":"2026-11-21T10:00:00Z"}\n')
    inferred = infer("doors", [sample], time=None, today=dt.date(2026, 11, 22))
    monkeypatch.setenv(ENV_URL, str(tmp_path / "lake"))
    assert lake_of_its_own(inferred, tmp_path) is None
    open_lake(tmp_path / "lake").with_settings(LakeSettings(clock=clock))
    assert lake_of_its_own(inferred, tmp_path) == place
    monkeypatch.delenv(ENV_URL)
    assert lake_of_its_own(inferred, tmp_path) is None
    (tmp_path / "lake").rename(tmp_path / "data")
    assert lake_of_its_own(inferred, tmp_path) == place  # the lake of the checkout that the dataset was written into


@pytest.mark.parametrize("lake", ["file", "a%20b", "x" * 300, "damaged"])
def test_a_lake_that_cannot_be_opened_does_not_end_what_has_written_a_dataset(lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sample := tmp_path / "doors.jsonl").write_text('{"at":"2026-11-21T10:00:00Z"}\n')
    inferred = infer("doors", [sample], time=None, today=dt.date(2026, 11, 22))
    (tmp_path / "file").touch()
    (tmp_path / "a%20b").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "lake.json").write_text("{")
    monkeypatch.setenv(ENV_URL, str(tmp_path / lake))
    assert lake_of_its_own(inferred, tmp_path) is None


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["new-dataset", "doors", "--sample", "x.csv", "--into", str(tmp_path)], env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert "no checkout" in done.output


@pytest.mark.slow
def test_what_does_not_load_is_not_kept(checkout: Path, tmp_path: Path) -> None:
    from lakehouse.errors import TerminalError
    from lakehouse.scaffold.write import write_dataset

    readme = (checkout / "README.md").read_text()
    with pytest.raises(TerminalError, match="does not load"):
        write_dataset(checkout, "broken", {"lakehouse/datasets/broken/__init__.py": "", "docs/broken.md": "x"}, ())
    assert not (checkout / "lakehouse/datasets/broken").exists()
    assert not (checkout / "docs/broken.md").exists()
    assert (checkout / "README.md").read_text() == readme
