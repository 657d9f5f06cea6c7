"""`lakehouse reveal`: the address behind a token, written down before it is looked for."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.exits import ExitCode
from lakehouse.cli.output import facts, hint, print_json, progress, warn
from lakehouse.cli.session import DatasetOption, JsonOption, LakeOption, open_for_reading, pick_dataset


def reveal(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="A token, such as tok_… in the column actor_email.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it is written to the log of reveals.", show_default=False)],
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Find the plain e-mail address behind a token. For those who may read raw.

    Who, when and why go to <lake>/ops/reveals/ before anything is read. The address is found by computing the tokens of the addresses in raw
    again, so it needs the lake's token key. Exits with 1 when raw does not hold the address (any more).

    Example:  [bold]lakehouse reveal tok_mfrggzdfmztwq2lknnwg23tpoa --reason "incident 4711"[/]
    """
    from lakehouse.steps.reveal import reveal as find

    opened = open_for_reading(ctx, lake)
    chosen = pick_dataset(opened, dataset)
    with progress(quiet=as_json) as shown:
        task = shown.add_task("reading raw parts", total=None)
        found = find(opened, chosen, token, why=reason, progress=lambda done, total: shown.update(task, completed=done, total=total))
    if as_json:
        print_json(found)
    elif found.address is not None:
        facts().print(found.address, markup=False)
    if found.address is None:
        gone = f" Raw of {found.expired_days:,} days has expired: what was only there cannot be found any more." if found.expired_days else ""
        warn(f"No line of raw has an address with the token {token} under the key {opened.token_key().id}.{gone}")
    hint(f"written down in {found.entry}")
    if found.address is None:
        raise typer.Exit(ExitCode.DATA)
