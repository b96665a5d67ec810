"""The commands that compare and judge: compare, gate, explain."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stabkit.cli.options import (
    BaselineArgument,
    CandidateArgument,
    ConfigOption,
    DataOption,
    FormatOption,
    MaybeBaseline,
    MaybeCandidate,
    data_folder,
    not_empty,
    store_for,
    terminal_of,
    usual_config,
    warn_of_names,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import StabkitError, UsageError

if TYPE_CHECKING:
    from stabkit.announce import Announcement
    from stabkit.case import Case

__all__ = ["compare", "explain", "gate"]


class GateFormat(StrEnum):
    """How a verdict is printed."""

    text = "text"
    json = "json"
    markdown = "markdown"
    junit = "junit"
    sarif = "sarif"
    openmetrics = "openmetrics"


class FailOn(StrEnum):
    """Which verdicts make ``gate`` fail."""

    regressed = "regressed"
    inconclusive = "inconclusive"


def compare(
    context: typer.Context,
    baseline: MaybeBaseline = None,
    candidate: MaybeCandidate = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Show the metrics of two runs side by side.

    Each with its interval and margin.

    Exit codes: 0 shown, whatever came out; 2 error. For a verdict, use gate.

    \b
    Examples:
      stabkit compare v1.4 v1.5
      stabkit compare latest~1 latest --data data/sample
    """
    from stabkit.report.sections import key_metrics

    terminal_of(context).show(output_format, key_metrics(_case(baseline, candidate, config, data), drawn=False))
    return 0


def gate(
    context: typer.Context,
    baseline: MaybeBaseline = None,
    candidate: MaybeCandidate = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: Annotated[
        GateFormat, typer.Option("--format", "-f", help="How the result is printed.")
    ] = GateFormat.text,
    fail_on: Annotated[
        FailOn, typer.Option(help="regressed: an inconclusive verdict exits with 0 too, and is told on stderr.")
    ] = FailOn.inconclusive,
    backtest: Annotated[
        bool,
        typer.Option("--backtest", help="Judge no run: how far can this gate be trusted, by its own history?"),
    ] = False,
    last: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Of a backtest: only the newest N unchanged pairs; else 40."),
    ] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLACE",
            callback=not_empty,
            help="Tell the verdict: github, gitlab, grafana, or a webhook's https:// address; may be repeated.",
        ),
    ] = None,
    page_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar="STABKIT_PAGE_URL", help="Where the report's page can be read, for --notify."
        ),
    ] = None,
) -> int:
    r"""Judge a run: the verdict and its reasons.

    With --backtest: unchanged pairs of the store judged as they are and with planted changes. Per condition: how often
    it would have cried wolf, what it would have caught, and which margin the evidence can carry.

    Exit codes: 0 stable, 1 regressed, 2 error, 3 inconclusive; of a backtest 0, whatever came out, and 2.

    \b
    Examples:
      stabkit gate
      stabkit gate v1.4 v1.5 --fail-on regressed
      stabkit gate data/reference/before data/reference/after --format markdown
      stabkit gate v1.4 v1.5 --format junit
      stabkit gate v1.4 v1.5 --notify github
      stabkit gate --backtest --data data/sample
    """
    if backtest:
        if fail_on is not FailOn.inconclusive:
            raise UsageError("A backtest judges no run: --fail-on does not apply.", hint="Leave it out.")
        if output_format.value not in list(Format):
            raise UsageError(f"A backtest is not printed as {output_format}.", hint=f"Choose of: {', '.join(Format)}.")
        if notify:
            raise UsageError("A backtest has no verdict to tell: --notify does not apply.", hint="Leave it out.")
        return _backtest(context, (baseline, candidate), config, data, Format(output_format), last)
    if last is not None:
        raise UsageError("--last belongs to --backtest.", hint="stabkit gate --backtest --last 20")
    terminal = terminal_of(context)
    told = _Told(terminal, notify or [], page_url)
    with told.errors():
        case = _case(baseline, candidate, config, data)
        gate = case.gate
        warn_of_names(terminal, case.config)
        _say_which(terminal, baseline, candidate, case)
        _show_verdict(terminal, output_format, case, lenient=fail_on is FailOn.regressed)
    passes = fail_on is FailOn.regressed and gate.verdict == "inconclusive"
    if passes:
        terminal.warning("the verdict is inconclusive; --fail-on regressed lets it pass")
    code = 0 if passes else gate.exit_code
    told.verdict(case, code)
    return code


