"""Compliance scores: what a claimed percentage can mean, by which formula, over which files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

__all__ = ["FORMULAS", "ScoreConflicts", "score_claims", "score_conflicts"]

FORMULAS: Final[Mapping[str, str]] = {
    "clean_files": "files without a finding / files",
    "findings_per_file": "1 \u2212 findings / files",
}
_COLUMNS: Final = (
    *("scan_id", "tool", "version", "scope", "score_id", "formula", "findings", "findings_from", "numerator_low"),
    *(
        "numerator",
        "denominator",
        "value_low",
        "value",
        "claimed_score",
        "fits",
        "why",
        "scope_sha256",
        "rules_sha256",
    ),
)


@dataclass(frozen=True)
class ScoreConflicts:
    """Whether one formula explains all claimed scores of a scan, as data.

    Attributes
    ----------
    claims : DataFrame
        One row per scope with a claimed score: scan_id, scope, claimed_score, files, findings, fits (comma-separated
        formulas that fit, empty if none), ``clean_files`` and ``findings_per_file`` (the values in per cent, null if
        undefined), why (the code of :func:`score_claims` if no value could be computed; else null).
    single_formula : tuple of str
        The formulas that fit every claim with known files and findings, over numerators that add up; empty if none.
    uncounted_findings : int or None
        Findings of the whole that belong to no group with counted files; None if unknown.
    conflict : bool
        True if there are claims whose files and findings are known, and no single formula explains them.
    """

    claims: pd.DataFrame
    single_formula: tuple[str, ...]
    uncounted_findings: int | None
    conflict: bool


@dataclass(frozen=True)
class _Counts:
    """Findings and files with findings of one scope; a pair of bounds where unknown."""

    findings: int | None
    findings_from: str | None  # rows, claimed, or inferred from the claimed score
    dirty_low: int | None
    dirty_high: int | None


def score_claims(scans: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Compute both scores of every scanned scope and say which one the tool's claimed score fits.

    Parameters
    ----------
    scans, findings : DataFrame
        Tables ``scans`` and ``findings`` of one run. Suppressed findings do not count.

    Returns
    -------
    DataFrame
        One row per scan scope and score_id, the whole (``all``) first: scan_id, tool, version, scope, score_id,
        formula, findings, findings_from (``rows``, ``claimed``, ``inferred``: the count that the claimed score allows),
        numerator_low, numerator, denominator, value_low, value (per cent), claimed_score (per cent), fits (null without
        a claim or a value), why (null if the value is exact; else why there is none: ``files_unknown``,
        ``findings_unknown``, ``no_files``; or why it is not known better: ``spread``, the findings lie in
        denominator − numerator to denominator − numerator_low files, ``inferred``), scope_sha256, rules_sha256.

    Notes
    -----
    A claim fits if the value rounds to it at its printed precision. Where the files with findings are unknown, k
    findings lie in 1 to k files, and ``numerator_low`` to ``numerator`` are bounds; where the groups of a whole hold
    all its files, their files with findings bound the whole's. Zero files have no score, whatever is claimed.

    Examples
    --------
    >>> scans = pd.DataFrame({"scan_id": "s", "tool": "t", "version": None, "scope": ["all"], "files_scanned": [1138],
    ...     "claimed_score": [98.7], "claimed_findings": [15], "claimed_files_with_findings": [13],
    ...     "scope_sha256": None, "rules_sha256": None})
    >>> table = score_claims(scans, pd.DataFrame(columns=["scan_id", "scope", "path", "suppressed"]))
    >>> table[["score_id", "numerator", "denominator", "fits"]].values.tolist()
    [['clean_files', 1125, 1138, False], ['findings_per_file', 1123, 1138, True]]
    """
    rows: list[dict[str, Any]] = []
    for _, group in scans.groupby("scan_id", sort=True):
        whole_last = group.assign(_whole=group["scope"] == "all").sort_values(["_whole", "scope"], kind="stable")
        parts: list[tuple[int | None, _Counts]] = []
        scored: list[list[dict[str, Any]]] = []
        for scan in whole_last.to_dict("records"):
            counts = _counts(scan, findings)
            if scan["scope"] == "all":
                counts = _bounded_by_groups(counts, _whole(scan["files_scanned"]), parts)
            parts.append((_whole(scan["files_scanned"]), counts))
            scored.append([_score(scan, counts, score_id) for score_id in FORMULAS])
        has_whole = bool(len(group)) and bool((group["scope"] == "all").any())
        ordered = ([scored[-1], *scored[:-1]]) if has_whole else scored
        rows += [row for scope in ordered for row in scope]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    whole = dict.fromkeys(("findings", "numerator_low", "numerator", "denominator"), "Int64")
    real = dict.fromkeys(("value_low", "value", "claimed_score"), "float64")
    return frame.astype({**whole, **real, "fits": "boolean"})


