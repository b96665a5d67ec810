"""The command that compares the system with itself: aa."""

from __future__ import annotations

from typing import Annotated

import typer

from stabkit.cli.evidence import store_collection, tell_failures
from stabkit.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    open_data,
    require_config,
    terminal_of,
    uninterrupted,
)
from stabkit.cli.terminal import Format

__all__ = ["aa"]


def aa(
    context: typer.Context,
    repeats: Annotated[
        int, typer.Option(min=1, max=1000, metavar="K", help="Pairs of runs; 20 without an alarm still allow 17 %.")
    ] = 20,
    rounds: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Interleaved rounds of each pair; else as configured.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this target; may be repeated.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Compare the system with itself: what verdicts are worth here.

    Each declared target's url stands on both sides. The pairs are kept, apart from the history, and every later
    judgement in this environment knows from them how much identical runs differ.

    Exit codes: 0 measured, whatever came out; 2 error; 130 interrupted (whole pairs are kept).

    \b
    Examples:
      stabkit aa
      stabkit aa --repeats 40 --rounds 10 --only api
    """
    from stabkit.case import known_noise
    from stabkit.collect import collect_aa
    from stabkit.report import noise_table
    from stabkit.report.words import detail_text

    terminal = terminal_of(context)
    settings = require_config(config)
    store = open_data(config, data, create=True)
    store.check_writable()
    interrupted = failed = False
    pairs = collect_aa(settings, repeats=repeats, rounds=rounds, only=tuple(only or ()), progress=terminal.progress())
    for number, pair in enumerate(pairs, start=1):
        interrupted = pair.interrupted
        with uninterrupted():
            store_collection(store, pair)
        failed = tell_failures(terminal, *pair.evidence.values()) or failed
        terminal.note(f"pair {number} of {repeats} stored" + (", incomplete: it does not count" if interrupted else ""))
    noise = known_noise(store, settings.project.environment, settings)
    terminal.show(output_format, noise_table(noise, settings.project.environment))
    for found in noise:
        if found.unfit:
            alarms = detail_text(found.alarms)
            terminal.warning(f"{found.target} {found.metric}: {alarms}; its times are not judged here")
    if interrupted:
        return 130
    return 2 if failed else 0
