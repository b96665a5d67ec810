"""The commands that care for a store: store check, store compact, store prune, store export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stabkit.cli.options import ConfigOption, DataOption, FormatOption, open_data, terminal_of
from stabkit.cli.terminal import Format
from stabkit.errors import StoreError
from stabkit.paths import on_this_machine

__all__ = ["check", "compact", "export", "prune"]


def check(
    context: typer.Context,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say whether the store is whole.

    Every marker is read and every data file hashed; nothing is changed.

    Exit codes: 0 whole, 2 damaged.

    \b
    Examples:
      stabkit store check
      stabkit store check --data data/sample --format json
    """
    from stabkit.report import check_document, check_statement

    terminal = terminal_of(context)
    found = open_data(config, data).check()
    if output_format is Format.json:
        terminal.document(check_document(found))
    else:
        terminal.show(output_format, check_statement(found))
        for fault in found.faults:
            terminal.error(fault)
    return 0 if found.whole else 2


def compact(context: typer.Context, config: ConfigOption = None, data: DataOption = None) -> int:
    r"""Pack many small files into few large ones.

    Sketches for long histories are made, too. Readers at work are not disturbed: the old files stay an hour, and the
    next compaction after it removes them. Compact a remote store from one place at a time.

    Exit codes: 0, or 2 error; then nothing was changed.

    \b
    Examples:
      stabkit store compact
      stabkit store compact --data runs
    """
    from stabkit.report import compaction_statement

    terminal_of(context).show(Format.text, compaction_statement(open_data(config, data).compact()))
    return 0


def prune(
    context: typer.Context,
    keep_days: Annotated[
        int,
        typer.Option("--keep-days", metavar="DAYS", help="Samples of runs that ended earlier go.", min=1, max=365_000),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would go.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    r"""Drop the samples of old runs; all else stays.

    Their percentiles stay too. Without --yes nothing is changed. The two newest runs of an environment, and its newest
    A/A runs, keep their samples at any age. The files themselves go with the first compaction an hour later.

    Exit codes: 0, or 2 error; then nothing was changed.

    \b
    Examples:
      stabkit store prune --keep-days 365
      stabkit store prune --keep-days 365 --yes
    """
    from stabkit.report import pruning_statement

    done = open_data(config, data).prune(keep_days, dry_run=not yes)
    terminal_of(context).show(Format.text, pruning_statement(done))
    return 0


def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; made if it is missing.")],
    run: Annotated[
        list[str] | None, typer.Option("--run", metavar="RUN", help="Only this one; may be repeated.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="CSV instead of Parquet.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    r"""Write each table to a file of its own, for other tools.

    Exit codes: 0, or 2 error. Nothing is overwritten.

    \b
    Examples:
      stabkit store export exported
      stabkit store export exported --run v1.4 --run v1.5 --csv
    """
    files = open_data(config, data).export(on_this_machine(folder), run or None, form="csv" if csv else "parquet")
    if not files:
        raise StoreError("There is nothing to export.", where=str(folder), hint="See what is stored: stabkit runs")
    for file in files:
        terminal_of(context).result(str(file))
    return 0
