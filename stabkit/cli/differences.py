"""The commands that say what differs, and judge nothing: diff, of two pieces of evidence; impact, of two commits."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stabkit.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    open_data,
    require_config,
    source_error,
    terminal_of,
    usual_config,
    with_retries,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import EvidenceError, StoreError, UnknownRunError, UsageError
from stabkit.lines import json_text
from stabkit.paths import on_this_machine
from stabkit.redact import redact_values
from stabkit.text import spelt
from stabkit.vocabulary import EXIT_CODES, RISK_LEVELS

if TYPE_CHECKING:
    import pandas as pd

    from stabkit.analyze import RunEvidence
    from stabkit.analyze.findings import FindingComparison
    from stabkit.config import Acceptance, Config
    from stabkit.report import ChangeImpact
    from stabkit.schema import Evidence

    Accepting = Callable[[Mapping[Any, Any]], Acceptance | None]

__all__ = ["diff", "impact"]

_PROCESSES = os.cpu_count() or 1


def diff(
    context: typer.Context,
    before: Annotated[
        str, typer.Argument(metavar="BEFORE", help="Evidence before the change: file, folder, glob, run.")
    ],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Evidence after the change, likewise.")],
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", help="The suite that test reports belong to: its retries count.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the new findings to this file, as SARIF.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="That BEFORE is of; else the one that its SARIF states.")
    ] = None,
    head: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="That AFTER is of; else its SARIF's, or HEAD beside --base.")
    ] = None,
    repository: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the commits are: git says which lines moved.")
    ] = Path(),
) -> int:
    r"""Say what moved between two pieces of evidence.

    Tests by transition, with what the sides have in common; findings by state. A path wins over a run of the same
    name. Renamed tests are found by the configured test_aliases.

    Exit codes: 0 shown, whatever moved; 2 error.

    \b
    Examples:
      stabkit diff before.xml after.xml
      stabkit diff reports/ junit.xml --suite unit
      stabkit diff latest~1 latest --data data/sample
      stabkit diff old.sarif new.sarif --format json
      stabkit diff old.sarif new.sarif --sarif added.sarif
      stabkit diff old.sarif new.sarif --base v1.4 --head v1.5
    """
    from stabkit.analyze import Sides, accepted_between, finding_names
    from stabkit.case import doubt_old_sides, find_settings, moved, with_history
    from stabkit.config import Config
    from stabkit.report import difference, difference_tables

    terminal = terminal_of(context)
    found_config = usual_config(config, data)
    settings = require_config(found_config) if found_config else None
    known = data is not None or settings is not None
    stored = [known and _is_run(text) for text in (before, after)]
    runs = [
        _stored(text, config, data, against) if of_store else _from_files(text, repository, suite, settings)
        for text, of_store, against in zip((before, after), stored, (after if stored[1] else None, None), strict=True)
    ]
    runs[1] = doubt_old_sides(runs[0], runs[1], timely=any(stored))
    sides = (_whole(terminal, before, runs[0]), _whole(terminal, after, runs[1]))
    _refuse_other_kinds((before, after), sides)
    # What lies between two runs was recorded with them; of files, they may state it themselves.
    stated = [None, None] if all(stored) else [_stated_commit(side) for side in sides]
    changes = _changes_between(terminal, repository, (base, head), stated)
    if all(stored):
        store = open_data(config, data)
        both = with_history(runs[0], runs[1], store, find_settings(found_config, data or "", store)[0])
    else:
        both = Sides(settings or Config(), runs[0], runs[1], today=datetime.now(UTC).date())
    transitions, matched = moved(both, changes, apart=all(stored))
    if sarif is not None:
        _write_new(sarif, matched, sides[1], lambda row: both.acceptance("finding", *finding_names(row)))
    accepted = accepted_between(transitions, None if matched is None else matched.states, both)
    found = difference(transitions, matched, accepted)
    if output_format is Format.json:
        terminal.document(found)
    else:
        terminal.show(output_format, *difference_tables(found))
    return 0


def _refuse_other_kinds(given: tuple[str, str], sides: tuple[Evidence, Evidence]) -> None:
    """Refuse sides that hold nothing of one kind."""
    kinds = [{table for table in ("tests", "scans") if len(side[table])} for side in sides]
    if all(kinds) and not kinds[0] & kinds[1]:
        raise UsageError(
            "One side holds tests and the other a scan.",
            where=" and ".join(given),
            hint="Compare evidence of the same kind; see what a file holds: stabkit read FILE",
        )
    if not any(kinds):
        raise UsageError(
            "Neither file holds tests or a scan: nothing to compare.",
            where=" and ".join(given),
            hint=f"Times are compared by: {shlex.join(['stabkit', 'compare', *given])}"
            if all(len(side["samples"]) for side in sides)
            else "See what they hold: stabkit read FILE",
        )


def _changes_between(
    terminal: Terminal, repository: Path, given: tuple[str | None, str | None], stated: Sequence[str | None]
) -> pd.DataFrame | None:
    """Return what git changed between the commits of two scans; None where they or the repository are not known."""
    from stabkit.change import range_changes

    base, head = given[0] or stated[0], given[1] or stated[1] or ("HEAD" if given[0] else None)
    if base is None or head is None:
        if given != (None, None):
            raise UsageError("--head needs the commit of BEFORE too.", where="--head", hint="Name it with --base.")
        return None
    try:
        return range_changes(repository, base, head)
    except (UsageError, EvidenceError) as error:
        if given != (None, None):
            raise
        terminal.note(f"lines are not followed by git: {error.what}")
        return None


def _tests_and_scans(evidence: Evidence) -> Evidence:
    """Return a run without the sources of what is not compared here: a probe that failed hides no test."""
    from stabkit.schema import Evidence

    sources = evidence["sources"]
    return Evidence({**evidence.tables, "sources": sources[sources["kind"].isin(["tests", "scan", "records"])]})


def _stated_commit(side: Evidence) -> str | None:
    stated = {json.loads(claimed).get("commit") for claimed in side["sources"]["claimed"].dropna()} - {None}
    return str(stated.pop()) if len(stated) == 1 else None


def _write_new(path: Path, matched: FindingComparison | None, after: Evidence, accepting: Accepting) -> None:
    """Write the findings that only the later file has; no scan in it is an error, not an empty log."""
    from stabkit.report import new_findings_log

    if matched is None or not len(after["scans"]):
        raise UsageError("--sarif needs two scans; the files hold none.", hint="Leave it out, or give scan reports.")
    on_this_machine(path)
    log = new_findings_log(matched.states, after["scans"], accepting)
    try:
        path.write_text(json_text(redact_values(log), ascii_only=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The file cannot be written: {error.strerror or error}.", where=str(path), hint="Choose another place."
        ) from error


def _is_run(given: str) -> bool:
    """Say whether a word can only name a run: no path is called so."""
    from stabkit.read import expand

    return not any(os.path.lexists(path) for path in expand(given))


def _stored(given: str, config: Path | None, data: str | None, against: str | None) -> RunEvidence:
    from stabkit.case import baseline_named, load_run
    from stabkit.store import word_of

    store = open_data(config, data)
    try:
        judged = store.run(against) if against and word_of(given) else None
        return load_run(baseline_named(given, judged, store), store)
    except (StoreError, UnknownRunError) as error:
        error.hint = f"There is no file or folder {given!r} either. {error.hint or ''}".strip()
        raise


def _from_files(given: str, root: Path, suite: str | None, settings: Config | None) -> RunEvidence:
    from stabkit.analyze import RunEvidence
    from stabkit.read import read_paths

    evidence = read_paths([given], suite=suite, root=root.absolute(), processes=_PROCESSES)
    return RunEvidence({"label": spelt(given)}, with_retries(evidence, suite, settings))


def _whole(terminal: Terminal, given: str, run: RunEvidence) -> Evidence:
    """Return what a run holds of tests and scans; what cannot be read at all is no empty side of a comparison."""
    evidence = _tests_and_scans(run.evidence)
    for source in evidence["sources"].itertuples():
        if source.status == "error":
            raise source_error(source)
        if source.status != "ok":
            terminal.warning(f"{source.path}: {source.message}")
    if not len(evidence["tests"]) and not len(evidence["scans"]):
        terminal.warning(f"{given}: it holds neither tests nor a scan")
    return evidence


def impact(
    context: typer.Context,
    commits: Annotated[
        str | None,
        typer.Argument(metavar="[BASE..HEAD]", help="Two commits, branches or tags; else HEAD against its parent."),
    ] = None,
    repository: Annotated[Path, typer.Option(metavar="FOLDER", help="A git repository.")] = Path(),
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="no: exit code 1 if a line answers no to what nobody accepted; risk:LEVEL: from that level.",
        ),
    ] = None,
    config: ConfigOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say what a change does and risks: no store and no configuration needed.

    Both trees are compared; BASE...HEAD compares with the last common commit instead. Areas, owners and accepted risks
    come from a stabkit.toml where there is one.

    Exit codes: 0 shown; with --fail-on 1 if it says so, 3 if the risk is not known; 2 error.

    \b
    Examples:
      stabkit impact
      stabkit impact HEAD~1..HEAD --format json
      stabkit impact HEAD~1 --fail-on risk:HIGH
    """
    from stabkit.report import change_impact

    limit = _limit(fail_on)
    base, head = _ends(commits, repository)
    found = change_impact(repository=repository, base=base, head=head, config=config)
    terminal = terminal_of(context)
    for source in found.evidence["sources"].itertuples():
        if source.status == "error":
            raise source_error(source)
        if source.status == "partial":
            terminal.warning(str(source.message))
    if output_format is Format.json:
        terminal.document(found.document())
    else:
        terminal.show(output_format, found.headline(), found.lines(), found.files(), found.steps())
    return _impact_code(found, limit)


