"""A disk that is full while marts are built or published: it is told what to do, the old version stands, and the next build is whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from full_disks import NEEDS_LIMIT, full_at
from mart_lakes import Built
from test_marts_publish import DATASET, publish_value, value_of

from lakehouse.marts.publish import current_version, published_path
from lakehouse.settings import open_lake
from lakehouse.steps.publish import publish_marts

pytestmark = NEEDS_LIMIT
# Bytes that a file may have -> what finds no room, in the words of the error.
ROOM = {
    10: r"TerminalError: The marts of workspace_audit could not be built in .*/\.build/\w+: .*File too large",
    40_000: r"TerminalError: dbt could not run in .*/\.build/\w+/target \(exit code 1\): OSError: .*File too large",  # its log
    150_000: r'TerminalError: The marts of workspace_audit could not be built in .*Could not write file ".*/marts\.duckdb\.wal": File too large',
    1_000_000: r'TerminalError: The marts of workspace_audit could not be built in .*Could not write file ".*/marts\.duckdb": File too large',
}


def ended(program: str, *args: object) -> str:
    """What a program prints that ends well."""
    done = subprocess.run([sys.executable, "-c", program, *map(str, args)], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def shown(built: Built) -> dict[str, list[Any]]:
    """All rows of the published marts."""
    with built.open() as con:
        names = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        return {name: sorted(map(repr, con.execute(f"FROM {name}").fetchall())) for name in names}


@pytest.mark.parametrize("room", [pytest.param(size, marks=pytest.mark.slow if size in (40_000, 1_000_000) else ()) for size in ROOM])
def test_a_disk_that_is_full_while_marts_are_built_is_told_and_the_published_version_stays(changing: Built, room: int) -> None:
    version, before = current_version(changing.lake, changing.dataset), shown(changing)
    work = "publish_marts(open_lake(sys.argv[1]), find_dataset('workspace_audit'), force=True)"
    imports = "import sys\nfrom lakehouse.datasets.registry import find_dataset\nfrom lakehouse.settings import open_lake\n"
    imports += "from lakehouse.steps.publish import publish_marts\n"

    told = ended(imports + full_at("lakehouse.marts.build", "marts.before_dbt", room, work), changing.folder)

    assert re.match(ROOM[room] + ".*Look at what it names, at free space and at the rights of the folder, then", told), told
    assert current_version(changing.lake, changing.dataset) == version
    assert shown(changing) == before
    assert list((changing.folder / "marts" / "workspace_audit" / ".build").iterdir()) == []  # it would be part of what fills the disk
    report = publish_marts(changing.lake, changing.dataset, force=True)
    assert (report.version, report.skipped) == (2, False)
    assert shown(changing) == before


@pytest.mark.parametrize(
    ("step", "path", "number"),
    [("marts.before_record", r"_versions/00000002\.json", 1), ("marts.after_record", r"marts/workspace_audit\.duckdb", 2)],
)
def test_a_disk_that_is_full_while_a_version_is_published_leaves_one_whole_version(tmp_path: Path, step: str, path: str, number: int) -> None:
    lake = open_lake(tmp_path / "lake")
    publish_value(lake, tmp_path, 1)
    imports = f"import sys\nsys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]!r}\nfrom pathlib import Path\n"
    imports += "from test_marts_publish import built_file, open_lake, publish, record, DATASET\n"
    imports += "lake, file = open_lake(sys.argv[1]), built_file(Path(sys.argv[2]), 2)\n"

    told = ended(imports + full_at("lakehouse.marts.publish", step, 10, "publish.publish(lake, DATASET, file, record(2))"), lake.store.root, tmp_path)

    assert re.match(rf"TerminalError: .*{path} cannot be written: .*File too large.*Look at free space and at the rights of the folder", told), told
    found = current_version(lake, DATASET)
    assert found is not None
    assert found.number == value_of(published_path(lake, DATASET)) == number
    left = sorted(p.name for p in (tmp_path / "lake" / "marts" / "workspace_audit" / "_versions").iterdir())
    assert left == sorted(f"0000000{n}{end}" for n in range(1, number + 1) for end in ("-a.duckdb", ".json"))
    assert publish_value(lake, tmp_path, 3)
    assert value_of(tmp_path / "lake" / "marts" / "workspace_audit.duckdb") == 3
