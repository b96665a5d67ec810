"""Section 5: findings one by one, whether the scans can be compared, and what a claimed score can mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from stabkit.analyze import Difference
from stabkit.analyze.findings import (
    FINDING_STATES,
    FORMULAS,
    FindingComparison,
    finding_history,
    score_claims,
    score_conflicts,
    united_findings,
)
from stabkit.case import Case
from stabkit.chart import NewFixedBars, OpenBars
from stabkit.numbers import amount_text, percent
from stabkit.report.display import Column, Figure, Fold, Group, Piece, Statement, Table
from stabkit.report.sections.acceptances import with_accepted
from stabkit.report.sections.listed import all_text, first_of_each, whole_beside
from stabkit.report.sections.no_evidence import absent
from stabkit.report.words import (
    accepted_until_text,
    break_text,
    difference_text,
    differences_texts,
    known_text,
    place_text,
    score_text,
    sentence,
)
from stabkit.schema import Evidence
from stabkit.text import count, joined, plain, verb
from stabkit.vocabulary import severity_rank

__all__ = ["breaks_in_words", "compliance", "findings_table", "score_pieces"]

_STATE_WORDS: Final = {
    "persisting": ("persists", "persist"),
    "new": ("is new", "are new"),
    "reopened": ("is reopened", "are reopened"),
    "updated": ("changed", "changed"),
    "moved": ("moved", "moved"),
    "fixed": ("was fixed", "were fixed"),
    "not_scanned": ("was not scanned for again", "were not scanned for again"),
    "suppressed": ("was silenced", "were silenced"),
    "accepted": ("is accepted", "are accepted"),
}
# What tells which finding an item of a condition is.
_WHICH: Final = {name: name for name in ("tool", "rule", "path", "line", "fingerprint")}
_SHOWN_STATES: Final = (*FINDING_STATES, "accepted")
_UNKNOWN: Final = {"unknown_rules": "rules", "unknown_files": "scanned files"}
SHOWN_ROWS: Final = 12
SHOWN_CLAIMS: Final = 4


def compliance(case: Case) -> Piece:
    """Return finding states by severity, new findings, claimed scores against formulas, and the history."""
    before, after = case.before, case.after
    if after["scans"].empty and before["scans"].empty:
        return absent(case, "scans", "scans")
    pieces: list[Piece] = []
    whole: dict[str, Any] = {}
    found = united_findings(case.gate.compared(FindingComparison))
    if found is None or after["scans"].empty or before["scans"].empty:
        lacking = "candidate" if after["scans"].empty else "baseline"
        alone, found_alone = ("baseline", before) if after["scans"].empty else ("candidate", after)
        pieces.append(Statement((_alone(found_alone, alone),)))
        # In a first run nothing that could be collected now would make a baseline.
        pieces += [] if case.first else [absent(case, f"scans of the {lacking}", "scans")]
    else:
        whole = whole_beside("findings", found.states, found.states[found.states["state"] != "persisting"], "state")
        states = with_accepted(found.states, case.of_kind("findings"), _WHICH, "state")
        pieces += _compared(found, states, whole=bool(whole))
        pieces += _only_totals(before, after)
    for side, evidence in (("baseline", before), ("candidate", after)):
        pieces += score_pieces(evidence["scans"], evidence["findings"], side)
    pieces += _history_figures(case, found)
    return Group(tuple(pieces), whole=whole)


def _compared(found: FindingComparison, states: pd.DataFrame, *, whole: bool) -> list[Piece]:
    counts = Counter(states["state"])
    severe = _severities(states[states["state"].isin(["new", "reopened"])])
    words = [
        f"{amount_text(counts[state])} {_STATE_WORDS[state][counts[state] != 1]}"
        + (f" ({severe})" if state == "new" and severe else "")
        for state in ("persisting", *(s for s in _SHOWN_STATES if s != "persisting"))
        if counts[state]
    ]
    total = f"{count(found.open_before, 'open finding')} before, {amount_text(found.open_after)} after"
    if states.empty:
        total = "no finding is listed in either run"
    comparable = "the scans are comparable" if found.comparable else "the scans are not comparable"
    why = f"{comparable}: {joined(differences_texts(found.why), most=6)}" if found.why else comparable
    lead = (
        sentence(f"{total}: {', '.join(words)}" if words else f"{total}"),
        sentence(why),
        *_assumptions(found.assumed),
        *([all_text("findings", states)] if whole else []),
    )
    pieces: list[Piece] = [Statement(lead)]
    if len(states):
        pieces.append(_by_severity(states))
    worse = states[
        states["state"].isin(["new", "reopened", "updated", "accepted", "not_scanned", "suppressed", "moved"])
    ]
    if len(worse):
        pieces.append(findings_table(worse, "Findings that changed"))
    fixed = states[states["state"] == "fixed"]
    if len(fixed):
        pieces.append(Fold((findings_table(fixed, "Fixed findings"),), summary=count(len(fixed), "fixed finding")))
    return pieces


def _alone(evidence: Evidence, side: str) -> str:
    """Say what one side's scans found, where the other has none to compare with."""
    findings = evidence["findings"]
    open_ = findings[~findings["suppressed"]]
    severe = f" ({_severities(open_)})" if len(open_) else ""
    found, claimed = f"{count(len(open_), 'open finding')}{severe}", _claimed(evidence)
    if claimed and findings.empty:
        found = f"{count(claimed, 'finding')} claimed, none of them listed"
    return sentence(f"the {side} alone, by {joined(sorted(set(evidence['scans']['tool'])))}: {found}")


