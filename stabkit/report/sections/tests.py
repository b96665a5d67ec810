"""Section 7: what became of every test, suite by suite, and how the suites did over the runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from stabkit.analyze.tests import (
    UNMOVED,
    TestComparison,
    expected_to_fail,
    pass_history,
    suite_summary,
    test_run_map,
    united_tests,
)
from stabkit.case import Case
from stabkit.chart import NotPassingBars, StatusMap, SuiteBars
from stabkit.numbers import amount_text, duration
from stabkit.report.display import Column, Figure, Fold, Group, Piece, Statement, Table
from stabkit.report.sections.acceptances import with_accepted
from stabkit.report.sections.coverage import coverage_pieces
from stabkit.report.sections.listed import all_text, first_of_each, whole_beside
from stabkit.report.sections.no_evidence import absent
from stabkit.report.words import accepted_until_text, sentence, whole_text
from stabkit.text import count, joined, plain
from stabkit.vocabulary import BAD, GOOD

__all__ = ["map_figure", "not_passing_figure", "results", "suite_figure"]

# A test that recovered in its own run did not change: it is shown, and folds with the known failures.
_KNOWN: Final = ("still_failing", "fixed")
SHOWN_ROWS: Final = 12
MAPPED_TESTS: Final = 20


def results(case: Case) -> Piece:
    """Return suites, tests that changed, and the history of both; below them what tests ran of the changed lines."""
    found, covered = _results(case), coverage_pieces(case)
    return Group((found, *covered)) if covered else found


def _results(case: Case) -> Piece:
    before, after = case.before["tests"], case.after["tests"]
    frame = united_tests(case.gate.compared(TestComparison))
    if frame is None:
        return absent(case, "test results", "tests")
    conditions = case.of_kind("tests")
    leads = tuple(sentence(f"{plain(c.name)}: {whole_text(c)}") for c in conditions)
    leads += tuple(_claims_without_rows(case.sources))
    if marked := expected_to_fail(frame):
        leads += (sentence(f"passed before and now expected to fail: {joined(marked)}"),)
    if before.empty or after.empty:
        alone, side = ("baseline", "candidate") if after.empty else ("candidate", "baseline")
        lead = Statement((*leads, _alone(frame, alone)))
        # In a first run nothing that could be collected now would make a baseline.
        gap = [] if case.first else [absent(case, f"tests of the {side}", "tests")]
        return Group((lead, *gap, *_history_pieces(case)))
    moved = frame[~frame["transition"].isin(UNMOVED)]
    whole = whole_beside("tests", frame, moved, "transition")
    if whole:
        leads += (all_text("tests", frame),)
    moved = with_accepted(moved, conditions, {"test_id": "what"}, "transition")
    changed = moved[~moved["transition"].isin(_KNOWN)]
    taken = changed.index[changed["accepted"].notna()]
    shown = frame.assign(transition=frame["transition"].mask(frame.index.isin(taken), "accepted"))
    pieces: list[Piece] = [Statement(leads or ("No condition speaks of these tests.",)), _suites(shown)]
    known = frame[frame["transition"].isin(_KNOWN)]
    if len(changed):
        pieces.append(_table(changed, "Tests that changed"))
    if len(known):
        table = _table(known, "Known failures and fixed tests")
        failing, fixed = (int((known["transition"] == word).sum()) for word in _KNOWN)
        parts = [count(failing, "known failure")] if failing else []
        parts += [count(fixed, "fixed test")] if fixed else []
        pieces.append(Fold((table,), summary=joined(parts)))
    return Group((*pieces, *_history_pieces(case)), whole=whole)


def _alone(frame: pd.DataFrame, side: str) -> str:
    """Say how the tests of one side came out, where the other has none to compare with."""
    status = frame[f"{side}_status"]
    good, bad, skipped = (int(status.isin(words).sum()) for words in (GOOD, BAD, ["skip"]))
    parts = [f"the {side} alone: {amount_text(good)} of {count(good + bad, 'test')} passed"]
    parts += [f"{amount_text(skipped)} skipped"] if skipped else []
    failed = joined(frame.loc[status.isin(BAD), "test_id"])
    return sentence(", ".join(parts), f"failed: {failed}" if failed else "")


def _claims_without_rows(sources: pd.DataFrame) -> Iterator[str]:
    """Say what totals alone cannot show, for each claim of passing tests that kept no test."""
    bare = sources[(sources["kind"] == "tests") & (sources["rows"] == 0) & sources["claimed"].notna()]
    for side, text in zip(bare["side"], bare["claimed"], strict=True):
        claim = json.loads(text)
        tests, passed = (claim.get(key) if isinstance(claim, dict) else None for key in ("tests", "passed"))
        if isinstance(tests, int) and isinstance(passed, int):
            bad = amount_text(tests - passed)
            said = f"the {side} claims {amount_text(passed)} of {count(tests, 'test')} passing and names none"
            yield sentence(f"{said}: whether the same tests ran, and the same {bad} failed, cannot be shown")


def _history_pieces(case: Case) -> list[Piece]:
    tests, runs = case.history["tests"], case.runs
    if tests["run_id"].nunique() < 3:
        return []
    figure = map_figure(tests, runs)
    figures = [not_passing_figure(pass_history(tests, runs), small=True), *([figure] if figure is not None else [])]
    return [Group(tuple(figures), across=True)]


def _suites(frame: pd.DataFrame) -> Table:
    summary = suite_summary(frame)
    accepted = frame.loc[frame["transition"] == "accepted", "suite"].value_counts()
    if len(accepted):
        summary = summary.assign(accepted=summary["suite"].map(accepted).fillna(0).astype(int))
    rows = tuple(
        {
            "suite": (plain(row["suite"]), _times(row) or "duration unknown"),
            "baseline": (row["baseline_pass"], f"{row['baseline_skipped']} skipped") if row["baseline_tests"] else None,
            "candidate": (row["candidate_pass"], f"{row['candidate_skipped']} skipped")
            if row["candidate_tests"]
            else None,
            "regressed": f"{row['regressed']}",
            "fixed": f"{row['fixed']}",
            "gone": f"{row['disappeared'] + row['newly_skipped']}",
            "flaky": f"{row['flaky']}",
            "known": f"{row['still_failing']}",
            "accepted": f"{row.get('accepted', 0)}",
        }
        for row in summary.to_dict("records")
    )
    columns = (
        Column("suite", "Suite", "head"),
        Column("baseline", "Before", "number", phone=False),
        Column("candidate", "Now", "number"),
        Column("regressed", "Regressed", "number"),
        Column("fixed", "Fixed", "number"),
        Column("gone", "Gone", "number"),
        Column("flaky", "Flaky", "number"),
        Column("known", "Still failing", "number"),
        *([Column("accepted", "Accepted", "number")] if len(accepted) else []),
    )
    records = tuple(summary.to_dict("records"))
    return Table(
        columns,
        rows,
        "Suites: passed of those with a result, skips apart; gone is disappeared or newly skipped",
        records=records,
    )


def _times(row: dict[Any, Any]) -> str | None:
    sides = [row["baseline_time_s"], row["candidate_time_s"]]
    return None if all(pd.isna(s) for s in sides) else " → ".join("–" if pd.isna(s) else duration(s) for s in sides)


def _table(frame: pd.DataFrame, caption: str) -> Table:
    total = len(frame)
    frame = first_of_each(frame, "transition")
    rows = tuple(
        {
            "test": (plain(row["test_id"]), plain(row["suite"])),
            "transition": row["transition"],
            "confirmed": accepted_until_text(row["accepted"]) if row.get("accepted") else _confirmed(row),
            "message": _first_line(row["message"]),
        }
        for row in frame.to_dict("records")
    )
    columns = (
        Column("test", "Test", "head"),
        Column("transition", "What became of it", "outcome"),
        Column("confirmed", "How sure"),
        Column("message", "Message"),
    )
    statuses = ("baseline_status", "candidate_status")
    keep = ["test_id", "suite", "transition", *statuses, "confirmed", "attempts", "failures"]
    keep += ["accepted"] if "accepted" in frame and frame["accepted"].notna().any() else []
    records = tuple(frame[keep].to_dict("records"))
    return Table(columns, rows, caption, records=records, limit=SHOWN_ROWS, left_out=total - len(frame))


def _confirmed(row: dict[Any, Any]) -> str | None:
    if isinstance(row["hidden_by"], str):
        return f"hidden by {plain(row['hidden_by'])}"
    if isinstance(row["explained_by"], str):
        left_out = isinstance(row["left_out"], str)
        return (
            f"left out: {plain(row['left_out'])}" if left_out else f"its file {plain(row['explained_by'])} was deleted"
        )
    if row["transition"] == "regressed" or (row["transition"] == "added" and row["candidate_status"] in BAD):
        fresh = 0 if pd.isna(row["fresh_failures"]) else int(row["fresh_failures"])
        if row["confirmed"]:
            return f"confirmed, failed {count(fresh, 'time')} of {fresh} in fresh processes"
        need = "" if pd.isna(row["need_reruns"]) else f", {count(int(row['need_reruns']), 'more rerun')} would tell"
        return f"failed {count(fresh, 'time')}{need}"
    if row["transition"] == "flaky" and not pd.isna(row["attempts"]):
        return f"failed {int(row['failures'])} of {count(int(row['attempts']), 'attempt')}"
    return None


def _first_line(message: Any) -> str | None:
    lines = [line for line in str(message).splitlines() if line.strip()] if isinstance(message, str) else []
    return plain(lines[0], 140) if lines else None


def not_passing_figure(history: pd.DataFrame, *, small: bool = False) -> Figure:
    """Return the stacked counts of tests that did not pass, run by run, as :func:`.pass_history` counts them."""
    return Figure.of(NotPassingBars(history), small=small)


def suite_figure(history: pd.DataFrame) -> Figure:
    """Return how many tests there are, run by run, as :func:`.pass_history` counts them."""
    return Figure.of(SuiteBars(history))


def map_figure(tests: pd.DataFrame, runs: pd.DataFrame, *, limit: int = MAPPED_TESTS) -> Figure | None:
    """Return the map of the least stable tests by run; None if every test always passed."""
    frame = test_run_map(tests, runs, limit=limit)
    if frame.empty:
        return None
    return Figure.of(StatusMap(frame), height=1.0 + 0.19 * frame["test_id"].nunique(), left=0.3)
