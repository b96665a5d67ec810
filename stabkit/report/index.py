"""The index of a folder of reports, made from their JSON results alone, so that it can be made again at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from stabkit.errors import EvidenceError
from stabkit.report.display import SCHEMA_VERSION, TEMPLATES, badge
from stabkit.report.escape import markdown_text, plain_text, slug
from stabkit.report.files import write_whole
from stabkit.report.matrix import Matrix, conditions_of, matrix
from stabkit.report.numbers import listing, moment, plural
from stabkit.report.render import package_version, page_css

__all__ = ["write_index"]

# Order on the page; the exit code of a whole batch is that of its worst report, error before regressed.
_GROUPS: Final = (
    ("error", "failed to execute", 2),
    ("regressed", "regressed", 1),
    ("inconclusive", "inconclusive", 3),
    ("stable", "stable", 0),
    ("none", "without verdict", 0),
)
_OPEN_ROWS: Final = 200
_EARLIER: Final = 8
_ABSENT: Final = ("–", "none", "not in this report")
# What stands beside the report's name and the verdict; sides and missing evidence are second lines.
_COLUMNS: Final = (
    ("reason", "What it says first"),
    ("largest", "Largest change"),
    ("before", "Before it"),
)
# The column says it already.
_LEAD_IN: Final = re.compile(r"^[Tt]he (largest|gravest) change is ")


@dataclass(frozen=True)
class _Row:
    group: str
    file: str
    title: str
    environment: str
    sides: str
    reason: str
    largest: str
    missing: str
    at: str
    earlier: tuple[str, ...] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Title and environment, as one name."""
        return f"{self.title} {self.environment}".strip()

    @property
    def before(self) -> str:
        """The verdicts before this one, in words, oldest first; or nothing."""
        return ", ".join(_shown(group)[2] for group in self.earlier)

    @property
    def marks(self) -> list[tuple[str, str, str]]:
        """Glyph, colour and word of each verdict before this one."""
        return [_shown(group) for group in self.earlier]

    @property
    def link(self) -> str:
        """The page's address, relative to the index."""
        return quote(f"{self.file.removesuffix('.json')}.html")

    @property
    def when(self) -> str:
        """The time as people read it, or nothing."""
        return moment(self.at) if self.at else ""


def write_index(folder: Path | str) -> tuple[Path, Path, Path]:
    """Write ``index.html``, ``index.json`` and ``index.md`` over all reports of a folder.

    Parameters
    ----------
    folder : Path
        Holds the ``.json`` results of reports, as written beside their pages; other JSON files are left out. No result
        at all gives an index that says so.

    Returns
    -------
    tuple of Path
        The three files.

    Raises
    ------
    EvidenceError
        The folder does not exist, or a file cannot be read as JSON.
    """
    root = Path(folder)
    if not root.is_dir():
        raise EvidenceError("There is no such folder.", where=str(root), hint="Write reports into it first.")
    rows = _rows(root)
    counts = {group: sum(row.group == group for row in rows) for group, _, _ in _GROUPS}
    code = next((exit_code for group, _, exit_code in _GROUPS if counts[group]), 0)
    html, result, markdown = root / "index.html", root / "index.json", root / "index.md"
    write_whole({result: _json(rows, counts, code), markdown: _markdown(rows, counts), html: _html(rows, counts)})
    return html, result, markdown


def _rows(root: Path) -> list[_Row]:
    rows = []
    for file in sorted(root.glob("*.json")):
        if file.name == "index.json":
            continue
        try:
            result = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EvidenceError(
                f"Not a JSON result: {error}.", where=str(file), hint="Make the report again."
            ) from error
        if isinstance(result, dict) and result.get("schema") == SCHEMA_VERSION and "sections" in result:
            rows.append(_row(file.name, result))
    rank = {group: i for i, (group, _, _) in enumerate(_GROUPS)}
    newest = sorted(_with_earlier(rows), key=lambda row: (row.at, row.title, row.file), reverse=True)
    return sorted(newest, key=lambda row: rank[row.group])


def _with_earlier(rows: list[_Row]) -> list[_Row]:
    """Give each verdict those before it of the same subject and environment; a report without a time has no place."""
    lines: dict[tuple[str, str], list[str]] = {}
    found = []
    for row in sorted(rows, key=lambda row: (row.at, row.file)):
        if row.at and row.group != "none":
            line = lines.setdefault((row.title, row.environment), [])
            found.append(replace(row, earlier=tuple(line[-_EARLIER:])))
            line.append(row.group)
        else:
            found.append(row)
    return found


def _row(file: str, result: Mapping[str, Any]) -> _Row:
    summary = result.get("summary") or {}
    subject = result.get("subject") or {}
    failure = result.get("failure")
    reason = ""
    if failure:
        reason = f"cell {failure['cell']}: {failure['error']} {failure['message']}"
    elif summary.get("reasons"):
        first = summary["reasons"][0]
        reason = f"{first['subject']} {first['text']}"
    elif not summary:
        reason = _headline(result)
    sides = " → ".join(str(subject[key]) for key in ("baseline", "candidate") if subject.get(key))
    return _Row(
        group="error" if failure or result["exit_code"] == 2 else result["verdict"] or "none",
        file=file,
        title=plain_text(subject.get("project") or result["title"]),
        environment=plain_text(subject.get("environment") or ""),
        sides=plain_text(sides),
        reason=plain_text(reason),
        largest=_largest(summary, reason),
        missing=plain_text(listing(list(summary["missing"]), 3)) if summary.get("missing") else "",
        at=str(subject.get("at") or ""),
        conditions=conditions_of(result),
    )


