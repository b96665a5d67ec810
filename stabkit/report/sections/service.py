"""Sections 3, 4 and 11: whether the targets answered, kept their contract, and what they used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from stabkit.analyze import ConditionResult
from stabkit.analyze.latency import Population, own_lateness
from stabkit.analyze.statistics import wilson
from stabkit.case import Case
from stabkit.chart import EVENTS_SHOWN, EventTimeline, ResourceLines
from stabkit.numbers import amount_text, confidence_text, measure, moment, percent
from stabkit.report.display import Column, Figure, Fold, Group, Piece, Statement, Table
from stabkit.report.sections.hops import hops, protocols
from stabkit.report.sections.metrics import LONGEST, ORDER, estimate_table, in_two
from stabkit.report.sections.no_evidence import absent
from stabkit.report.words import (
    change_text,
    known_text,
    metric_words,
    outcome_count_text,
    population_words,
    sentence,
    usual_texts,
)
from stabkit.samples import failed
from stabkit.text import count, joined, plain, verb
from stabkit.vocabulary import CHECK_OUTCOMES

__all__ = ["availability", "checks_table", "prober_table", "resources", "websocket"]

_SIDES: Final = ("baseline", "candidate")
SHOWN_FAILURES: Final = 12
_GONE: Final = "missing"  # as the judge calls a check that the baseline has and the candidate has not
LINE_ROUNDS: Final = 3
_ASKED: Final[Mapping[str, str]] = {"connect_time": "Handshakes", "transaction_time": "Transactions"}


def availability(case: Case) -> Piece:
    """Return success rates of HTTP targets with their Wilson intervals, failed checks, and failed requests in order."""
    targets = case.http_targets()
    checked = [*targets, *case.other_targets()]
    if not checked:
        return absent(case, "HTTP targets", "http")
    grouped = list(dict.fromkeys(one.target for one in _requests(case, targets, "transaction_time")))
    asked = {*case.config.http, *case.stated, *(one.target for one in _requests(case, targets, "response_time"))}
    single = [target for target in targets if target in asked or target not in grouped]
    pieces: list[Piece] = [Statement((_availability_lead(case, single, checked),))]
    if single:
        pieces += _rates(case, single, "response_time")
    if grouped:
        pieces += _rates(case, grouped, "transaction_time")
    redirected = hops(case, targets)
    if redirected is not None:
        pieces.append(redirected)
    pieces += _checks(case, checked)
    failures = _failures(case, targets)
    if failures is not None:
        pieces.append(failures)
    return Group(tuple(pieces))


def websocket(case: Case) -> Piece:
    """Return handshake rates, times and the event checks of WebSocket targets."""
    targets = case.websocket_targets()
    if not targets:
        return absent(case, "WebSocket sessions", "websocket")
    pieces: list[Piece] = [Statement((_contract_lead(case, targets),)), *_rates(case, targets, "connect_time")]
    pairs = [(c, e) for c in case.of_kind("latency", "objective") if c.target in targets for e in c.estimates]
    if pairs:
        table = estimate_table(pairs, "WebSocket times")
        pieces.append(Fold((table,), summary=f"{count(len(pairs), 'time')}, as in the key metrics"))
    pieces += [figure for target in targets if (figure := _events(case, target)) is not None]
    pieces += _checks(case, targets)
    failures = _failures(case, targets)
    if failures is not None:
        pieces.append(failures)
    return Group(tuple(pieces))


def _events(case: Case, target: str) -> Figure | None:
    """Return when each event of a session arrived; None if no arrival was measured."""
    parts = []
    for one in case.times:
        if one.target == target and one.metric.startswith("event:"):
            event = one.metric.removeprefix("event:")
            parts += [
                pd.DataFrame({"side": side, "event": event, "value_ms": arrived["response_ms"].dropna()})
                for side, arrived in zip(_SIDES, one.apart, strict=True)
            ]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if frame.empty:
        return None
    declared = case.config.websocket.get(target)
    expected = declared.event.types if declared is not None and declared.event is not None else ()
    kinds = min(frame["event"].nunique() + len(set(expected) - set(frame["event"])), EVENTS_SHOWN)
    return Figure.of(EventTimeline(frame, expected=expected), height=max(1.6, 0.9 + 0.42 * kinds), left=0.3)


def _availability_lead(case: Case, targets: Sequence[str], checked: Sequence[str]) -> str:
    said = _checks_words(case, checked)
    kept = [one.candidate for one in _requests(case, targets, "response_time") if len(one.candidate)]
    asked = [(len(rows), int(failed(rows).sum())) for rows in kept if rows["target"].iloc[0] not in case.stated]
    asked += [(one.candidate.n, one.candidate.failed) for one in case.stated.values() if one.candidate.n]
    if not asked:
        return sentence(f"no request of the candidate was measured; {said}")
    n, lost = sum(n for n, _ in asked), amount_text(sum(lost for _, lost in asked))
    answered = count(len(asked), "target")
    return sentence(
        f"{answered} of {len(targets)} measured, {count(n, 'request')}, {lost} failed"
        if len(asked) != len(targets)
        else f"{answered}, {count(n, 'request')} to the candidate, {lost} failed",
        said,
    )


def _contract_lead(case: Case, targets: Sequence[str]) -> str:
    opened = [one.candidate for one in _requests(case, targets, "connect_time")]
    n, good = sum(map(len, opened)), sum(_good(rows) for rows in opened)
    head = f"{amount_text(good)} of {count(n, 'session')} connected" if n else "no session was measured"
    return sentence(head, _checks_words(case, targets))


def _checks_words(case: Case, targets: Sequence[str]) -> str:
    checks = _compared_checks(case, targets)
    made = checks[checks["outcome"] != _GONE]
    if checks.empty:
        return "no check was made"
    outcomes = checks["outcome"].value_counts()
    failed = checks.loc[checks["outcome"] == "fail", "check"].drop_duplicates().tolist()
    gone = int(outcomes.get(_GONE, 0))
    open_ = int(outcomes.get("not_checked", 0))
    parts = [f"{amount_text(int(outcomes.get('pass', 0)))} of {count(len(made), 'check')} passed"]
    if failed:
        parts.append(f"failed: {joined(failed)}")
    if open_:
        parts.append(f"{amount_text(open_)} {verb('was', open_)} not made")
    if gone:
        parts.append(f"{amount_text(gone)} {verb('is', gone)} gone")
    return ", ".join(parts)


def _compared_checks(case: Case, targets: Sequence[str]) -> pd.DataFrame:
    """Return the checks of these targets, each once by its worst result as it was judged, and those that are gone."""
    found = case.checks
    if found is None:
        return case.after["checks"].iloc[:0]
    before, after = (_of(frame, targets) for frame in found.both)
    key = ["target", "check"]
    gone = before[~pd.MultiIndex.from_frame(before[key]).isin(pd.MultiIndex.from_frame(after[key]))]
    made = before[before["share"]].set_index(key)[["failed", "times"]].add_prefix("baseline_")
    after = after.join(made, on=key)
    return pd.concat([after, gone.assign(outcome=_GONE, observed=None)])


def _of(frame: pd.DataFrame, targets: Sequence[str]) -> pd.DataFrame:
    return frame[frame["target"].isin(list(targets))]


def _requests(case: Case, targets: Sequence[str], metric: str) -> list[Population]:
    return [one for one in case.requests if one.target in targets and one.metric == metric]


def _good(requests: pd.DataFrame) -> int:
    return int((~failed(requests)).sum())


def _rates(case: Case, targets: Sequence[str], metric: str) -> list[Piece]:
    """Return how many requests succeeded, a row a target; of very many those that failed some, the others folded."""
    if len(targets) <= LONGEST:
        return [_rates_of(case, targets, metric)]
    outcomes = {c.target: ORDER[c.outcome] for c in case.of_kind("error_rate") if c.metric in (None, metric)}
    lost = {target: _lost(case, target, metric) for target in targets}
    ordered = sorted(targets, key=lambda target: (outcomes.get(target, len(ORDER)), -lost[target]))
    failing = [t for t in ordered if lost[t] or outcomes.get(t) == ORDER["regressed"]]
    shown = failing[:LONGEST]
    rest = [target for target in ordered if target not in set(shown)]
    words = f"{'further ' if shown else ''}target{'' if len(failing) > len(shown) else ' without a failed request'}"
    summary = count(len(rest), words, words.replace("target", "targets"))
    return [
        *([_rates_of(case, shown, metric)] if shown else []),
        *([Fold((_rates_of(case, rest, metric),), summary=summary)] if rest else []),
    ]


def _lost(case: Case, target: str, metric: str) -> int:
    """Return how many requests of a target failed, on both sides together."""
    if metric == "response_time" and target in case.stated:
        both = case.stated[target]
        return int(both.baseline.failed + both.candidate.failed)
    asked = [rows for one in _requests(case, [target], metric) for rows in (one.baseline, one.candidate)]
    return sum(int(failed(rows).sum()) for rows in asked)


def _rates_of(case: Case, targets: Sequence[str], metric: str) -> Table:
    judged = {c.target: c for c in case.of_kind("error_rate") if c.metric in (None, metric)}
    rows, records = [], []
    for target in targets:
        spoken = protocols(case, target) if metric == "response_time" else None
        row: dict[str, Any] = {"target": (plain(target), spoken) if spoken else plain(target)}
        record: dict[str, Any] = {"target": target}
        asked = [(one.baseline, one.candidate) for one in _requests(case, [target], metric)]
        for place, side in enumerate(_SIDES):
            n, good = sum(len(both[place]) for both in asked), sum(_good(both[place]) for both in asked)
            if metric == "response_time" and target in case.stated:
                counts = getattr(case.stated[target], side)
                n, good = counts.n, counts.n - counts.failed
            record |= {f"{side}_n": n, f"{side}_ok": good}
            row[side] = _rate_cell(good, n)
        condition = judged.get(target)
        row["change"] = _change_cell(condition)
        row["outcome"] = condition.outcome if condition is not None else None
        records.append(record | {"outcome": row["outcome"]})
        rows.append(row)
    level = confidence_text(case.gate.confidence)
    columns = (
        Column("target", "Target", "head"),
        Column("baseline", "Before", "number"),
        Column("candidate", "Now", "number"),
        Column("change", "Change of failed requests", "number"),
        Column("outcome", "Outcome", "outcome"),
    )
    noun = f"{_ASKED.get(metric, 'Requests')} that succeeded"
    return Table(columns, tuple(rows), f"{noun}, with {level} interval", records=tuple(records))


def _rate_cell(good: int, n: int) -> tuple[str, str] | None:
    if n == 0:
        return None
    low, high = (float(bound.iloc[0]) for bound in wilson(pd.Series([good]), pd.Series([n])))
    bounds = f"likely {percent(low)} to {percent(high)}" if n > 1 else "one sample"
    return f"{amount_text(good)} of {amount_text(n)}", bounds


def _change_cell(condition: ConditionResult | None) -> str | tuple[str, str] | None:
    if condition is None or not condition.estimates:
        return None
    estimate = condition.estimates[0]
    return "n = 1" if max(estimate.n_baseline, estimate.n_candidate) <= 1 else in_two(change_text(estimate))


def _checks(case: Case, targets: Sequence[str]) -> list[Piece]:
    checks = _compared_checks(case, targets)
    if checks.empty:
        return [absent(case, f"checks on {joined(targets)}", "http", "websocket")]
    bad = checks[checks["outcome"] != "pass"]
    good = checks[checks["outcome"] == "pass"]
    pieces: list[Piece] = []
    if len(bad):
        ordered = bad.iloc[bad["outcome"].map([*CHECK_OUTCOMES, _GONE].index).argsort(kind="stable")]
        pieces.append(checks_table(ordered, "Checks that did not pass"))
    if len(good):
        table = checks_table(good, "Checks that passed")
        pieces.append(Fold((table,), summary=f"{count(len(good), 'passed check')}"))
    return pieces


def checks_table(checks: pd.DataFrame, caption: str) -> Table:
    """Return checks as rows: what was expected of which target, what was seen, and the outcome."""
    rows = tuple(
        {
            "check": (plain(row["check"]), plain(row["target"])),
            "expected": known_text(row["expected"], 160),
            "observed": _observed(row),
            "detail": known_text(row["detail"], 160),
            "outcome": row["outcome"],
        }
        for row in checks.to_dict("records")
    )
    columns = [
        Column("check", "Check", "head"),
        Column("expected", "Expected"),
        Column("observed", "Observed"),
        *([Column("detail", "Where or why")] if checks["detail"].notna().any() else []),
        Column("outcome", "Outcome", "outcome"),
    ]
    keep = ["target", "check", "expected", "observed", "outcome", "detail", "failed", "times"]
    records = tuple(checks[keep].to_dict("records"))
    return Table(tuple(columns), rows, caption, records=records, limit=60)


def _observed(row: Mapping[Any, Any]) -> str | tuple[str, str] | None:
    """Return what was seen, of a check that did not always fail with how often it did."""
    seen = known_text(row["observed"], 160)
    if row["outcome"] != "fail" or row["times"] == 1:
        return seen
    often = f"failed {amount_text(row['failed'])} of {count(row['times'], 'time')}"
    if pd.notna(row.get("baseline_times")):
        often += f", {amount_text(int(row['baseline_failed']))} of {amount_text(int(row['baseline_times']))} before"
    return seen or "", often


def _failures(case: Case, targets: Sequence[str]) -> Piece | None:
    parts = []
    for side, evidence in zip(_SIDES, (case.before, case.after), strict=True):
        samples = _of(evidence["samples"], targets)
        parts.append(samples[failed(samples)].assign(side=side))
    lost = pd.concat(parts, ignore_index=True)
    if lost.empty:
        return None
    lost = lost.sort_values(["due_at", "round", "sequence"], kind="stable", na_position="last")
    # Failures come in bursts: one row each, with how many they are.
    keys = ["side", "target", "metric", "status", "error"]
    told = lost[keys].astype(object).where(lost[keys].notna(), "")
    # What other targets lose meanwhile ends no burst.
    own = told.groupby(["side", "target", "metric"], sort=False).ngroup()
    lost, told = lost.assign(own=own).sort_values("own", kind="stable"), told.loc[own.sort_values(kind="stable").index]
    burst = (told != told.shift()).any(axis=1).cumsum()
    bursts = sorted((group for _, group in lost.groupby(burst, sort=True)), key=lambda group: int(group.index[0]))
    rows = tuple(map(_failure_row, bursts))
    columns = (
        Column("when", "When", "head"),
        Column("target", "Target"),
        Column("n", "Samples", "number"),
        Column("status", "Status", "number"),
        Column("error", "Error"),
    )
    return Table(columns, rows, f"{count(len(lost), 'failed sample')}, in time order", limit=SHOWN_FAILURES)


def _failure_row(group: pd.DataFrame) -> dict[str, Any]:
    first, last = group.iloc[0], group.iloc[-1]
    rounds = f"round {first['round']}" + (f" to {last['round']}" if last["round"] != first["round"] else "")
    return {
        "when": (moment(first["due_at"]), f"{first['side']}, {rounds}"),
        "target": f"{plain(first['target'])} {metric_words(first['metric'])}",
        "n": amount_text(len(group)),
        "status": str(first["status"]) if pd.notna(first["status"]) else None,
        "error": known_text(first["error"], 160),
    }


def resources(case: Case) -> Piece:
    """Return CPU and memory with their changes."""
    pairs = [(c, e) for c in case.of_kind("resource") for e in c.estimates]
    pieces: list[Piece] = []
    if pairs:
        usual = tuple(text for condition in case.of_kind("resource") for text in usual_texts(condition))
        caption = "Readings, also around the deploy" if usual else "CPU and memory"
        table = estimate_table(pairs, caption)
        pieces.append(Fold((table,), summary=f"{count(len(pairs), 'reading')}, as in the key metrics"))
        pieces += [Statement(usual)] if usual else []
    figures = _resource_figures(case)
    pieces += [Group(tuple(figures), across=True)] if figures else []
    readings = _readings(case)
    if readings is not None:
        rows = count(len(readings.rows), "reading")
        pieces.append(Fold((readings,), summary=f"{rows} by run") if figures else readings)
    if not pieces:
        return absent(case, "CPU and memory", "resources", "prometheus")
    words = [c.outcome for c in case.of_kind("resource")]
    lead = sentence(outcome_count_text(Counter(words), "resource condition")) if words else ""
    return Group((Statement((lead or "Readings without a condition: they are not judged.",)), *pieces))


def _resource_figures(case: Case) -> list[Piece]:
    """Return memory and CPU round by round; a line needs three rounds on the candidate's side."""
    found: list[Piece] = []
    for one in case.readings:
        sides = {side: group.assign(side=side) for side, group in _taken(one)}
        if sides["candidate"]["round"].nunique() >= LINE_ROUNDS:
            frame = pd.concat(sides.values(), ignore_index=True)[["side", "round", "metric", "value", "unit"]]
            found.append(Figure.of(ResourceLines(frame, metric=one.metric, of=plain(one.target)), small=True))
    return found


