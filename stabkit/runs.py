"""Rows of the ``runs`` table: the identity that evidence gets before it is stored, and their order in time."""

from __future__ import annotations

import json
import logging
import re
import secrets
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd

from stabkit.errors import SchemaError, UsageError
from stabkit.redact import redact_text
from stabkit.schema import TABLES, conform
from stabkit.text import plain

__all__ = [
    "AA_PREFIX",
    "aa_label",
    "aa_sitting",
    "as_text",
    "check_label",
    "claimed_run",
    "is_aa",
    "new_run",
    "order_runs",
]

_log: Final = logging.getLogger(__name__)

AA_PREFIX: Final = "aa/"
"""What the labels of A/A runs begin with: the system compared with itself, no part of its history."""


def new_run(
    *,
    label: str | None = None,
    environment: str | None = None,
    started_at: datetime | None = None,
    complete: bool = True,
    **fields: Any,
) -> dict[str, Any]:
    """Return a fresh row of the ``runs`` table.

    Parameters
    ----------
    label : str, optional
        The name people use, such as ``v1.5``.
    environment : str, optional
        Where it ran; only equal environments share a trend line.
    started_at : datetime, optional
        With a time zone; now if not given.
    complete : bool
        False if the collection was interrupted or a source failed.
    **fields
        Further columns of the table: ``project``, ``commit``, ``branch``, ``versions`` and so on. A ``finished_at``
        before the start is taken as not known: a clock was set back meanwhile.

    Returns
    -------
    dict
        ``run_id`` is ``YYYYMMDDTHHMMSSZ-<slug of the label>-<6 hex digits>``: unique, and sortable by time.

    Raises
    ------
    TypeError
        A field is no column of the table.
    ValueError
        ``started_at`` has no time zone.

    Examples
    --------
    >>> run = new_run(label="v1.5 (hotfix)", started_at=datetime(2025, 9, 14, 12, 24, tzinfo=UTC))
    >>> run["run_id"][:-6]
    '20250914T122400Z-v1.5-hotfix-'
    """
    unknown = sorted(set(fields) - set(TABLES["runs"].names))
    if unknown:
        raise TypeError(f"new_run() got an unexpected keyword argument {unknown[0]!r}")
    moment = started_at or datetime.now(UTC)
    if moment.tzinfo is None:
        raise ValueError("started_at needs a time zone, such as datetime.UTC")
    if (ended := fields.get("finished_at")) is not None and ended < moment:
        _log.warning("The clock was set back while this run was made: when it ended is not known.")
        fields["finished_at"] = None
    name = redact_text(label) if label else None
    row: dict[str, Any] = dict.fromkeys(TABLES["runs"].names)
    row |= {
        "run_id": f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{_slug(name)}-{secrets.token_hex(3)}",
        "label": name,
        "environment": environment,
        "started_at": moment.astimezone(UTC),
        "complete": complete,
    }
    return row | fields


def aa_label(sitting: str, number: int, side: str) -> str:
    """Return the label of one A/A run.

    Examples
    --------
    >>> aa_label("2025-09-14T12:24:00Z", 1, "a")
    'aa/2025-09-14T12:24:00Z/1a'
    """
    return f"{AA_PREFIX}{sitting}/{number}{side}"


def is_aa(label: object) -> bool:
    """Return whether a label is that of an A/A run; a missing one is not."""
    return isinstance(label, str) and label.startswith(AA_PREFIX)


def aa_sitting(label: str) -> str:
    """Return the part of an A/A run's label that all runs of one A/A collection share.

    Examples
    --------
    >>> aa_sitting("aa/2025-09-14T12:24:00Z/1a")
    '2025-09-14T12:24:00Z'
    """
    return label.removeprefix(AA_PREFIX).rpartition("/")[0]


def claimed_run(sources: pd.DataFrame) -> dict[str, Any]:
    """Return what records among these sources state of their run, by the columns of the table ``runs``.

    Examples
    --------
    >>> claimed_run(pd.DataFrame({"claimed": ['{"run": {"label": "v1.5", "colour": "red"}}', None]}))
    {'label': 'v1.5'}
    """
    facts: dict[str, Any] = {}
    for claimed in sources["claimed"].dropna():
        stated = json.loads(claimed)
        if isinstance(stated, dict) and isinstance(stated.get("run"), dict):
            facts |= stated["run"]
    return {key: value for key, value in facts.items() if key in TABLES["runs"].names and key != "run_id"}


def check_label(label: str | None) -> None:
    """Refuse a label that would keep a run out of the history.

    Raises
    ------
    UsageError
        It begins as the labels of A/A runs do.
    """
    if is_aa(label):
        raise UsageError(
            f"Labels beginning with {AA_PREFIX!r} are those of A/A runs.",
            where=f"label {label!r}",
            hint="Give another label, or collect A/A runs with: stabkit aa",
        )


def as_text(value: object, name: str) -> str:
    """Return what names a run, a target or a suite as text; a whole number is the label that it reads like.

    papermill and other tools turn words that look like values into values: ``1.10`` is the number 1.1 then, which may
    be another run's label.

    Raises
    ------
    UsageError
        It is a value from which the word cannot be told.

    Examples
    --------
    >>> as_text("1.10", "candidate"), as_text(1234, "candidate")
    ('1.10', '1234')
    >>> as_text(1.1, "candidate")
    Traceback (most recent call last):
    stabkit.errors.UsageError: parameter candidate: A text is needed here, and a number arrived: 1.1. ...
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    kind = {float: "a number", bool: "a truth value", type(None): "nothing"}.get(type(value), type(value).__name__)
    raise UsageError(
        f"A text is needed here, and {kind} arrived: {plain(value)}.",
        where=f"parameter {name}",
        hint=f'Give it as text, in quotes: "1.10". With papermill: -r {name} WORD instead of -p, which makes numbers, '
        "truth values and None of words.",
    )


def _slug(label: str | None) -> str:
    # The slug becomes part of file names: ASCII letters, digits, dot and underscore only, never leading or trailing.
    words = re.sub(r"[^A-Za-z0-9._]+", "-", label or "")[:40].strip("-._")
    return words or "run"


def order_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs in time order, one row each.

    Parameters
    ----------
    runs : DataFrame
        Table ``runs`` in any order.

    Raises
    ------
    SchemaError
        The frame breaks the table's contract, or a run id occurs twice.
    """
    known = conform("runs", runs)
    twice = known["run_id"][known["run_id"].duplicated()]
    if len(twice):
        raise SchemaError(f"Run id {twice.iloc[0]!r} occurs twice.", where="table runs", hint="Give each run one row.")
    return known.sort_values(["started_at", "run_id"], kind="stable", ignore_index=True)
