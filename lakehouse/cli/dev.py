"""`lakehouse dev`: Dagster's UI and daemon over a lake, on this machine."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from lakehouse.cli.output import facts, hint, notes, warn
from lakehouse.cli.session import LakeOption, open_for_writing
from lakehouse.errors import ConfigurationError, TerminalError, TransientError
from lakehouse.settings import ENV_URL, Lake, project_root
from lakehouse.storage import FAULTS, told

if TYPE_CHECKING:
    from lakehouse.cli.processes import Group

START_SECONDS = 180
LOST_RUNS_SECONDS = 30

log = logging.getLogger(__name__)


def dev(
    ctx: typer.Context,
    port: Annotated[int, typer.Option("--port", "-p", min=1, max=65535, help="Port of the UI.")] = 3000,
    host: Annotated[str, typer.Option("--host", help="Address to listen on. There is no login: keep it on this machine.")] = "127.0.0.1",
    sensors: Annotated[bool, typer.Option("--sensors/--no-sensors", help="Start the sensors: they fetch and build by themselves.")] = False,
    lake: LakeOption = None,
) -> None:
    """Start Dagster's web UI and daemon over a lake, until Ctrl-C.

    History and settings are in <lake>/.dagster (or DAGSTER_HOME). A lake with a simulated source, such as the demo, gets its local Reports API server
    too. Without --sensors nothing runs until you click.

    Example:  [bold]lakehouse dev[/]     [bold]lakehouse dev --sensors --port 3001[/]
    """
    from lakehouse.cli.processes import interruptible, port_in_use

    opened = open_for_writing(ctx, lake)
    if port_in_use(host, port):
        raise ConfigurationError(
            f"Port {port} of {host} is taken, perhaps by another `lakehouse dev`. Stop that one, or choose another: --port {port + 1}."
        )
    workspace = project_root() / "workspace.yaml"
    if not workspace.is_file():
        raise ConfigurationError(f"{workspace} is missing: `lakehouse dev` needs the checkout of the project.")
    from lakehouse.defs.instance import dagster_home

    home = dagster_home(opened)
    with ExitStack() as stack:
        only = stack.enter_context(_only_one(home))
        if not only:
            raise ConfigurationError(f"Another `lakehouse dev` runs over {home}: two daemons would fight. Stop that one, or choose another lake.")
        try:
            stack.enter_context(interruptible())
            _run(stack, opened, home, host, port, sensors=sensors)
        except KeyboardInterrupt:
            notes().print("stopped")


def _run(stack: ExitStack, lake: Lake, home: Path, host: str, port: int, *, sensors: bool) -> None:
    from lakehouse.cli.processes import Group
    from lakehouse.defs.switches import ENV_SENSORS
    from lakehouse.sources.reports_api.options import ENV_URL as ENV_SOURCE

    environment = {**os.environ, ENV_URL: lake.url if lake.store.root is None else str(lake.store.root), "DAGSTER_HOME": str(home)}
    environment[ENV_SENSORS] = "on" if sensors else "off"
    _serve_sources(stack, lake)
    environment |= {name: address for name, address in os.environ.items() if name == ENV_SOURCE}
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", host, "-p", str(port), "--log-level", "warning"]
    group = Group(command, cwd=project_root(), env=environment)
    stack.callback(group.stop)
    _await_ui(group, f"http://{host}:{port}")
    facts().print(f"[bold green]lakehouse[/] {escape(lake.url)}  [bold]http://{host}:{port}[/]")
    hint(f"sensors {'on' if sensors else 'off: nothing runs until you click; --sensors starts them'}; Ctrl-C stops everything")
    code = _watch(group, lake)
    raise TerminalError(f"Dagster ended by itself with code {code}. Its own words are above; its log is in {home}.")


def _watch(group: Group, lake: Lake) -> int:
    """The exit code of Dagster, when it ends. A command that was killed meanwhile leaves a run that its pages would show as running for ever."""
    from lakehouse.defs.instance import open_instance

    looked, warned = time.monotonic(), set[str]()
    while (code := group.code()) is None:
        time.sleep(0.3)
        if time.monotonic() - looked > LOST_RUNS_SECONDS:
            looked = time.monotonic()
            try:
                with open_instance(lake):  # closes them
                    pass
            except TransientError as error:
                log.info("looking for lost runs: %s", error)
            except FAULTS as error:  # the UI goes on: it may be mended meanwhile
                if (words := told(error)) not in warned:
                    warned.add(words)
                    warn(f"Runs of commands that were killed cannot be looked for: {words}")
    return code


def _serve_sources(stack: ExitStack, lake: Lake) -> None:
    """The local Reports API server of a lake with a simulated source; its address is handed on in the environment."""
    from lakehouse.cli.simulated import serving
    from lakehouse.datasets.registry import all_datasets
    from lakehouse.sources.reports_api.options import simulated_folder

    for dataset in all_datasets():
        if simulated_folder(lake, dataset) is not None:
            api = stack.enter_context(serving(lake, dataset))
            if api is not None:
                hint(f"simulated Reports API of {dataset.name}: {api.url}")


def _await_ui(group: Group, url: str) -> None:
    from lakehouse.cli.processes import answers

    with notes().status("starting Dagster"):
        end = time.monotonic() + START_SECONDS
        while not answers(f"{url}/server_info"):
            if group.code() is not None:
                raise TerminalError(f"Dagster did not start (code {group.code()}). Its own words are above.")
            if time.monotonic() > end:
                raise TerminalError(f"Dagster did not answer at {url} within {START_SECONDS} seconds. Look at its output above.")
            time.sleep(0.3)


def refuse_while_dev_runs(home: Path) -> None:
    """`ConfigurationError` while `lakehouse dev` runs over this home of Dagster's: it would go on over files that are gone."""
    if home.is_dir():
        with _only_one(home) as alone:
            if not alone:
                raise ConfigurationError(f"`lakehouse dev` runs over {home}, and its history would be deleted under it. Stop it first.")


class _only_one:  # noqa: N801  a context manager
    """Holds a lock on the home while it is open; gives False when another process holds it. The system frees it when the process ends, however."""

    def __init__(self, home: Path) -> None:
        self._file = (home / "dev.lock").open("w")

    def __enter__(self) -> bool:
        try:
            import fcntl
        except ImportError:  # Windows: there the port is the only guard
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        self._file.close()