def _only_totals(before: Evidence, after: Evidence) -> list[Piece]:
    """Say that equal totals are not the same findings, where neither run lists what it counts."""
    totals = [_claimed(evidence) for evidence in (before, after)]
    if None in totals or len(before["findings"]) or len(after["findings"]) or totals == [0, 0]:
        return []
    first, second = totals
    claim = f"both runs claim {count(first or 0, 'finding')}"
    if first != second:
        claim = f"the runs claim {amount_text(first or 0)} and {amount_text(second or 0)} findings"
    doubt = "that they are the same ones" if first == second else "which of them are new or fixed"
    return [Statement((sentence(f"{claim} and list none: {doubt} cannot be shown"),))]


def _claimed(evidence: Evidence) -> int | None:
    whole = evidence["scans"].loc[lambda scans: scans["scope"] == "all", "claimed_findings"]
    return None if whole.isna().any() or whole.empty else int(whole.sum())


def _assumptions(notes: Sequence[Difference]) -> list[str]:
    """Return what was assumed, a sentence each; what is unknown in the same way is said together."""
    unknown: dict[str, list[str]] = {}
    for note in notes:
        if note.code in _UNKNOWN:
            unknown.setdefault(note.tool, []).append(_UNKNOWN[note.code])
    said = "no scan states the {} of {}: they are taken as equal"
    together = [said.format(joined(what), tool) for tool, what in unknown.items()]
    return [sentence(text) for text in (*together, *(difference_text(n) for n in notes if n.code not in _UNKNOWN))]


def _severities(states: pd.DataFrame) -> str:
    counts = Counter(states["severity"].fillna("no severity"))
    ordered = sorted(counts, key=lambda word: (-(severity_rank(word) or 0), word))
    if len(ordered) == 1:
        return plain(ordered[0]) if len(states) == 1 else f"all {plain(ordered[0])}"
    return ", ".join(f"{amount_text(counts[word])} {plain(word)}" for word in ordered)


def _by_severity(states: pd.DataFrame) -> Table:
    named = states.assign(severity=states["severity"].fillna("not stated"))
    severities = sorted(set(named["severity"]), key=lambda word: (-(severity_rank(word) or 0), word))
    seen = {*named["state"], "new", "fixed", "persisting"}
    present = [state for state in _SHOWN_STATES if state in seen]
    rows = tuple(
        {
            "severity": plain(severity),
            **{s: str(int(((named["severity"] == severity) & (named["state"] == s)).sum())) for s in present},
        }
        for severity in severities
    )
    columns = [Column("severity", "Severity", "head")]
    columns += [Column(state, state.replace("_", " ").capitalize(), "number") for state in present]
    return Table(tuple(columns), rows, "Findings by severity and state")