def _taken(readings: Population) -> list[tuple[str, pd.DataFrame]]:
    """Return the readings of each side that count."""
    return [(side, rows[rows["value"].notna()]) for side, rows in zip(_SIDES, readings.counted, strict=True)]


def _readings(case: Case) -> Table | None:
    rows = []
    for one in case.readings:
        for side, group in _taken(one):
            if group.empty:
                continue
            unit = group["unit"].dropna()
            unit_text = plain(unit.iloc[0]) if len(unit) else ""
            rows.append(
                {
                    "target": (population_words(one, apart=False), f"{side} · n {amount_text(len(group))}"),
                    "median": measure(float(group["value"].median()), unit_text),
                    "first": measure(float(group["value"].iloc[0]), unit_text),
                    "last": measure(float(group["value"].iloc[-1]), unit_text),
                    "largest": measure(float(group["value"].max()), unit_text),
                }
            )
    if not rows:
        return None
    rows.sort(key=lambda row: str(row["target"]))
    columns = (
        Column("target", "Reading", "head"),
        Column("median", "Median", "number"),
        Column("first", "First", "number", phone=False),
        Column("last", "Last", "number", phone=False),
        Column("largest", "Largest", "number"),
    )
    return Table(columns, tuple(rows), "Readings by run")


def prober_table(case: Case) -> Table | None:
    """Return what the prober itself adds to the times of each side; None where it measured nothing."""
    rows = []
    for side, evidence in zip(_SIDES, (case.baseline, case.candidate), strict=True):
        if evidence is None:
            continue
        samples = evidence.evidence["samples"]
        late = pd.concat(
            [own_lateness(group) for _, group in samples.groupby("target")] or [pd.Series(dtype="float64")]
        )
        late = late.dropna()
        floor = evidence.run["floor_ms"]
        if late.empty and pd.isna(floor):
            continue
        rows.append(
            {
                "side": (side, f"n {amount_text(len(late))}"),
                "floor": measure(float(floor), "ms") if pd.notna(floor) else None,
                "median": measure(float(late.quantile(0.5)), "ms") if len(late) else None,
                "p99": measure(float(late.quantile(0.99)), "ms") if len(late) else None,
            }
        )
    if not rows:
        return None
    columns = (
        Column("side", "Prober", "head"),
        Column("floor", "Floor over loopback", "number"),
        Column("median", "Own lateness, median", "number"),
        Column("p99", "Own lateness, p99", "number"),
    )
    return Table(columns, tuple(rows), "What the prober itself adds")