def _largest(summary: Mapping[str, Any], reason: str) -> str:
    """Return the largest change, or nothing if that is the reason already."""
    largest = _LEAD_IN.sub("", plain_text(summary.get("largest_change") or ""))
    return "" if largest.replace(":", "").rstrip(".") == plain_text(reason).replace(":", "") else largest


def _newest(rows: list[_Row]) -> list[_Row]:
    """Return the newest report of each subject and environment, those without conditions left out; in their order."""
    seen: dict[str, _Row] = {}
    for row in rows:
        if row.conditions and (row.name not in seen or row.at > seen[row.name].at):
            seen[row.name] = row
    return [row for row in rows if seen.get(row.name) is row]


def _headline(result: Mapping[str, Any]) -> str:
    """Return what a report without verdict says first; nothing if it opens with no sentence."""
    pieces = [piece for section in result["sections"][:1] for piece in section["pieces"]]
    first = next((piece for piece in pieces if piece["kind"] == "statement"), None)
    return " ".join(first["sentences"][:1]) if first else ""


def _shown(group: str) -> tuple[str, str, str]:
    return ("–", "none", "no verdict") if group == "none" else badge(group)


def _json(rows: list[_Row], counts: Mapping[str, int], code: int) -> str:
    reports = [
        {
            "file": row.file,
            "page": row.link,
            "title": row.title,
            "environment": row.environment or None,
            "sides": row.sides or None,
            "verdict": None if row.group in ("error", "none") else row.group,
            "failed": row.group == "error",
            "reason": row.reason or None,
            "largest_change": row.largest or None,
            "missing": row.missing or None,
            "at": row.at or None,
            "earlier": list(row.earlier),
        }
        for row in rows
    ]
    result = {"schema": SCHEMA_VERSION, "counts": dict(counts), "exit_code": code, "reports": reports}
    newest = _newest(rows)
    shared = matrix([row.conditions for row in newest])
    result["conditions"] = (
        []
        if shared is None
        else [
            {"file": newest[place].file, "outcomes": dict(zip(shared.conditions, outcomes, strict=True))}
            for place, outcomes in shared.lines
        ]
    )
    return json.dumps(result, ensure_ascii=False, indent=1) + "\n"


def _sentence(counts: Mapping[str, int]) -> str:
    parts = [f"{counts[group]} {word}" for group, word, _ in _GROUPS if counts[group]]
    total = sum(counts.values())
    return f"{plural(total, 'report')}: {', '.join(parts)}." if total else "There is no report in this folder."


def _markdown(rows: list[_Row], counts: Mapping[str, int]) -> str:
    lines = ["# Reports", "", _sentence(counts)]
    if rows:
        lines += ["", "| Report | Baseline → candidate | Verdict | First reason | Missing |", "|---|---|---|---|---|"]
    for row in rows[:_OPEN_ROWS]:
        glyph, _, word = _shown(row.group)
        cells = (row.sides or "–", f"{glyph} {word}", row.reason or "–", row.missing or "–")
        lines.append(f"| [{markdown_text(row.name)}]({row.link}) | " + " | ".join(map(markdown_text, cells)) + " |")
    if len(rows) > _OPEN_ROWS:
        lines += ["", f"and {plural(len(rows) - _OPEN_ROWS, 'report')} more"]
    return "\n".join(lines) + "\n"


def _filled(rows: list[_Row]) -> list[tuple[str, str]]:
    """Return the columns in which any of the rows says something."""
    return [
        (key, label)
        for key, label in _COLUMNS
        if any(getattr(row, key) or (key == "reason" and row.missing) for row in rows)
    ]


def _grid(rows: list[_Row]) -> SimpleNamespace | None:
    """Return the matrix as the page shows it: the reports by name, each cell as glyph, colour and word."""
    newest = _newest(rows)
    shared: Matrix | None = matrix([row.conditions for row in newest])
    if shared is None:
        return None
    lines = [
        SimpleNamespace(row=newest[place], cells=[_shown(outcome) if outcome else _ABSENT for outcome in outcomes])
        for place, outcomes in shared.lines
    ]
    more = f"and {plural(shared.more, 'shared condition')} more" if shared.more else ""
    return SimpleNamespace(conditions=shared.conditions, lines=lines, more=more)


def _html(rows: list[_Row], counts: Mapping[str, int]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "stabkit"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    sentence = _sentence(counts)
    groups = [
        SimpleNamespace(word=word, anchor=slug(word), badge=_shown(group), rows=mine, columns=_filled(mine))
        for group, word, _ in _GROUPS
        if (mine := [row for row in rows if row.group == group])
    ]
    page = SimpleNamespace(
        title="Reports", version=package_version(), css=Markup(page_css()), window_title=f"Reports: {sentence}",  # noqa: S704
        index=None, crumbs=[], when="", runs="", command="", sentence=sentence, groups=groups, grid=_grid(rows),
    )  # fmt: skip
    return environment.get_template("batch.html.j2").render(resources=SimpleNamespace(stabkit=page)).strip() + "\n"