def findings_table(states: pd.DataFrame, caption: str) -> Table:
    """Return findings as rows: rule and place, severity, state, and how it was matched or why it is in doubt."""
    total = len(states)
    states = first_of_each(states, "state")
    rows = tuple(
        {
            "rule": (plain(row["rule"]), place_text(row)),
            "severity": known_text(row["severity"]),
            "state": row["state"],
            "message": known_text(row["message"], 160),
            "reason": _basis(row),
        }
        for row in states.to_dict("records")
    )
    columns = (
        Column("rule", "Rule and place", "head"),
        Column("state", "State", "outcome"),
        Column("severity", "Severity"),
        Column("message", "Message"),
        *([Column("reason", "Basis")] if any(row["reason"] for row in rows) else []),
    )
    keep = ["state", "tool", "rule", "severity", "path", "line", "message", "fingerprint", "matched_by", "reason"]
    keep += ["accepted"] if "accepted" in states and states["accepted"].notna().any() else []
    records = tuple(states[keep].to_dict("records"))
    return Table(columns, rows, caption, records=records, limit=SHOWN_ROWS, left_out=total - len(states))


def _basis(row: dict[Any, Any]) -> str | None:
    if isinstance(row.get("accepted"), dict):
        return accepted_until_text(row["accepted"])
    parts = [] if pd.isna(row["reason"]) else [plain(row["reason"], 160)]
    if pd.notna(row["matched_by"]):
        parts.append(f"matched by {plain(str(row['matched_by']).replace('_', ' '))}")
    return ", ".join(parts) or None


def score_pieces(scans: pd.DataFrame, findings: pd.DataFrame, side: str) -> list[Piece]:
    """Return the claimed scores of one side against the formulas they fit; nothing if no score is claimed."""
    if scans.empty or scans["claimed_score"].isna().all():
        return []
    claims = score_claims(scans, findings)
    pieces: list[Piece] = [Statement(_score_words(claims, side))]
    rows, records = [], []
    for scan_id, one in claims.groupby("scan_id", sort=True):
        for row in score_conflicts(one).claims.to_dict("records"):
            rows.append(_score_row(row, one))
            origin = one.iloc[0][["tool", "version", "scope_sha256", "rules_sha256"]]
            row["note"] = score_text(row)
            del row["why"]  # which the note says
            records.append({"scan_id": scan_id, **row, **origin})
    columns = (
        Column("scope", "Scope", "head"),
        Column("claimed", "Claimed", "number"),
        *(Column(score_id, formula.capitalize(), "number") for score_id, formula in FORMULAS.items()),
        Column("fits", "Fits"),
        Column("note", "Note"),
    )
    caption = f"Claimed scores of the {side}, each formula; {_origins(claims)}"
    pieces.append(Table(columns, tuple(rows), caption, records=tuple(records)))
    return pieces


def _origins(claims: pd.DataFrame) -> str:
    """Return what scores may be compared by: the tool, its version, and which files and rules it had."""
    whole = claims.drop_duplicates("scan_id")
    known = {"version": "version", "scope_sha256": "scope", "rules_sha256": "rules"}
    return "; ".join(
        plain(
            ", ".join(
                [
                    str(row["tool"]),
                    *(
                        f"{word} {str(row[key])[:12] if pd.notna(row[key]) else 'unknown'}"
                        for key, word in known.items()
                    ),
                ]
            )
        )
        for row in whole.to_dict("records")
    )


def _score_words(claims: pd.DataFrame, side: str) -> tuple[str, ...]:
    found: list[str] = []
    for scan_id, one in claims.groupby("scan_id", sort=True):
        conflicts = score_conflicts(one)
        name = f"the {side}'s scan {plain(str(scan_id).rpartition('/')[2] or scan_id)}"
        if conflicts.conflict:
            found.append(sentence(f"no single formula explains all claimed scores of {name} and its groups"))
        elif conflicts.single_formula:
            formulas = joined((f"“{FORMULAS[name]}”" for name in conflicts.single_formula), last="as well as")
            found.append(sentence(f"the claimed scores of {name} fit {formulas}"))
        told = conflicts.claims.to_dict("records")
        # Where a formula explains all, the table holds the rest; where none does, the claims that tell them apart.
        telling = [
            row for row in told if isinstance(row["why"], str) or (conflicts.conflict and row["fits"].count(",") == 0)
        ]
        found += [sentence(_claim_words(row, name)) for row in telling[:SHOWN_CLAIMS]]
        if conflicts.uncounted_findings:
            n = conflicts.uncounted_findings
            said = f"{count(n, 'finding')} {verb('belongs', n)} to no group with counted files"
            found.append(sentence(f"{said}, so the groups do not add up to the whole"))
            found.append(sentence("a score claimed for such a group is undefined"))
    return tuple(found)