def _ends(commits: str | None, repository: Path) -> tuple[str, str]:
    """Return base and head of a range as git writes one; a single commit is compared with HEAD."""
    if commits is None:
        return "HEAD~1", "HEAD"
    base, dots, head = commits.partition("...")
    if dots:
        from stabkit.change import Git

        git = Git(repository)
        ends = [git.commit(name or "HEAD") for name in (base, head)]
        return git.merge_base(*ends), ends[1]
    base, _, head = commits.partition("..")
    return base or "HEAD", head or "HEAD"


def _limit(fail_on: str | None) -> str | None:
    """Return the level from which a risk fails, ``no`` for lines, or None."""
    if fail_on is None or fail_on.lower() == "no":
        return fail_on and "no"
    word, _, level = fail_on.partition(":")
    if word.lower() != "risk" or level.upper() not in RISK_LEVELS:
        known = ", ".join(f"risk:{name}" for name in RISK_LEVELS)
        raise UsageError(f"--fail-on knows no {fail_on!r}.", hint=f"Known: no, {known}.")
    return level.upper()


def _impact_code(found: ChangeImpact, limit: str | None) -> int:
    if limit is None:
        return 0
    if limit == "no":
        return int(any(line.answer == "no" and not line.spared for line in found.answers))
    level = found.risk.level
    if level is None:
        return EXIT_CODES["inconclusive"]
    return int(RISK_LEVELS.index(level) >= RISK_LEVELS.index(limit))