def explain(
    context: typer.Context,
    baseline: BaselineArgument,
    candidate: CandidateArgument,
    condition: Annotated[
        str, typer.Argument(metavar="CONDITION", callback=not_empty, help="Its name, as gate shows it.")
    ],
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say how one condition came out.

    Its question, its estimates with the rule that decided, what moved, and what is missing.

    Exit codes: 0 explained, whatever the outcome; 2 error.

    \b
    Examples:
      stabkit explain v1.4 v1.5 "api response time"
      stabkit explain v1.4 v1.5 "api response time" --format json
    """
    from stabkit.report import explain as explanation
    from stabkit.report import explanation_document, find_condition

    case = _case(baseline, candidate, config, data)
    gate_, found = case.gate, find_condition(case.gate, condition)
    terminal = terminal_of(context)
    if output_format is Format.json:
        terminal.document(explanation_document(gate_, found))
    else:
        terminal.show(output_format, explanation(gate_, found, case.again))
    return 0


class _Told:
    """The places to which a command tells its verdict; a failure there is a warning, and changes no exit code.

    Raises
    ------
    UsageError
        A word names no place; said before anything is judged.
    """

    def __init__(self, terminal: Terminal, words: Sequence[str], page: str | None) -> None:
        self._terminal = terminal
        self._page = page
        if words:
            from stabkit.announce import parse_place

            self._places = list(dict.fromkeys(map(parse_place, words)))
        else:
            self._places = []

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Tell an error within as what it is: what was told before must not stand as if it held still."""
        try:
            yield
        except Exception as error:
            if self._places:
                from stabkit.report import error_announcement

                self._tell(error_announcement(error, page=self._page, job=self._job()))
            raise

    def verdict(self, case: Case, exit_code: int) -> None:
        """Tell the verdict of a case."""
        if self._places:
            from stabkit.report import gate_announcement

            self._tell(gate_announcement(case, exit_code=exit_code, page=self._page, job=self._job()))

    @staticmethod
    def _job() -> str | None:
        from stabkit.announce import job_address

        return job_address(os.environ)

    def _tell(self, announcement: Announcement) -> None:
        from stabkit.announce import announce

        for place in self._places:
            try:
                done = announce(place, announcement, os.environ)
            except StabkitError as error:
                self._terminal.warning(f"the verdict was not told to {place.shown}: {error.what}")
                self._terminal.hint(error.hint)
            else:
                self._terminal.note(f"{place.shown}: {done}")


def _show_verdict(terminal: Terminal, output_format: GateFormat, case: Case, *, lenient: bool) -> None:
    """Print a verdict for people, or for the tools that read it."""
    if output_format is GateFormat.sarif:
        from stabkit.report import gate_log

        terminal.document(gate_log(case))
    elif output_format is GateFormat.junit:
        from stabkit.report import gate_junit

        terminal.plain(gate_junit(case, lenient=lenient))
    elif output_format is GateFormat.openmetrics:
        from stabkit.report import gate_metrics

        terminal.plain(gate_metrics(case))
    else:
        from stabkit.report.sections import verdict

        terminal.show(Format(output_format), verdict(case))


def _backtest(
    context: typer.Context,
    named: tuple[str | None, str | None],
    config: Path | None,
    data: str | None,
    output_format: Format,
    last: int | None,
) -> int:
    """Show what the gate makes of unchanged pairs; a verdict is none of them, so that no exit code says one."""
    from stabkit.report import backtest, backtest_document

    if any(named):
        runs = " and ".join(repr(name) for name in named if name)
        hint = "Leave the runs out; --last N takes the newest pairs alone."
        raise UsageError(f"A backtest is of the whole store, not of {runs}.", hint=hint)
    terminal = terminal_of(context)
    result = backtest(data=data_folder(config, data), config=usual_config(config, data), last=last)
    warn_of_names(terminal, result.source.config)
    if output_format is Format.json:
        terminal.document(backtest_document(result))
    else:
        terminal.show(output_format, result.summary())
    if result.found.pairs:
        terminal.note("with charts: stabkit report --notebook backtest")
    return 0


def _say_which(terminal: Terminal, baseline: str | None, candidate: str | None, case: Case) -> None:
    """Say which runs are judged where no name says it: the newest of a shared store may be another job's."""
    from stabkit.report.words import sides_text
    from stabkit.store import word_of

    if case.stored and any(given is None or word_of(given) for given in (baseline, candidate)):
        terminal.note(f"judged: {sides_text(case)}")


def _case(baseline: str | None, candidate: str | None, config: Path | None, data: str | None) -> Case:
    from stabkit.case import load_case

    store = store_for((baseline, candidate), config, data)
    return load_case(baseline, candidate, data=store, config=usual_config(config, data))