def _claim_words(row: dict[Any, Any], name: str) -> str:
    scope = f"{plain(row['scope'])} of {name}" if row["scope"] != "all" else name
    claim = f"{percent(row['claimed_score'] / 100)} of {scope}"
    if isinstance(row["why"], str):  # else null, which is NaN beside that of another scope
        return f"{claim} cannot be checked against a formula: {score_text(row)}"
    files = count(int(row["files"]), "file")
    values = [f"{row[score_id]:.2f}\u202f% by “{formula}”" for score_id, formula in FORMULAS.items()]
    fits = f"“{FORMULAS[row['fits']]}”" if row["fits"] else "neither formula"
    return f"{claim} fits {fits}: {count(int(row['findings']), 'finding')} in {files} give {joined(values)}"


def _score_row(row: dict[Any, Any], claims: pd.DataFrame) -> dict[str, Any]:
    mine = claims[claims["scope"] == row["scope"]]
    notes = dict.fromkeys(filter(None, map(score_text, mine.to_dict("records"))))
    fits = [FORMULAS[name] for name in str(row["fits"]).split(",") if name in FORMULAS]
    cells = {name: _fraction(mine[mine["score_id"] == name]) for name in FORMULAS}
    return {
        "scope": plain(row["scope"]),
        "claimed": percent(row["claimed_score"] / 100),
        **cells,
        "fits": _fits_text(fits, tried=cells[next(iter(FORMULAS))] is not None),
        "note": joined(notes, most=4) or None,
    }


def _fits_text(fits: list[str], *, tried: bool) -> str | None:
    if len(fits) == len(FORMULAS):
        return "both"
    return fits[0] if fits else "neither" if tried else None


def _fraction(row: pd.DataFrame) -> tuple[str, str] | None:
    if row.empty or pd.isna(row["value"].iloc[0]):
        return None
    low, value = float(row["value_low"].iloc[0]), float(row["value"].iloc[0])
    top = f"{amount_text(row['numerator'].iloc[0])}/{amount_text(row['denominator'].iloc[0])}"
    if low < value:
        return f"{low:.2f} to {value:.2f}\u202f%", f"up to {top}"
    return f"{value:.2f}\u202f%", top


def breaks_in_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a history of findings with its breaks in words, as the data below a figure show them.

    Parameters
    ----------
    frame : DataFrame
        As ``finding_history`` gives it: ``why`` and ``assumed`` hold facts, or null.
    """
    told = {
        name: [plain(break_text(facts), 200) if isinstance(facts, tuple) else None for facts in frame[name]]
        for name in ("why", "assumed")
    }
    return frame.assign(**told)


def _history_figures(case: Case, judged: FindingComparison | None) -> list[Piece]:
    """Return open findings and what came and went, for every tool with at least three scans."""
    findings, scans = case.history["findings"], case.history["scans"]
    whole = scans[scans["scope"] == "all"]
    tools = [tool for tool, group in whole.groupby("tool", sort=True) if group["run_id"].nunique() >= 3]
    between = None if case.baseline is None else (case.baseline.run["run_id"], case.candidate.run["run_id"])
    pieces: list[Piece] = []
    for tool in tools:
        mine = findings[findings["tool"] == tool], scans[scans["tool"] == tool]
        frame = breaks_in_words(finding_history(*mine, case.runs, judged=judged, between=between))
        pieces += [Figure.of(OpenBars(frame), small=True), Figure.of(NewFixedBars(frame), small=True)]
    return [Group(tuple(pieces), across=True)] if pieces else []
