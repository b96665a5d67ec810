"""A fresh row of the ``runs`` table: the identity that evidence gets before it is stored."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import Any

from stabkit.redact import redact_text
from stabkit.schema import TABLES

__all__ = ["new_run"]


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
        Further columns of the table: ``project``, ``commit``, ``branch``, ``versions`` and so on.

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


def _slug(label: str | None) -> str:
    # The slug becomes part of file names: ASCII letters, digits, dot and underscore only, never leading or trailing.
    words = re.sub(r"[^A-Za-z0-9._]+", "-", label or "")[:40].strip("-._")
    return words or "run"
