"""The command that looks along the history: trend."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stabkit.cli.options import (
    ClusterOption,
    ConfigOption,
    DataOption,
    FormatOption,
    not_empty,
    open_data,
    reports_folder,
    terminal_of,
    usual_config,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import UsageError

if TYPE_CHECKING:
    from stabkit.store import Store

__all__ = ["trend"]


class Quantile(StrEnum):
    """Which value of each run makes the history."""

    p50 = "p50"
    p95 = "p95"
    p99 = "p99"


def trend(
    context: typer.Context,
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", callback=not_empty, help="The target, suite, tool or report.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Instead: every history of the store, what moved most surprisingly first.")
    ] = False,
    metric: Annotated[
        str, typer.Option(metavar="NAME", help="Any time or reading; pass_rate, suite_size, findings, coverage.")
    ] = "response_time",
    quantile: Annotated[
        Quantile | None, typer.Option(help="Which value of each run; else p95, or p50 of a few values.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Rows of the table; all runs count.")] = 20,
    cluster: ClusterOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            parser=reports_folder,
            help="Of --all: write a page as well, trend.html.",
        ),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say how a metric developed: changes, drift, spikes; or which of all histories moved.

    With --all: response times and other metrics of each target, failed requests, pass rates, open findings. At most 5 %
    of what is listed is chance.

    Exit codes: 0 shown, whatever came out; 2 error.

    \b
    Examples:
      stabkit trend api
      stabkit trend api --quantile p99 --format json
      stabkit trend unit --metric pass_rate
      stabkit trend --all
    """
    store = open_data(config, data)
    if every and target is None:
        return _every(terminal_of(context), store, (usual_config(config, data), output), cluster, limit, output_format)
    if target is None or every or cluster is not None or output is not None:
        raise UsageError(
            "A trend is that of one TARGET, or of --all histories; --cluster and --output are for the latter.",
            hint="Such as: stabkit trend api, or: stabkit trend --all",
        )
    from stabkit.vocabulary import is_time

    if not is_time(metric):
        return _counted(terminal_of(context), store, (target, metric), limit, output_format)
    from stabkit.case import sketches_of
    from stabkit.config import load_config
    from stabkit.report import margin_of
    from stabkit.report import trend as history

    settings = usual_config(config, data)
    which: Literal["p50", "p95", "p99"] | None = None if quantile is None else quantile.value
    margin = margin_of(load_config(settings) if settings else None, target, metric, which or "p95")
    samples, runs = store.read("samples"), store.runs()
    shown = history(
        samples,
        runs,
        target=target,
        metric=metric,
        quantile=which,
        margin=margin,
        limit=limit,
        sketches=sketches_of(store, runs, samples, metric),
    )
    terminal_of(context).show(output_format, shown)
    return 0


def _counted(terminal: Terminal, store: Store, of: tuple[str, str], limit: int, output_format: Format) -> int:
    """Show one history of what is counted or read, not timed."""
    from stabkit.pipeline import survey_one
    from stabkit.report import one_history

    found, about, values = survey_one(store, *of)
    terminal.show(output_format, one_history(found, about, values, limit=limit))
    return 0


def _every(
    terminal: Terminal,
    store: Store,
    places: tuple[Path | None, Path | None],
    cluster: str | None,
    limit: int,
    output_format: Format,
) -> int:
    """Show which of all histories moved; write a page of them where one is asked for."""
    from stabkit.pipeline import open_output, survey_store, write_survey
    from stabkit.report import moved_histories, survey_sections

    config, output = places
    progress = terminal.progress()
    if progress:
        progress.start("histories", 1)
    try:
        found = survey_store(store, cluster=cluster)
    finally:
        if progress:
            progress.finish()
    if output is not None:
        from stabkit.config import Config, load_config
        from stabkit.report.sections import history_subject

        subject = history_subject(store.runs(), load_config(config) if config else Config())
        with open_output(output, fetch=False) as place:
            page = write_survey(survey_sections(found, limit=limit, subject=subject), place)
            terminal.note(f"written: {place.shown(page)}")
    terminal.show(output_format, moved_histories(found, limit=limit))
    return 0