def _counts(scan: Mapping[str, Any], findings: pd.DataFrame) -> _Counts:
    mine = findings[findings["scan_id"] == scan["scan_id"]]
    active = mine[~mine["suppressed"].fillna(value=False).astype(bool)] if len(mine) else mine
    if scan["scope"] != "all":
        active = active[active["scope"] == scan["scope"]]
    claimed_dirty = _whole(scan.get("claimed_files_with_findings"))
    claimed = _whole(scan.get("claimed_findings"))
    # Rows decide. No rows prove zero findings only where the tool does not itself claim some.
    if len(active) or (len(mine) and claimed is None) or claimed == 0:
        paths = active["path"]
        dirty = int(paths.dropna().nunique())
        unknown = int(paths.isna().sum())
        return _Counts(len(active), "rows", max(dirty, min(1, len(active))), dirty + unknown)
    if claimed is not None:
        low, high = (claimed_dirty, claimed_dirty) if claimed_dirty is not None else (1, claimed)
        return _Counts(claimed, "claimed", low, high)
    inferred = _inferred(scan)
    return _Counts(inferred, "inferred" if inferred is not None else None, None, inferred)


def _inferred(scan: Mapping[str, Any]) -> int | None:
    """Return the one number of defects that gives the claimed score, or None if none or several do."""
    files, claim = _whole(scan.get("files_scanned")), _real(scan.get("claimed_score"))
    if not files or claim is None:
        return None
    near = round(files * (1 - claim / 100))
    fitting = [k for k in range(near - 2, near + 3) if 0 <= k <= files and _fits(100 * (1 - k / files), claim)]
    return fitting[0] if len(fitting) == 1 else None


def _bounded_by_groups(counts: _Counts, files: int | None, parts: list[tuple[int | None, _Counts]]) -> _Counts:
    if counts.findings_from == "rows" or not parts or files is None or sum(n or 0 for n, _ in parts) != files:
        return counts
    counted = [part for n, part in parts if n]
    if any(part.dirty_high is None for part in counted) or counts.dirty_low == counts.dirty_high:
        return counts
    low = sum(part.dirty_high if part.dirty_low is None else part.dirty_low for part in counted if part.dirty_high)
    high = sum(part.dirty_high for part in counted if part.dirty_high)
    return _Counts(counts.findings, counts.findings_from, low, high)


