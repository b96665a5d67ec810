"""The page of an index: groups of rows, pictures, and filters that are plain links and style rules, no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final

from markupsafe import Markup

from stabkit.installation import package_version
from stabkit.numbers import amount_text, moment
from stabkit.report.display import environment, slug
from stabkit.report.index.lines import Placed
from stabkit.report.index.matrix import Matrix, matrix, newest_of_each
from stabkit.report.index.results import GROUPS, Result, Unread, group_badge
from stabkit.report.page import page_css
from stabkit.text import count

__all__ = ["index_html", "titles_of"]

# Of each group; what is older is one line each: 3,000 reports of 40 subjects make 1.5 MB.
FULL_ROWS: Final = 80
MATRIX_ROWS: Final = 100
SUBJECTS: Final = 12  # more links than this are no filter but a list
OPEN_ROWS: Final = 20  # of each group and of the matrix; further ones fold, of what is stable all
_ABSENT: Final = ("–", "none", "not in this report")


def index_html(reports: Sequence[Placed], unread: Sequence[Unread], sentence: str) -> str:
    """Return the page over all reports, in their order; files that cannot be read come first."""
    subjects = _subjects(reports)
    same = Counter(_seen_as(placed.result) for placed in reports)
    title = titles_of([placed.result for placed in reports])
    groups = []
    for group, word, _ in GROUPS:
        rows = [_row(p, title, subjects, same, full=True) for p in _of(reports, group)[:FULL_ROWS]]
        older = [_row(p, title, subjects, same, full=False) for p in _of(reports, group)[FULL_ROWS:]]
        begun = 0 if group == "stable" else OPEN_ROWS
        parts = [(rows, "")] if len(rows) <= OPEN_ROWS else [(rows[:begun], ""), (rows[begun:], _folded(rows, begun))]
        if rows:
            groups.append(SimpleNamespace(
                word=word, anchor=slug(word), badge=group_badge(group), older=older,
                parts=[SimpleNamespace(rows=some, fold=fold) for some, fold in parts if some],
                amount=amount_text(len(rows) + len(older)), more=amount_text(len(older)),
                drawn=any(row.sparkline for row in rows),
            ))  # fmt: skip
    page = SimpleNamespace(
        title="Reports", version=package_version(), css=Markup(page_css("index")) + _filter_rules(subjects),  # noqa: S704
        window_title=f"Reports: {sentence}", index=None, crumbs=_project(reports), when="", likely="",
        runs="", command="",
        sentence=sentence, unread=unread, groups=groups, grid=_grid(reports), subjects=subjects,
        repeated=any(placed.newest for placed in reports),
        drawn=any(group.drawn for group in groups),
    )  # fmt: skip
    template = environment().get_template("batch.html.j2")
    return template.render(resources=SimpleNamespace(stabkit=page)).strip() + "\n"


def _folded(rows: Sequence[Any], begun: int) -> str:
    """Return the line that opens the rows after the first so many."""
    return count(len(rows) - begun, "further report" if begun else "report")


def _of(reports: Sequence[Placed], group: str) -> list[Placed]:
    return [placed for placed in reports if placed.result.group == group]


def _subjects(reports: Sequence[Placed]) -> dict[str, str]:
    """Return each subject that is worth a filter and its anchor: few subjects, of some of which there are several."""
    names = Counter(placed.result.name for placed in reports)
    few = 2 <= len(names) <= SUBJECTS < len(reports)
    return {name: f"of-{number}" for number, name in enumerate(sorted(names), start=1)} if few else {}


def _filter_rules(subjects: dict[str, str]) -> str:
    """Return the rules that leave one subject; its anchor is in the row's class, so nothing of a name is in them."""
    return "".join(
        f"body:has(#{anchor}:target) :is(.reports tbody tr:not(.{anchor}),.fold:not(:has(.{anchor})),"
        f".group:not(:has(.{anchor}),#unread)){{display:none}}"
        for anchor in subjects.values()
    )


def _seen_as(result: Result) -> tuple[str, ...]:
    return (result.heading, result.name, result.sides, result.at.isoformat() if result.at else "")


def _project(reports: Sequence[Placed]) -> list[str]:
    """Return the project of which all of these are, where it is not in their titles."""
    found = [placed.result for placed in reports]
    about = {one.title for one in found if one.heading and one.title != one.heading}
    return list(about) if len(about) == 1 and len({one.notebook for one in found}) > 1 else []


def titles_of(results: Sequence[Result]) -> Callable[[Result], str]:
    """Return what titles a report among these: what it is about, or its kind where several notebooks made them.

    Where both differ from report to report, a title has both.
    """
    kinds = {one.notebook for one in results if one.heading}
    about = {one.title for one in results if one.title != one.heading}

    def title(one: Result) -> str:
        if len(kinds) < 2 or not one.heading or one.title == one.heading:
            return one.title
        return f"{one.heading}: {one.title}" if len(about) > 1 else one.heading

    return title


def _row(
    placed: Placed,
    title: Callable[[Result], str],
    subjects: dict[str, str],
    same: Counter[tuple[str, ...]],
    *,
    full: bool,
) -> SimpleNamespace:
    one = placed.result
    sparkline = placed.sparkline if full else None
    rank, change = one.change
    said = change.replace(":", "").rstrip(".") == one.reason.replace(":", "")
    return SimpleNamespace(
        link=one.link, title=title(one), sides=one.sides, environment=one.environment, missing=one.missing,
        file=one.file if same[_seen_as(one)] > 1 or not one.link else "",
        when=moment(one.at) if one.at else "",
        about=one.about, text=one.text,
        largest="" if change and said else f"{rank} change: {change}" if change else one.largest,
        sparkline=sparkline,
        metric=placed.metric if sparkline and sparkline.measured else "",
        newest=_overtaken(placed),
        classes=" ".join(filter(None, (subjects.get(one.name), "old" if placed.newest else "new"))),
    )  # fmt: skip


def _overtaken(placed: Placed) -> tuple[str, tuple[str, str, str]] | None:
    """Return where the newest report of the line is and what it says, if that is another verdict."""
    newest = placed.newest
    return (newest.link, group_badge(newest.group)) if newest and newest.group != placed.result.group else None


def _grid(reports: Sequence[Placed]) -> Any:
    """Return the matrix as the page shows it: the reports by name, each cell as glyph, colour and word."""
    newest = newest_of_each(reports)
    shared: Matrix | None = matrix([one.outcomes for one in newest])
    if shared is None:
        return None
    lines = [
        SimpleNamespace(row=newest[place], cells=[group_badge(word) if word else _ABSENT for word in outcomes])
        for place, outcomes in shared.lines[:MATRIX_ROWS]
    ]
    cut = ((shared.more, "shared condition"), (len(shared.lines) - len(lines), "report"))
    more = " and ".join(count(amount, what) for amount, what in cut if amount)
    parts = [(lines[:OPEN_ROWS], ""), (lines[OPEN_ROWS:], _folded(lines, OPEN_ROWS))]
    return SimpleNamespace(
        conditions=shared.conditions, parts=[SimpleNamespace(lines=some, fold=fold) for some, fold in parts if some],
        more=f"and {more} more" if more else "",
    )  # fmt: skip
