"""stabkit's own evidence file: facts taken by hand or by a script, as rows of the evidence tables.

::

    {"stabkit": 1,
     "run": {"label": "v1.5", "commit": "...", "started_at": "2025-09-14T12:24:00Z"},
     "samples": [{"target": "api", "metric": "response_time", "service_ms": 126, "response_ms": 126}],
     "checks": [{"target": "api", "check": "status", "expected": "200", "observed": "200", "outcome": "pass"}],
     "tests": [...], "scans": [...], "findings": [...], "changes": [...],
     "claims": [{"kind": "tests", "path": "the report of 14 September", "claimed": {"tests": 17, "passed": 15}}]}

Only ``"stabkit": 1`` is required. ``claims`` are totals that somebody stated without the rows behind them; each becomes
a ``sources`` row of status ``partial``, since a claim is no evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.errors import SchemaError, nearest
from stabkit.read.content import ReportError
from stabkit.read.json_content import JsonContent, json_keys, load_json
from stabkit.redact import redact_text
from stabkit.schema import TABLES, Evidence, conform
from stabkit.sources import source_evidence, source_frame
from stabkit.text import spelt

__all__ = ["FORMAT", "KIND", "VERSION", "read", "recognise"]

FORMAT: Final = "stabkit"
KIND: Final = "records"
VERSION: Final = 1

_ROWS: Final = ("samples", "checks", "tests", "scans", "findings", "coverage", "changes")
_KEYS: Final = ("stabkit", "run", *_ROWS, "claims", "note")
_RUN_KEYS: Final = tuple(name for name in TABLES["runs"].names if name not in ("run_id", "config_sha256"))
_CLAIM_KEYS: Final = ("kind", "path", "claimed", "message")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a stabkit evidence file, by its ``stabkit`` key."""
    return "stabkit" in json_keys(head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - its rows name their own suites
    """Return the rows of a stabkit evidence file and its ``sources`` rows.

    Samples without ``round``, ``sequence`` and ``ok`` are numbered in file order within target and metric, in round 0
    and ok; tests without ``attempt`` or ``test_id`` get 1 and ``class::name``. Nothing else is filled in.

    Raises
    ------
    ReportError
        Another version, an unknown key, or a row that breaks its table; names table, row (from 0) and column.
    """
    content = _load(path)
    document = content.value
    tables: dict[str, pd.DataFrame] = {}
    for name in _ROWS:
        rows = document.get(name, [])
        if rows:
            tables[name] = _table(name, _checked(name, rows), path)
    claims = [_claim(number, claim) for number, claim in enumerate(_listed("claims", document.get("claims", [])))]
    run = _run(document)
    own = source_evidence(
        tables,
        kind=KIND,
        path=path,
        form=FORMAT,
        status="ok",
        messages=[*content.warnings, *([] if tables or claims else ["it holds no row"])],
        claimed={"run": run} if run else None,
    )
    return own.merge(Evidence.of(sources=pd.concat(claims))) if claims else own


def _load(path: Path) -> JsonContent:
    content = load_json(path)
    document = content.value
    if not isinstance(document, dict) or "stabkit" not in document:
        raise ReportError('not a stabkit evidence file: it has no "stabkit" key')
    if document["stabkit"] != VERSION or isinstance(document["stabkit"], bool):
        raise ReportError(f'"stabkit" is {document["stabkit"]!r}; this version reads {VERSION}')
    for key in document:
        if key not in _KEYS:
            raise ReportError(f"unknown key {key[:80]!r}; {_advice(key, _KEYS)}")
    return content


def _run(document: Mapping[str, Any]) -> dict[str, Any]:
    run = document.get("run", {})
    if not isinstance(run, dict):
        raise ReportError("run is no object")
    for key, value in run.items():
        if key not in _RUN_KEYS:
            raise ReportError(f"run: unknown key {key[:80]!r}; {_advice(key, _RUN_KEYS)}")
        if key in ("started_at", "finished_at") and value is not None and not _is_time(value):
            raise ReportError(f"run: {key} is no time with a zone: {value!r:.80}")
    facts = {key: json.dumps(value, sort_keys=True) if isinstance(value, dict) else value for key, value in run.items()}
    return {key: value for key, value in facts.items() if value is not None}


def _is_time(value: object) -> bool:
    if not isinstance(value, str):
        return False
    moment = pd.to_datetime(value, errors="coerce")
    return moment is not pd.NaT and moment.tzinfo is not None


def _advice(word: str, known: tuple[str, ...]) -> str:
    guess = nearest(word, known)
    return f"did you mean {guess!r}?" if guess else f"known: {', '.join(known)}"


def _listed(name: str, rows: object) -> list[Any]:
    if not isinstance(rows, list):
        raise ReportError(f"{name} is no list of rows")
    return rows


def _checked(name: str, rows: object) -> list[dict[str, Any]]:
    for number, row in enumerate(_listed(name, rows)):
        if not isinstance(row, dict):
            raise ReportError(f"{name}, row {number}: is no object")
        for key in row:
            if key == "run_id" or key not in TABLES[name].names:
                raise ReportError(
                    f"{name}, row {number}: unknown column {key[:80]!r}; {_advice(key, TABLES[name].names[1:])}"
                )
    return rows  # type: ignore[return-value]


def _table(name: str, rows: list[dict[str, Any]], path: Path) -> pd.DataFrame:
    rows = [{key: _cell(value) for key, value in row.items()} for row in rows]
    if name == "samples":
        _number_samples(rows)
    elif name == "tests":
        for row in rows:
            row.setdefault("attempt", 1)
            row.setdefault("source", redact_text(spelt(path)))
            row.setdefault("test_id", f"{row.get('class') or '(?)'}::{row.get('name')}")
    try:
        return conform(name, pd.DataFrame(rows))
    except SchemaError as error:
        raise ReportError(f"{error.where}: {error.what}") from error


def _cell(value: object) -> object:
    if isinstance(value, (list, dict)):
        return json.dumps(value, sort_keys=True)
    return redact_text(value) if isinstance(value, str) else value


def _number_samples(rows: list[dict[str, Any]]) -> None:
    count: dict[tuple[object, object], int] = {}
    for row in rows:
        key = (row.get("target"), row.get("metric"))
        row.setdefault("round", 0)
        row.setdefault("sequence", count.get(key, 0))
        row.setdefault("ok", row.get("error") is None)
        count[key] = count.get(key, 0) + 1


def _claim(number: int, claim: object) -> pd.DataFrame:
    if not isinstance(claim, dict) or not {"kind", "path", "claimed"} <= set(claim):
        raise ReportError(f"claims, row {number}: needs kind, path and claimed")
    for key in claim:
        if key not in _CLAIM_KEYS:
            raise ReportError(f"claims, row {number}: unknown key {key[:80]!r}; {_advice(key, _CLAIM_KEYS)}")
    if claim["kind"] not in ("tests", "scan", "coverage", "load", "changes", "http", "websocket", "resources"):
        raise ReportError(f"claims, row {number}: kind {claim['kind']!r:.80} is no kind of evidence")
    if not isinstance(claim["claimed"], dict):
        raise ReportError(f"claims, row {number}: claimed is no object")
    messages = [str(claim.get("message") or ""), "a claim: totals were stated, the rows behind them were not kept"]
    return source_frame(
        kind=claim["kind"],
        path=str(claim["path"]),
        form=FORMAT,
        status="partial",
        messages=messages,
        claimed=claim["claimed"],
    )
