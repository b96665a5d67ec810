"""Secrets in the evidence tables, where they leave a room: a glance at all rows, a close look at the suspect ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stabkit.redact.masking import redact_text, suspects
from stabkit.redact.nested import redact_json
from stabkit.redact.values import known_pattern

__all__ = ["redact_evidence"]

# Hashes, and words of our own: nothing in them is a secret, and a mask would break what they are for.
_OWN: Final = frozenset(
    {"run_id", "sha256", "config_sha256", "rules_sha256", "scope_sha256", "fingerprint", "content_sha256", "status",
     "outcome", "severity", "connection", "unit", "kind", "format", "fault", "commit", "base_commit", "head_commit"}
)  # fmt: skip
_IDS: Final[Mapping[str, frozenset[str]]] = {"tests": frozenset({"test_id", "class", "name"})}
_JSON: Final = frozenset({"claimed", "facts"})


def redact_evidence(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables with secrets in their texts masked; frames without any are the same objects.

    An id is masked alike in every run (:func:`~stabkit.redact.redact_text`, ``apart``), so that tests and findings
    still meet themselves.

    Parameters
    ----------
    tables : mapping of DataFrame
        Evidence tables by name, any rows.
    """
    return {name: _masked(name, frame) for name, frame in tables.items()}


def _masked(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    changed = dict(_columns(name, frame)) if len(frame) else {}
    return frame.assign(**changed) if changed else frame


def _columns(name: str, frame: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    for column in frame.columns:
        values = frame[column]
        if column in _OWN or not (pd.api.types.is_string_dtype(values.dtype) or values.dtype == object):
            continue
        rows = _suspect_rows(values)
        if not len(rows):
            continue
        mask = _mask_of(name, str(column))
        known: dict[str, str] = {}
        found = values.to_numpy(dtype=object, copy=True)
        different = False
        for row in rows:
            text = found[row]
            if not isinstance(text, str):
                continue
            if text not in known:
                known[text] = mask(text)
            different |= known[text] != text
            found[row] = known[text]
        if different:
            yield str(column), pd.Series(found, index=values.index, dtype=values.dtype)


def _mask_of(table: str, column: str) -> Callable[[str], str]:
    if column in _JSON:
        return partial(redact_json)
    return partial(redact_text, apart=column in _IDS.get(table, frozenset()))


def _suspect_rows(values: pd.Series) -> list[int]:
    try:
        texts = pa.array(values, from_pandas=True)
        if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
            return []
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):  # of several kinds, or no Unicode
        return list(range(len(values)))
    hits = pc.match_substring_regex(texts, suspects(known_pattern()))
    rows: list[int] = pc.indices_nonzero(pc.fill_null(hits, fill_value=False)).to_pylist()
    return rows
