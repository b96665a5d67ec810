"""What the command line lists: stored runs, evidence files, and what moved between two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from stabkit.analyze import Accepted, records, to_json
from stabkit.analyze.findings import FINDING_STATES, FindingComparison
from stabkit.analyze.tests import TRANSITIONS, UNMOVED, coverage, expected_to_fail, hidden_tests
from stabkit.numbers import amount_text, duration, measure, moment
from stabkit.report.display import Column, Piece, Statement, Table
from stabkit.report.sections import accepted_table
from stabkit.report.words import difference_text, hidden_text
from stabkit.store import Compaction, Pruning, StoreCheck
from stabkit.text import count, verb

if TYPE_CHECKING:
    from stabkit.report.attestation import Verification

__all__ = [
    "check_document",
    "check_statement",
    "compaction_statement",
    "difference",
    "difference_tables",
    "format_table",
    "pruning_statement",
    "run_table",
    "source_table",
    "verification_table",
]


def run_table(runs: pd.DataFrame) -> Table:
    """Return the stored runs as a table, in their order."""
    columns = (
        Column("label", "Run", "head"),
        Column("started", "Started"),
        Column("environment", "Environment"),
        Column("commit", "Commit"),
        Column("complete", "Complete"),
        Column("run_id", "Id", "code"),
    )
    rows = tuple(
        {
            "label": _text(run.label) or run.run_id,
            "started": moment(run.started_at),
            "environment": _text(run.environment),
            "commit": (_text(run.commit) or "")[:10] or None,
            "complete": "yes" if run.complete else "no",
            "run_id": run.run_id,
        }
        for run in runs.itertuples()
    )
    records = tuple(json.loads(runs.to_json(orient="records", date_format="iso")))
    return Table(columns, rows, count(len(rows), "run"), records=records, limit=max(len(rows), 1))


def source_table(sources: Sequence[Mapping[str, Any]]) -> Table:
    """Return evidence files as a table, from what :func:`stabkit.read.readers.source_summary` found in them."""
    columns = (
        Column("path", "File", "head"),
        Column("status", "Status", "outcome"),
        Column("format", "Format"),
        Column("holds", "Holds"),
        Column("message", "Message"),
    )
    rows = tuple(
        {
            "path": source["path"],
            "status": source["status"],
            "format": source["format"],
            "holds": _holds(source),
            "message": _place(source),
        }
        for source in sources
    )
    return Table(columns, rows, count(len(rows), "file"), records=tuple(sources), limit=max(len(rows), 1))


def format_table(formats: Sequence[tuple[str, str]]) -> Table:
    """Return the known formats as a table, a row a format, from :func:`stabkit.read.known_formats`."""
    columns = (Column("format", "Format", "head"), Column("kind", "Kind of evidence"))
    rows = tuple({"format": form, "kind": kind} for form, kind in formats)
    return Table(columns, rows, f"{count(len(rows), 'known format')}, recognised by content", limit=max(len(rows), 1))


def _holds(source: Mapping[str, Any]) -> str | None:
    counts: Mapping[str, Any] = source.get("counts") or {}
    if "cases" in counts:
        parts = [count(counts["tests"], "test")]
        parts += [
            f"{amount_text(counts[name])} {name}"
            for name in ("passed", "failed", "errors", "skipped", "flaky")
            if counts[name]
        ]
        if counts.get("time_s") is not None:
            parts.append(duration(counts["time_s"]))
        return ", ".join(parts)
    if "findings" in counts:
        by_severity = ", ".join(f"{amount_text(n)} {severity}" for severity, n in counts["by_severity"].items())
        return count(counts["findings"], "finding") + (f" ({by_severity})" if by_severity else "")
    if "covered" in counts:
        share = counts["covered_share"]
        known = "" if share is None else f" ({100 * share:.1f} %)"
        of = f"{amount_text(counts['covered'])} of {count(counts['lines'], 'line')} ran{known}"
        return f"{count(counts['files'], 'file')}, {of}"
    if "samples" in counts:
        return count(counts["samples"], "sample")
    return None


def _place(source: Mapping[str, Any]) -> str | None:
    if source["line"] is None or source["message"] is None:
        return _text(source["message"])
    column = f", column {source['column']}" if source["column"] is not None else ""
    return f"line {source['line']}{column}: {source['message']}"


def difference(
    transitions: pd.DataFrame | None, matched: FindingComparison | None, accepted: Sequence[Accepted] = ()
) -> dict[str, Any]:
    """Return what moved between two pieces of evidence, in the contract of ``stabkit diff --format json``.

    Parameters
    ----------
    transitions : DataFrame or None
        From :func:`stabkit.analyze.tests.united_tests`.
    matched : FindingComparison or None
        From :func:`stabkit.analyze.findings.united_findings`.
    accepted : sequence of Accepted
        How the entries of ``[[accepted]]`` about tests and findings stand.

    Returns
    -------
    dict
        ``transitions`` (name to test ids), how many kept their result, ``unchanged``, what both sides ``coverage``
        (``before``, ``after``, ``common``, ``of`` all, ``comparable``), what is ``now_expected_to_fail``, and
        which errors have ``hidden`` which tests, if either side has tests; ``states`` (name to findings, with the
        ``reason`` where a state has one), ``comparable``, ``why`` not and what was ``assumed`` if either side has a
        scan; what is ``accepted``, if anything is declared.
    """
    found: dict[str, Any] = {"schema": 1}
    if transitions is not None:
        covered = coverage(transitions)
        moved = [name for name in TRANSITIONS if name not in UNMOVED]
        found["transitions"] = {
            name: transitions.loc[transitions["transition"] == name, "test_id"].tolist() for name in moved
        }
        found["unchanged"] = int(transitions["transition"].isin(UNMOVED).sum())
        sizes = {"before": covered.before, "after": covered.after, "common": covered.common, "of": covered.all}
        found["coverage"] = {**sizes, "comparable": covered.comparable}
        found["now_expected_to_fail"] = expected_to_fail(transitions)
        found["hidden"] = [{"error": error, "tests": ids} for error, ids in hidden_tests(transitions).items()]
    if matched is not None:
        states = matched.states
        found["states"] = {name: _findings(states[states["state"] == name]) for name in FINDING_STATES}
        found["comparable"] = matched.comparable
        found["why"] = [difference_text(one) for one in matched.why]
        found["assumed"] = [difference_text(one) for one in matched.assumed]
    if accepted:
        found["accepted"] = to_json(tuple(accepted))
    return found


def _findings(states: pd.DataFrame) -> list[dict[str, Any]]:
    columns = ["rule", "path", "line", "fingerprint", "matched_by", "reason"]
    found = list(records(states, columns))
    for row in found:
        if row["reason"] is None:
            del row["reason"]
    return found


def difference_tables(found: Mapping[str, Any]) -> tuple[Piece, ...]:
    """Return what moved as tables, tests by transition and findings by state, and what the sides do not share."""
    tables: list[Piece] = []
    if "transitions" in found:
        tables.append(Statement(tuple(_coverage_sentences(found))))
        rows = tuple(
            {"what": test_id, "state": name.replace("_", " ")}
            for name, ids in found["transitions"].items()
            for test_id in ids
        )
        caption = f"{count(len(rows), 'test')} moved, {amount_text(found['unchanged'])} unchanged"
        tables.append(Table((Column("state", "Transition", "outcome"), Column("what", "Test", "head")), rows, caption))
    if "states" in found:
        rows = tuple(
            {
                "state": name.replace("_", " "),
                "what": f"{finding['rule']} {_spot(finding)}",
                "by": finding["matched_by"],
                "reason": finding.get("reason"),
            }
            for name, findings in found["states"].items()
            for finding in findings
        )
        caption = count(len(rows), "finding")
        if not found["comparable"]:
            caption += f"; the scans are not comparable: {'; '.join(found['why'])}"
        if found["assumed"]:
            caption += f"; {'; '.join(found['assumed'])}"
        columns = (
            Column("state", "State", "outcome"),
            Column("what", "Finding", "head"),
            Column("by", "Matched by"),
            Column("reason", "Reason"),
        )
        tables.append(Table(columns, rows, caption))
    if found.get("accepted"):
        tables.append(accepted_table(Accepted(**one) for one in found["accepted"]))
    return tuple(tables)


def _spot(finding: Mapping[str, Any]) -> str:
    path, line = finding["path"] or "(no file)", finding["line"]
    return path if line is None else f"{path}:{line}"


def _coverage_sentences(found: Mapping[str, Any]) -> Iterator[str]:
    covered = found["coverage"]
    alone = {side: covered[side] - covered["common"] for side in ("before", "after")}
    said = [f"{amount_text(number)} only {side}" for side, number in alone.items() if number]
    common = f"Common: {amount_text(covered['common'])} of {count(covered['of'], 'test')}"
    yield f"{'; '.join([common, *said])}."
    if not covered["comparable"]:
        yield "Less than 90 % are common, so these are different sets of tests: only the common ones are compared."
    if marked := found["now_expected_to_fail"]:
        yield f"Passed before and now expected to fail: {', '.join(marked[:3])}{', …' if len(marked) > 3 else ''}."
    if found["hidden"]:
        tests = sum(len(entry["tests"]) for entry in found["hidden"])
        names = ", ".join(entry["error"] for entry in found["hidden"][:3])
        yield f"{hidden_text(len(found['hidden']), tests)}: {names}."


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(value)


def check_document(found: StoreCheck) -> dict[str, Any]:
    """Return what a check of a store found, in the contract of ``stabkit store check --format json``."""
    return {
        "schema": 1,
        "whole": found.whole,
        "runs": found.runs,
        "files": found.files,
        "bytes": found.bytes,
        "faults": [{"what": fault.what, "where": fault.where, "hint": fault.hint} for fault in found.faults],
        "unnamed": list(found.unnamed),
        "unsealed": found.unsealed,
        "copied": found.copied,
    }


def check_statement(found: StoreCheck) -> Statement:
    """Return what a check of a store found, in sentences."""
    holds = f"{count(found.runs, 'run')} in {count(found.files, 'file')}, {measure(found.bytes / 1e6, 'MB')}"
    state = "The store is whole" if found.whole else f"The store is damaged: {count(len(found.faults), 'fault')}"
    sentences = [f"{state}; {holds}."]
    if found.unnamed:
        left = count(len(found.unnamed), "file")
        sentences.append(f"No marker names {left}, such as {found.unnamed[0]}: left by a killed process, never read.")
    if found.unsealed:
        are = f"{count(found.unsealed, 'marker')} {verb('has', found.unsealed)} no seal"
        sentences.append(f"{are}, being of an older stabkit: only what was stored later vouches for that.")
    if found.copied:
        are = f"{count(found.copied, 'marker')} {verb('was', found.copied)} copied from another store"
        sentences.append(f"{are}: what was stored before that there is not known here.")
    return Statement(tuple(sentences))


def verification_table(found: Verification) -> Table:
    """Return what was verified of a page, as a table."""
    words = {
        "same": "The page holds",
        "differs": "The page does not hold",
        "gone": "Whether the page holds cannot be known",
    }
    columns = (Column("about", "Verified", "head"), Column("outcome", "Came out"), Column("text", "That is"))
    rows = tuple(
        {"about": one.about, "outcome": one.outcome.replace("_", " "), "text": one.text} for one in found.findings
    )
    return Table(columns, rows, words[found.outcome], records=rows)


def compaction_statement(done: Compaction) -> Statement:
    """Return what a compaction did, in sentences."""
    packed = (
        f"{count(done.packed, 'file')} packed into {amount_text(done.packs)}."
        if done.packed
        else "Nothing to pack: no table has two files that are not packed yet."
    )
    if done.overtaken:
        return Statement(("Another compaction was quicker; this one changed nothing.",))
    removed = f"{count(done.removed, 'replaced file')} removed, {measure(done.freed_bytes / 1e6, 'MB')} freed."
    sketched = f"The samples of {count(done.sketched, 'file')} are in a sketch now."
    said = ((packed, True), (sketched, done.sketched), (removed, done.removed))
    return Statement(tuple(sentence for sentence, true in said if true))


def pruning_statement(done: Pruning) -> Statement:
    """Return what a pruning removed, or would remove, in sentences."""
    held = (
        f"{count(done.held, 'older run')} keep their samples: in a file with those of a newer run, or the newest of "
        "an environment."
    )
    if not done.paths:
        nothing = f"Nothing to prune: no file holds only samples of runs that ended before {moment(done.before)}."
        return Statement((nothing, held) if done.held else (nothing,))
    size = measure(done.bytes / 1e6, "MB")
    what = (
        f"{amount_text(done.samples)} samples of {count(len(done.runs), 'run')} that ended before {moment(done.before)}"
    )
    did = "are pruned" if done.done else "would be pruned"
    after = (
        "Their percentiles stay, and all else of these runs; the files go with the first compaction an hour from now."
        if done.done
        else "Their percentiles and all else of these runs would stay. To do it, say the same with --yes."
    )
    first = f"{what} {did}, {size} in {count(done.files, 'file')}."
    return Statement((first, after, held) if done.held else (first, after))
