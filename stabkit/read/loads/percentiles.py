"""Tools that keep no request, a record a format: how its summary is recognised, and where it states what.

What they state is shown, and proves nothing. A place is a path of keys in JSON (``latency.p50``), a column of a table,
or an expression over a text, of which the last match counts: a number and, where the tool prints one, its unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.content import read_head, short_text
from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import mapped, whole
from stabkit.read.loads._parts.requests import Load, Percentiles, milliseconds
from stabkit.read.table_content import broken_rows, first_fields, read_table
from stabkit.schema import Evidence

__all__ = ["READERS", "Form", "Format"]

# What stands at a place of one endpoint's summary.
At = Callable[[str], Any]
_UNITS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "secs": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Form:
    """One form of a tool's summary.

    Attributes
    ----------
    sign : callable
        Whether the first bytes of a file are of this form.
    summaries : callable
        The file's summaries, one an endpoint, and what had to be said of them.
    times : mapping
        Field of :class:`Percentiles` -> its place.
    counts : callable
        How many requests were made and how many failed; None where it is not known.
    step : callable
        The step of the tool's rounding in ms, from what was found and the units it was printed in.
    method : str
        How the tool computes its percentiles.
    unit_ms : float
        The unit of times that are printed without one.
    name : tuple of str
        Places that name the endpoint together; the last holds ``total`` in the summary over all endpoints.
    """

    sign: Callable[[bytes], bool]
    summaries: Callable[[Path], tuple[list[At], list[str]]]
    times: Mapping[str, str]
    counts: Callable[[At], tuple[int | None, int | None]]
    method: str
    step: Callable[[list[Percentiles], list[float]], float | None] = lambda _found, _units: None
    unit_ms: float = 1.0
    name: tuple[str, ...] = ()
    total: str | None = None

    def load(self, path: Path) -> Load:
        """Return what the file states."""
        load = Load(method=self.method)
        units: list[float] = []
        summaries, load.warnings = self.summaries(path)
        for at in summaries:
            times: dict[str, Any] = {}
            for field, place in self.times.items():
                printed = at(place)
                value, unit = printed if isinstance(printed, tuple) else (printed, "")
                units += [_UNITS.get(unit, self.unit_ms)] if value is not None else []
                (times[field],) = milliseconds([value], _UNITS.get(unit, self.unit_ms))
            names = [at(place) for place in self.name]
            target = " ".join(name for name in names if isinstance(name, str)) or "(?)" if names else "all requests"
            stated = Percentiles(target, *self.counts(at), **times)
            if not names or names[-1] != self.total:
                load.percentiles.append(stated)
            else:
                load.total = load.total or stated
        load.resolution_ms = self.step(load.percentiles, units)
        return load


@dataclass(frozen=True)
class Format:
    """A reader: one tool's format in one form or several."""

    FORMAT: str
    forms: tuple[Form, ...]
    KIND: str = "load"

    def recognise(self, head: bytes) -> bool:
        """Say whether a file that begins with these bytes is of this format."""
        return any(form.sign(head) for form in self.forms)

    def read(self, path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG002
        """Return what the summary states, as claims of the ``sources`` row.

        Raises
        ------
        ReportError
            Malformed, cut off, or refused.
        """
        head = read_head(path)
        form = next((form for form in self.forms if form.sign(head)), self.forms[-1])
        load = form.load(path)
        if form.summaries is _text and load.percentiles[0].n is None:
            load.unread = "it says nothing of how many requests were made"
        return load.evidence(path, form=self.FORMAT, suite=suite)


def _json(path: Path) -> tuple[list[At], list[str]]:
    content = load_json(path)

    def at(place: str) -> Any:
        value = content.value
        for key in place.split("."):
            value = mapped(value).get(key)
        return value

    return [at], list(content.warnings)


def _text(path: Path) -> tuple[list[At], list[str]]:
    said = short_text(path)

    def at(place: str) -> Any:
        matches = re.findall(place, said, re.MULTILINE)
        return matches[-1] if matches else None

    return [at], []


def _table(path: Path) -> tuple[list[At], list[str]]:
    table = read_table(path)
    return [row.get for row in table.to_dict("records")], [cut for cut in [broken_rows(table)] if cut]


def _artillery(path: Path) -> tuple[list[At], list[str]]:
    content = load_json(path)
    aggregate = mapped(mapped(content.value).get("aggregate"))
    # Names of counters hold points, so that no path of keys leads to them.
    known = mapped(aggregate.get("counters")) | mapped(mapped(aggregate.get("summaries")).get("http.response_time"))
    return [lambda place: known if place == "counters" else known.get(place)], list(content.warnings)


def _artillery_counts(at: At) -> tuple[int | None, int | None]:
    counters = mapped(at("counters"))
    n = _count(counters.get("http.requests"))
    refused = {key: value for key, value in counters.items() if key.startswith("errors.")}
    codes = {key.rpartition(".")[2]: value for key, value in counters.items() if key.startswith("http.codes.")}
    failed = _sum(*refused.values(), *(value for code, value in codes.items() if not code.startswith(("1", "2", "3"))))
    return n, failed if codes or refused else None


def _last_readings(path: Path) -> tuple[list[At], list[str]]:
    last = read_table(path).drop_duplicates(["Type", "Name"], keep="last")
    rows = [row for row in last.to_dict("records") if _count(row.get("Total Request Count"))]
    if len(rows) == 1 and rows[0].get("Name") == "Aggregated":  # without --csv-full-history it is the only line
        rows.insert(0, rows[0] | {"Type": None, "Name": "all requests"})
    return [row.get for row in rows], []


def _count(value: object) -> int | None:
    number = pd.to_numeric(value, errors="coerce") if isinstance(value, str) else whole(value)
    return int(number) if number is not None and 0 <= number < 1e15 else None


def _sum(*values: object) -> int:
    return sum(_count(value) or 0 for value in values)


def _autocannon(at: At) -> tuple[int | None, int | None]:
    # Redirects are no failures here, as with other tools.
    bad = [_count(at(key)) for key in ("4xx", "5xx")]
    answered, rejected = _count(at("requests.total")), _count(at("non2xx")) if None in bad else _sum(*bad)
    errors = _count(at("errors"))
    if errors is None:
        return answered, None
    n, failed = (None if known is None else known + errors for known in (answered, rejected))
    return n, failed


def _oha(at: At) -> tuple[int | None, int | None]:
    # What was under way when the time was up has not failed.
    refused = _sum(*(n for text, n in mapped(at("errorDistribution")).items() if "aborted due to deadline" not in text))
    codes = mapped(at("statusCodeDistribution"))
    bad = _sum(*(n for code, n in codes.items() if not code.startswith(("1", "2", "3"))))
    stated = isinstance(at("errorDistribution"), dict) and isinstance(at("statusCodeDistribution"), dict)
    return _sum(*codes.values()) + refused or None, bad + refused if stated else None


def _siege(at: At) -> tuple[int | None, int | None]:
    # A transaction is a request that was answered; a failed one is none of them.
    names = ("transactions", "successful[_ ]transactions", "failed[_ ]transactions")
    answered, good, bad = (_count(at(_entry(name, r"(\d++)(?!\.)"))) for name in names)
    n = answered + bad if answered is not None and bad is not None else None
    if good is None:
        return n, None
    return n, n - good if n is not None and good <= n else bad


def _entry(name: str, value: str) -> str:
    """Return one shape for both: "failed_transactions": 5, and Failed transactions: 5."""
    return rf'(?i)^[ \t{{]*"?{name}"?:[ \t]+{value}'


def _is_siege(head: bytes) -> bool:
    if b"availability" not in head.lower():  # every report's head comes by here: no search line by line in vain
        return False
    text = head.decode("utf-8", "replace")
    return all(re.search(_entry(name, r"[\d.]"), text, re.MULTILINE) for name in ("transactions", "availability"))


def _ab(at: At) -> tuple[int | None, int | None]:
    # An answer that is no 2xx and of another length stands in two of ab's counts, here in one.
    other_length = _sum(at(r"\(Connect: \d+, Receive: \d+, Length: (\d+), Exceptions: \d+\)"))
    failed, refused = (_count(at(rf"^{name}:[ \t]+(\d+)")) for name in ("Failed requests", "Non-2xx responses"))
    # The second stands there only where there was any.
    bad = None if failed is None else failed + max(0, (refused or 0) - other_length)
    return _count(at(r"^Complete requests:[ \t]+(\d+)")), bad


def _wrk(at: At) -> tuple[int | None, int | None]:
    sockets = at(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)") or ()
    failed = _sum(at(r"^[ \t]*Non-2xx or 3xx responses: (\d+)"), *sockets)
    return _count(at(r"^[ \t]*(\d+) requests in ")), failed


def _places(pattern: str, shares: Sequence[str] = ("50", "95", "99"), **more: str) -> dict[str, str]:
    return {f"p{share}_ms": pattern.replace("SHARE", share) for share in shares} | more


def _locust_step(found: list[Percentiles], _units: list[float]) -> float:
    """Return the step of Locust's rounding: whole ones below 100, tens below 1,000, hundreds above."""
    largest = max((time or 0.0 for p in found for time in (p.p50_ms, p.p95_ms, p.p99_ms)), default=0.0)
    return 1.0 if largest < 100 else 10.0 if largest < 1000 else 100.0


_WRK_HEAD: Final = re.compile(rb"^Running \S+ test @ \S+\s+\d+ threads and \d+ connections", re.MULTILINE)

READERS: Final = (
    Format("artillery", (Form(
        sign=lambda head: "aggregate" in json_keys(head) and b'"counters"' in head,
        summaries=_artillery, counts=_artillery_counts, method="Artillery, a histogram",
        times=_places("pSHARE", mean_ms="mean"),
    ),)),
    # Percentiles in whole ms; p90 and p97.5, but no p95.
    Format("autocannon", (Form(
        sign=lambda head: {"pipelining", "non2xx", "latency", "requests"} <= set(json_keys(head)),
        summaries=_json, counts=_autocannon, method="autocannon, a histogram", step=lambda _found, _units: 1.0,
        times=_places("latency.pSHARE", ("50", "99"), mean_ms="latency.average"),
    ),)),
    Format("locust", (Form(
        sign=lambda head: {"Type", "Name", "Request Count", "Failure Count"} <= set(first_fields(head)),
        summaries=_table, counts=lambda at: (_count(at("Request Count")), _count(at("Failure Count"))),
        times=_places("SHARE%", mean_ms="Average Response Time"), name=("Type", "Name"), total="Aggregated",
        method="Locust, rounded to two digits", step=_locust_step,
    ), Form(  # readings while it ran; the last of each endpoint counts all before it
        sign=lambda head: {"Timestamp", "User Count", "Type", "Name", "Total Request Count"} <= set(first_fields(head)),
        summaries=_last_readings, times={}, name=("Type", "Name"), total="Aggregated",
        counts=lambda at: (_count(at("Total Request Count")), _count(at("Total Failure Count"))),
        method="Locust, while it ran",
    ))),
    Format("oha", (Form(
        sign=lambda head: "latencyPercentiles" in json_keys(head)
        or (b'"successRate"' in head and "summary" in json_keys(head)),
        summaries=_json, counts=_oha, method="oha", unit_ms=1000,
        times=_places("latencyPercentiles.pSHARE", mean_ms="summary.average"),
    ),)),
    # Hundredths of a second, or of a ms where it says so.
    Format("siege", (Form(
        sign=_is_siege, summaries=_text, counts=_siege, method="siege states no percentile", unit_ms=1000,
        times={"mean_ms": _entry("response[_ ]time", r"([\d.]+)(?: (secs|ms))?")},
        step=lambda _found, units: max(units, default=1000.0) / 100,
    ),)),
    # Both measure from the send: with a fixed number of connections a service that stalls is asked less.
    Format("wrk-ab", (
        Form(
            sign=lambda head: b"This is ApacheBench" in head or b"Percentage of the requests served" in head,
            summaries=_text, counts=_ab, method="ab", step=lambda _found, _units: 1.0,
            times=_places(r"^[ \t]+SHARE%[ \t]+(\d+)[ \t]*$",
                          mean_ms=r"^Time per request:[ \t]+([\d.]+) \[ms\] \(mean\)"),
        ),
        Form(  # two decimals of each time's unit; without --latency the mean alone
            sign=lambda head: _WRK_HEAD.search(head) is not None,
            summaries=_text, counts=_wrk, method="wrk, a histogram",
            times=_places(r"^[ \t]+SHARE(?:\.0+)?%[ \t]+([\d.]+)(us|ms|s|m)[ \t]*$",
                          mean_ms=r"^[ \t]+Latency[ \t]+([\d.]+)(us|ms|s|m)\s"),
            step=lambda _found, units: max(units) / 100 if units else None,
        ),
    )),
)  # fmt: skip
