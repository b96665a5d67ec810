"""What to do about a change: a step from each line of its checklist, its risk and its journeys, in order of weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from stabkit.analyze.change import ChangeRisk, JourneyState, Line
from stabkit.report.words.change_facts import fact_text
from stabkit.report.words.impact_texts import line_name, line_text, risk_texts
from stabkit.text import count, joined, plain, shell

__all__ = ["Advice", "change_advice"]

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Advice:
    """One recommendation and the row that caused it."""

    when: str
    what: str
    because: str
    command: str | None = None


def change_advice(
    lines: Sequence[Line],
    risk: ChangeRisk,
    *,
    missing: Sequence[Item] = (),
    journeys: Sequence[JourneyState] = (),
    vanished: Sequence[str] = (),
    promises: tuple[str, str] | None = None,
    repository: str | None = None,
) -> list[Advice]:
    """Return what to do about a change, each step with the row that caused it; no row, no step.

    Parameters
    ----------
    lines : sequence of Line
        The checklist of the change.
    risk : ChangeRisk
        Its one level.
    missing : sequence of mappings
        Commits of the baseline that the candidate lacks.
    journeys : sequence of JourneyState
        The journeys that carry value.
    vanished : sequence of str
        Tests that are gone.
    promises : (str, str), optional
        How many of the baseline's own tests broke on the candidate, and which.
    repository : str, optional
        Where git finds the commits, if that is not where the commands are typed.

    Examples
    --------
    >>> token = dict.fromkeys(("change", "noun", "before", "after", "accepted"))
    >>> token |= {"fact": "secret_added", "path": "a.py", "line": 3, "what": "GitHub token"}
    >>> token |= {"confidence": "proven", "scope": "production"}
    >>> [step.what for step in change_advice([Line("secrets", "no", (token,), total=1)], ChangeRisk("LOW"))]
    ['revoke what leaked, issue it anew and take it out of the history: GitHub token in a.py:3']
    """
    answered = {line.line: line for line in lines}
    found = [
        step
        for name in _ORDER
        if name in answered and answered[name].answer == "no" and not answered[name].spared
        for step in _STEPS[name](answered[name])
    ]
    if promises:
        what = "say which promises of the baseline are meant to end, and mend the others"
        found.insert(0, Advice("now", what, f"of its own tests {'; '.join(filter(None, map(plain, promises)))}"))
    found[0:0] = list(_lost(missing))
    found += _unguarded(journeys)
    if vanished:
        what = f"say why {count(len(vanished), 'test')} vanished, or bring them back"
        found.append(Advice("now", what, joined(map(plain, vanished))))
    if risk.level == "HIGH":
        found.append(Advice("now", "deploy while somebody watches, and in steps", joined(risk_texts(risk), most=2)))
    found += _unchecked(lines)
    return [_there(step, repository) for step in found]


def _there(step: Advice, repository: str | None) -> Advice:
    """Return a step whose command asks git where the commits are."""
    if step.command is None or repository is None:
        return step
    return replace(step, command=step.command.replace("git ", f"git -C {shell([repository])} ", 1))


def _production(line: Line) -> list[Item]:
    return [one for one in line.items if one["scope"] == "production"]


def _names(items: Sequence[Item]) -> str:
    return joined(dict.fromkeys(plain(one["what"] or "") for one in items))


def _places(items: Sequence[Item]) -> str:
    where = (f"{plain(one['what'] or '')} in {plain(one['path'] or '')}:{one['line'] or 1}" for one in items)
    return joined(dict.fromkeys(where))


def _secrets(line: Line) -> Iterator[Advice]:
    live = [one for one in line.items if one["scope"] != "development"]
    if live:
        what = f"revoke what leaked, issue it anew and take it out of the history: {_places(live)}"
        command = shell(["git", "log", "--oneline", "--", plain(live[0]["path"] or "")])
        yield Advice("now", what, line_text(line), command)


def _rollback(line: Line) -> Iterator[Advice]:
    yield Advice("now", "back up what would be lost, and rehearse the way back", line_text(line))


def _old_code(line: Line) -> Iterator[Advice]:
    what = "deploy in two steps, or stop the old version before the migration: it does not run on the new schema"
    yield Advice("now", what, line_text(line))


def _api(line: Line) -> Iterator[Advice]:
    yield Advice("now", "tell those who import it, and raise the major version", line_text(line))


def _contracts(line: Line) -> Iterator[Advice]:
    yield Advice("now", "keep the old contract until its callers have moved, or tell them", line_text(line))


def _entry_points(line: Line) -> Iterator[Advice]:
    yield Advice("now", "look for scripts and jobs that use what is removed", line_text(line))


def _environment(line: Line) -> Iterator[Advice]:
    mine = _production(line)
    unset = [one for one in mine if one["change"] == "unset" or one["noun"] == "unset"]
    if unset:
        what = f"set {_names(unset)} where the system runs: nothing here does"
        yield Advice("now", what, _places(unset))
    rest = [one for one in mine if one not in unset]
    if rest:
        yield Advice("now", f"check the values of {_names(rest)} in every environment", line_text(line))


def _configuration(line: Line) -> Iterator[Advice]:
    mine = _production(line)
    if mine:
        yield Advice("now", f"bring the changed settings to every environment: {_names(mine)}", line_text(line))


def _flags(line: Line) -> Iterator[Advice]:
    yield Advice("now", f"set the flags as they are meant: {_names(line.items)}", line_text(line))


def _schema(line: Line) -> Iterator[Advice]:
    yield Advice("now", "say when the migrations run, before or after the new code starts", line_text(line))


def _ci(line: Line) -> Iterator[Advice]:
    yield Advice("now", "have the wider rights of the pipelines reviewed", line_text(line))


def _dependencies(line: Line) -> Iterator[Advice]:
    large = [one for one in _production(line) if one["noun"] == "major"]
    if large:
        what = f"read what the new major versions break: {_names(large)}"
        yield Advice("now", what, "; ".join(fact_text(one) for one in large[:3]))


_STEPS: Final[Mapping[str, Callable[[Line], Iterator[Advice]]]] = {
    "secrets": _secrets,
    "rollback": _rollback,
    "old_code_new_schema": _old_code,
    "schema": _schema,
    "contracts": _contracts,
    "api": _api,
    "entry_points": _entry_points,
    "environment": _environment,
    "configuration": _configuration,
    "flags": _flags,
    "dependencies": _dependencies,
    "ci": _ci,
}
_ORDER: Final = tuple(_STEPS)


def _lost(missing: Sequence[Item]) -> Iterator[Advice]:
    if missing:
        shown = joined((plain(one["subject"] or "") for one in missing), most=3)
        what = f"make sure that {count(len(missing), 'commit')} of the baseline may be taken back"
        newest = str(missing[0]["commit"] or "")
        command = shell(["git", "show", "--stat", newest[:12]]) if newest else None
        yield Advice("now", what, f"the candidate lacks: {shown}", command)


def _unguarded(journeys: Sequence[JourneyState]) -> Iterator[Advice]:
    bare = [one for one in journeys if one.state == "unguarded"]
    touched = [one for one in bare if one.touched]
    if touched:
        what = f"walk through {joined(plain(one.journey.name) for one in touched)} by hand: the change touches it"
        yield Advice("now", what, f"nothing guards it; changed: {joined(map(plain, touched[0].touched))}")
    rest = [one for one in bare if not one.touched]
    if rest:
        yield Advice(
            "later", f"guard {joined(plain(one.journey.name) for one in rest)}", "no condition, suite or check"
        )


_REMEDIES: Final[Mapping[str, str]] = {"lock_file": "commit a lock file"}


def _unchecked(lines: Sequence[Line]) -> Iterator[Advice]:
    unsure = [line for line in lines if line.answer == "not_checked" and line.items]
    for line in unsure:
        yield Advice("now", f"look at {line_name(line.line, inside=True)} by hand", line_text(line))
    for line in lines:
        if line.remedy is not None and line.remedy in _REMEDIES:
            yield Advice("later", _REMEDIES[line.remedy], f"{line_name(line.line)}: {line_text(line)}")
