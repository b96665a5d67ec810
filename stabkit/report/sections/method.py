"""Section 15: where every number comes from, and how to get it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import pandas as pd

from stabkit.analyze.gate import read_looks
from stabkit.case import Case, states_its_start
from stabkit.config import HIDDEN
from stabkit.installation import known_plugins, left_out
from stabkit.numbers import amount_text, confidence_text, moment, percent
from stabkit.report.aa_table import noise_table
from stabkit.report.display import Column, Fold, Group, Piece, Statement, Table
from stabkit.report.sections.no_evidence import absent
from stabkit.report.sections.service import prober_table
from stabkit.report.words import dated_text, known_text, sentence
from stabkit.text import count, joined, plain, shell, verb
from stabkit.vocabulary import VERDICTS

__all__ = ["METHODS", "evidence_and_method"]


# The methods in words; each names its source. They describe analyze/, and change only with it.
METHODS: Final = (
    "Latency: quantiles of response time from the due time, on logarithms; failed requests count as errors.",
    "Rounds: a paired t interval over interleaved rounds, or the pooled quantile with clustered variance where rounds "
    "are short; one round: order statistics with a long-run variance (Newey and West, doi:10.2307/1913610), both sides "
    "joined by MOVER (Zou and Donner, doi:10.1002/sim.3095).",
    "Medians are those of the mid-distribution (Ma, Genton and Parzen, doi:10.1007/s10463-009-0252-8); means over "
    "rounds are widened where neighbouring rounds are alike.",
    "Slowest 5 %: their mean log time (expected shortfall; Acerbi and Tasche, doi:10.1016/S0378-4266(02)00283-2), "
    "variance by the jackknife over rounds; slower only if the excess over one limit of both sides is larger too. It "
    "decides, or p99 where that is much narrower in margins.",
    "Runs at different times: a prediction interval about the newest runs of the line and about its accepted level "
    "(Hahn and Meeker 1991, doi:10.1002/9780470316771), with the noise within the segments of the history, at one pace "
    "of the machine where times follow its calibration (Cochran 1957, doi:10.2307/2527916); regressed only if a second "
    "run says so.",
    "Error rates and slow requests: Student's t over interleaved rounds, else the variance between rounds; never "
    "narrower than Newcombe's interval of independent requests "
    "(doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I), "
    "of Wilson's bounds (doi:10.1080/01621459.1927.10502953).",
    "Stable: the bound lies inside the margin. Regressed: Holm at 5 % over the gating metrics "
    "(Holm 1979, Scandinavian Journal of Statistics 6, 65), or an exact regression. Everything else is inconclusive.",
    "Tests and findings are compared one by one, never by totals; a broken test counts when its reruns in fresh "
    "processes leave at most 5 % for flakiness.",
    "Drift: the Theil-Sen slope with its interval (doi:10.1080/01621459.1968.10480934).",
    "Looks while collecting share one error rate, spent as 2 - 2 Φ(1.96 / √t) of the budget used "
    "(Lan and DeMets, doi:10.1093/biomet/70.3.659): all of them together err no more often than one look at 95 %.",
    "The system against itself: false alarms with exact bounds (Clopper and Pearson, doi:10.1093/biomet/26.4.404); "
    "what separate runs of it differ by widens the intervals of separate runs.",
    "What would decide: planned for 80 % power if nothing changed, and for a change as large as the margin.",
)


def evidence_and_method(case: Case) -> Piece:
    """Return sources, runs, versions, configuration, statistics, and the command that makes this report again."""
    runs = _runs(case)
    pieces: list[Piece] = [_lead(case), Fold((runs,), summary=runs.caption), *_looks(case), *_noise(case)]
    prober = prober_table(case)
    if prober is not None:
        pieces.append(Fold((prober,), summary=prober.caption))
    sources = case.sources
    if sources.empty:
        pieces.append(absent(case, "sources"))
    else:
        pieces.append(Fold((_sources(sources),), summary=_sources_summary(sources)))
    pieces += _tools(case)
    pieces += _plugins()
    pieces.append(Fold((Statement(METHODS),), summary="Statistics"))
    pieces.append(Fold((_configuration(case),), summary="Resolved configuration"))
    return Group(tuple(pieces))


def _plugins() -> list[Piece]:
    """Say which packages beside stabkit had a hand in this report, or might have had; nothing where there is none."""
    if not known_plugins():
        return []
    refused = left_out()
    told = tuple(
        sentence(
            f"the {one.noun} {plain(one.name)} comes from {plain(one.package)} {plain(one.version)}"
            + (f", left out: {plain(refused[one])}" if one in refused else "")
        )
        for one in known_plugins()
    )
    return [Fold((Statement(told, points=True),), summary="Plugins")]


def _lead(case: Case) -> Statement:
    sources = case.sources
    bad = sources[sources["status"] != "ok"]
    counts = [f"{len(group)} {status}" for status, group in bad.groupby("status", sort=True)]
    if sources.empty:
        return Statement(("No source was read.", "To make this report again:"), command=case.command)
    read = f"{count(len(sources), 'source')} {verb('was', len(sources))} read"
    rows = sources["rows"].sum()
    detail = f"{read}, {amount_text(int(rows))} rows; {', '.join(counts) or 'all of them whole'}"
    return Statement((sentence(detail), "To make this report again:"), command=case.command)


def _runs(case: Case) -> Table:
    rows, records = [], []
    for side, evidence in (("baseline", case.baseline), ("candidate", case.candidate)):
        if evidence is None:
            continue
        run = evidence.run
        rows.append(
            {
                "side": (known_text(run["label"]) or side, f"{side} · {plain(run['run_id'])}"),
                "commit": None if pd.isna(run["commit"]) else plain(run["commit"])[:12],
                "environment": known_text(run["environment"]),
                "started": moment(run["started_at"]) if states_its_start(evidence) else None,
                "measured": moment(run["finished_at"]) if dated_text([run]) else None,
                "complete": "yes" if bool(run["complete"]) else "no",
            }
        )
        records.append({"side": side, **{str(k): None if pd.isna(v) else str(v) for k, v in run.items()}})
    columns = (
        Column("side", "Run", "head"),
        Column("commit", "Commit", "code", phone=False),
        Column("environment", "Environment"),
        *(
            (Column("started", "Dated"), Column("measured", "Measured"))
            if any(row["measured"] for row in rows)
            else (Column("started", "Started"),)
        ),
        Column("complete", "Complete"),
    )
    return Table(columns, tuple(rows), "The runs", records=tuple(records))


def _tools(case: Case) -> list[Piece]:
    """Return the versions of what collected, measured and scanned on each side, folded."""
    sides = (("baseline", case.baseline), ("candidate", case.candidate))
    rows = tuple(
        {"side": side, "versions": text}
        for side, evidence in sides
        if evidence is not None and (text := _versions(evidence.run["versions"]))
    )
    if not rows:
        return []
    columns = (Column("side", "Run", "head"), Column("versions", "Versions"))
    return [Fold((Table(columns, rows, "Versions of the tools"),), summary="Versions of the tools")]


def _looks(case: Case) -> list[Piece]:
    """Say how often was looked before this judgement, and what that makes of its intervals; nothing if never."""
    sides = [side for side in (case.baseline, case.candidate) if side is not None]
    looks = max((read_looks(side.fact("looks")) for side in sides), key=len)
    if not looks:
        return []
    rows = tuple(
        {
            "look": amount_text(number),
            "rounds": amount_text(look.rounds),
            "share": percent(look.share),
            "confidence": confidence_text(look.confidence),
            "verdict": look.verdict if look.verdict in VERDICTS else "not judged",
        }
        for number, look in enumerate(looks, start=1)
    )
    columns = (
        Column("look", "Look", "head"),
        Column("rounds", "Rounds", "number"),
        Column("share", "Budget used", "number"),
        Column("confidence", "Intervals at", "number"),
        Column("verdict", "Came out", "outcome"),
    )
    caption = (
        f"Looks while collecting; the measured intervals of this report hold at {confidence_text(case.gate.confidence)}"
    )
    return [Table(columns, rows, caption, records=tuple(asdict(look) for look in looks))]


def _noise(case: Case) -> list[Piece]:
    """Say how often identical systems come out as changed here; where it was not measured, how to."""
    if case.noise:
        environment = known_text(case.candidate.run["environment"])
        return [noise_table(case.noise, environment)]
    if not case.stored:
        return []
    said = "How often identical systems come out as changed here was not measured."
    if case.config.http or case.config.websocket:
        return [Statement((f"{said} To measure it:",), command=shell(["stabkit", "aa", *case.places]))]
    # Nothing is declared that could be asked; times that a load tool measured are still doubted for it.
    lacking = "It takes targets that stabkit asks itself: [http] or [websocket] in stabkit.toml."
    return [Statement((said, lacking))] if len(case.after["samples"]) else []


def _versions(text: Any) -> str | None:
    if pd.isna(text):
        return None
    try:
        stated = json.loads(text)
    except ValueError:
        return plain(text)
    if not isinstance(stated, dict):
        return plain(text)
    return ", ".join(f"{plain(tool)} {plain(version)}" for tool, version in sorted(stated.items()))


_STATUSES: Final = {"error": 0, "partial": 1, "repaired": 2, "ok": 3}
MESSAGES: Final = 4  # of one source; more are counted


def _sources_summary(sources: pd.DataFrame) -> str:
    """Return what opens the table of sources: how many there are, and how many of them are not whole."""
    bad = int((sources["status"] != "ok").sum())
    return f"Sources: {amount_text(len(sources))}" + (f", {amount_text(bad)} not whole" if bad else "")


def _sources(sources: pd.DataFrame) -> Piece:
    """Return one row a source, of both sides together; what one was read several times for is counted."""
    ranked = sources.assign(rank=sources["status"].map(_STATUSES)).sort_values("rank", kind="stable")
    keys = ["path", "kind", "format"]
    told = ranked[keys].astype(object).where(ranked[keys].notna(), "")
    groups = [group for _, group in ranked.groupby([told[key] for key in keys], sort=False)]
    rows = tuple(_source_row(group) for group in groups)
    columns: tuple[Column, ...] = (
        Column("path", "Source", "head"),
        Column("status", "Status", "outcome"),
        Column("rows", "Rows", "number"),
        Column("message", "What to know"),
        Column("sha256", "SHA-256, before and now", "code", phone=False),
    )
    if not any(row["message"] for row in rows):
        columns = tuple(column for column in columns if column.key != "message")
    keep = ["side", "kind", "format", "path", "sha256", "rows", "status", "message", "line", "column", "claimed"]
    records = tuple(ranked[keep].to_dict("records"))
    return Table(columns, rows, "Sources", records=records, limit=60)


def _source_row(group: pd.DataFrame) -> dict[str, Any]:
    """Return the row of one source: its worst status, its rows and its checksum on each side."""
    first = group.iloc[0]
    sides = [group[group["side"] == side] for side in ("baseline", "candidate")]
    read = max(len(side) for side in sides)
    what = known_text(first["format"]) or plain(first["kind"])
    beside = "both sides" if all(map(len, sides)) else f"{first['side']} alone"
    amounts = [side["rows"].dropna() for side in sides if len(side)]
    counted = [amount_text(int(rows.sum())) if len(rows) else "–" for rows in amounts]
    sums = [joined(dict.fromkeys(plain(one)[:12] for one in side["sha256"].dropna()), most=2) for side in sides]
    messages = dict.fromkeys(filter(None, (_place(row) for row in group.to_dict("records"))))
    left = len(messages) - MESSAGES
    return {
        "path": (plain(first["path"]), " · ".join([what, beside, *([f"read {read} times"] if read > 1 else [])])),
        "status": first["status"],
        "rows": " → ".join(counted) if any(one != "–" for one in counted) else None,
        "sha256": " → ".join(dict.fromkeys(filter(None, sums))) or None,
        "message": "; ".join([*list(messages)[:MESSAGES], *([f"{left} more"] if left > 0 else [])]) or None,
    }


def _place(row: Mapping[Any, Any]) -> str | None:
    if pd.isna(row["message"]):
        return None
    where = f" (line {row['line']}" + (f", column {row['column']})" if pd.notna(row["column"]) else ")")
    return plain(row["message"], 300) + (where if pd.notna(row["line"]) else "")


def _configuration(case: Case) -> Piece:
    rows = tuple({"key": key, "value": value} for key, value in _flat(case.config.shown()))
    named = case.config_path.name if case.config_path else "no file: nothing is declared"
    caption = f"{named}; SHA-256 of the resolved configuration {case.config.sha256}"
    return Table((Column("key", "Key", "head"), Column("value", "Value", "code")), rows, caption, limit=400)


def _flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [pair for key in value for pair in _flat(value[key], f"{prefix}.{key}" if prefix else str(key))]
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [pair for i, item in enumerate(value) for pair in _flat(item, f"{prefix}[{i}]")]
    if value in ({}, []):
        return []
    return [(plain(prefix), HIDDEN if value == HIDDEN else plain(json.dumps(value, ensure_ascii=False), 400))]
