"""Every result by the command that prints it, with its JSON Schema."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from stabkit.errors import UsageError, nearest
from stabkit.report.schemas import documents, pages
from stabkit.report.schemas.backtests import BACKTEST
from stabkit.report.schemas.shapes import Schema
from stabkit.report.schemas.verdicts import VERDICT

__all__ = ["RESULTS", "result_schema"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

RESULTS: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        "gate": VERDICT,
        "backtest": BACKTEST,
        "announcement": documents.ANNOUNCEMENT,
        "collect": documents.STORED,
        "import": documents.STORED,
        "verify": documents.VERIFIED,
        "aa": pages.TABLE,
        "explain": documents.EXPLAIN,
        "compare": pages.PIECE,
        "trend": pages.PIECE,
        "runs": pages.TABLE,
        "read": documents.READ,
        "diff": documents.DIFF,
        "impact": documents.IMPACT,
        "report": documents.REPORTS,
        "page": pages.PAGE,
        "index": pages.INDEX,
        "batch": documents.BATCH,
        "batch-event": documents.BATCH_EVENT,
        "store-check": documents.CHECK,
    }
)
"""Name -> schema; ``page`` and ``index`` lie beside pages, ``batch-event`` is a line of ``batch`` on stderr."""


def result_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a result.

    Raises
    ------
    UsageError
        No result has that name.

    Examples
    --------
    >>> sorted(result_schema("gate")["properties"]["word"]["enum"])
    ['inconclusive', 'regressed', 'stable']
    """
    if name not in RESULTS:
        guess = nearest(name, RESULTS)
        hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(RESULTS)}."
        raise UsageError(f"There is no result {name!r}.", where="RESULT", hint=hint)
    schema = copy.deepcopy(RESULTS[name])
    head = {"$schema": _DIALECT, "title": f"stabkit {name}"}
    parts = {"$defs": {"piece": copy.deepcopy(pages.PIECE)}} if _refers(schema) else {}
    return {**head, **schema, **parts}


def _refers(schema: Any) -> bool:
    if isinstance(schema, dict):
        return "$ref" in schema or any(map(_refers, schema.values()))
    return isinstance(schema, list) and any(map(_refers, schema))