def _score(scan: Mapping[str, Any], counts: _Counts, score_id: str) -> dict[str, Any]:
    files, claim = _whole(scan.get("files_scanned")), _real(scan.get("claimed_score"))
    row: dict[str, Any] = {name: scan.get(name) for name in ("scan_id", "tool", "version", "scope")}
    row |= {"score_id": score_id, "formula": FORMULAS[score_id], "claimed_score": claim, "denominator": files}
    row |= {"findings": counts.findings, "findings_from": counts.findings_from, "why": None}
    row |= {"scope_sha256": scan.get("scope_sha256"), "rules_sha256": scan.get("rules_sha256")}
    if files is None:
        return row | {"why": "files_unknown"}
    if counts.findings is None:
        return row | {"why": "findings_unknown"}
    if files == 0:
        return row | {"why": "no_files"}
    if score_id == "clean_files":
        high_dirty = counts.findings if counts.dirty_high is None else counts.dirty_high
        low_dirty = high_dirty if counts.dirty_low is None else counts.dirty_low
    else:
        low_dirty = high_dirty = counts.findings
    low, high = files - high_dirty, files - low_dirty
    row |= {"numerator_low": low, "numerator": high, "value_low": 100 * low / files, "value": 100 * high / files}
    if claim is not None:
        row["fits"] = any(_fits(100 * k / files, claim) for k in _candidates(low, high, files, claim))
    if low < high:
        row["why"] = "spread"
    elif counts.findings_from == "inferred":
        row["why"] = "inferred"
    return row


def _candidates(low: int, high: int, files: int, claim: float) -> range:
    near = round(files * claim / 100)
    return range(max(low, near - 1), min(high, near + 1) + 1)


def _fits(value: float, claim: float) -> bool:
    """Say whether a value rounds to the claim at the claim's own precision; whole numbers stand for one decimal."""
    text = repr(round(claim, 6))
    decimals = len(text.partition(".")[2]) if "e" not in text else 6
    return abs(value - claim) <= 0.5 * 10.0 ** -max(1, decimals) + 1e-9


def _whole(value: Any) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def _real(value: Any) -> float | None:
    return None if value is None or pd.isna(value) or not math.isfinite(value) else float(value)


def score_conflicts(claims: pd.DataFrame) -> ScoreConflicts:
    """Say which formula fits which claimed score of one scan, and whether a single one fits all.

    Parameters
    ----------
    claims : DataFrame
        From :func:`score_claims`, of one scan.

    Returns
    -------
    ScoreConflicts
        Without any claimed score: no conflict, and no single formula either.
    """
    claimed = claims[claims["claimed_score"].notna()]
    rows = [_claim_row(group) for _, group in claimed.groupby(["scan_id", "scope"], sort=False)]
    table = pd.DataFrame(
        rows, columns=["scan_id", "scope", "claimed_score", "files", "findings", "fits", *FORMULAS, "why"]
    ).astype({"findings": "Int64", "files": "Int64"})
    tried = table[table["files"].notna() & table["findings"].notna()]
    uncounted = _uncounted(claims)
    single = tuple(
        score_id
        for score_id in FORMULAS
        if len(tried)
        and tried["fits"].map(lambda text, wanted=score_id: wanted in text.split(",")).all()
        and not (uncounted and score_id == "findings_per_file")
    )
    return ScoreConflicts(table, single, uncounted, conflict=bool(len(tried)) and not single)


def _claim_row(group: pd.DataFrame) -> dict[str, Any]:
    first = group.iloc[0]
    fitting = group.loc[group["fits"].fillna(value=False).astype(bool), "score_id"]
    values = {row.score_id: row.value for row in group.itertuples()}
    return {
        "scan_id": first["scan_id"],
        "scope": first["scope"],
        "claimed_score": first["claimed_score"],
        "files": first["denominator"],
        "findings": first["findings"],
        "fits": ",".join(fitting),
        **values,
        "why": first["why"] if pd.isna(list(values.values())).all() else None,
    }


def _uncounted(claims: pd.DataFrame) -> int | None:
    one = claims[claims["score_id"] == "findings_per_file"]
    whole, groups = one[one["scope"] == "all"], one[one["scope"] != "all"]
    counted = groups[groups["denominator"].fillna(0) > 0]
    if len(whole) != 1 or groups.empty or whole["findings"].isna().any() or counted["findings"].isna().any():
        return None
    return max(0, int(whole["findings"].iloc[0]) - int(counted["findings"].sum()))
