"""The command that looks along the history: trend."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from stabkit.cli.options import ConfigOption, DataOption, FormatOption, not_empty, open_data, terminal_of, usual_config
from stabkit.cli.terminal import Format

__all__ = ["trend"]


class Quantile(StrEnum):
    """Which value of each run makes the history."""

    p50 = "p50"
    p95 = "p95"
    p99 = "p99"


def trend(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", callback=not_empty, help="The target, as in stabkit.toml.")
    ],
    metric: Annotated[str, typer.Option(metavar="NAME", help="Any time, such as connect_time.")] = "response_time",
    quantile: Annotated[Quantile, typer.Option(help="Which value of each run.")] = Quantile.p95,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Runs in the table; all count.")] = 20,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say how a metric developed: changes, drift, spikes.

    Exit codes: 0 shown, whatever came out; 2 error.

    \b
    Examples:
      stabkit trend api
      stabkit trend api --quantile p99 --format json
    """
    from stabkit.case import sketches_of
    from stabkit.config import load_config
    from stabkit.report import margin_of
    from stabkit.report import trend as history

    store = open_data(config, data)
    settings = usual_config(config)
    margin = margin_of(load_config(settings) if settings else None, target, metric, quantile.value)
    samples, runs = store.read("samples"), store.runs()
    shown = history(
        samples,
        runs,
        target=target,
        metric=metric,
        quantile=quantile.value,
        margin=margin,
        limit=limit,
        sketches=sketches_of(store, runs, samples, metric),
    )
    terminal_of(context).show(output_format, shown)
    return 0
