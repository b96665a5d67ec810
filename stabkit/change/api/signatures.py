"""Two signatures of one function compared: griffe's own findings, and what annotations and bodies add to them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from stabkit.change.api.annotations import Known, fits, parse_type

__all__ = ["Found", "compare_functions", "compare_types", "literal"]

# With any other decorator, what callers see need not be what is written.
_TRANSPARENT: Final = frozenset(
    (
        "staticmethod",
        "classmethod",
        "property",
        "abstractmethod",
        "overload",
        "override",
        "final",
        "deprecated",
        "cache",
        "lru_cache",
        "wraps",
        "contextmanager",
        "asynccontextmanager",
        "cached_property",
        "singledispatch",
        "coroutine",
        "setter",
        "getter",
    )
)
# What these make of a function is called, or used, in a way of its own.
_WRAPPERS: Final = frozenset(("contextmanager", "asynccontextmanager"))


@dataclass(frozen=True)
class Found:
    """One break: what happened, to which parameter if to one, how it was and is; weak: it may break nothing."""

    change: str
    parameter: str | None = None
    before: str | None = None
    after: str | None = None
    proven: bool = True
    weak: bool = False


def compare_functions(old: Any, new: Any, known: Known, raised: Callable[[Any, Any], set[str]]) -> Iterator[Found]:
    """Yield what a caller of the old function could stumble over in the new one.

    Parameters
    ----------
    old, new : griffe.Function
        The same function at both ends.
    known : callable
        As of :func:`stabkit.change.api.annotations.fits`.
    raised : callable
        Given both, the exceptions that the new body raises by name and the old one did not.
    """
    sure = _written_as_seen(old) and _written_as_seen(new)
    yield from _kinds(old, new)
    bound = {label for label in ("staticmethod", "classmethod") if (label in old.labels) != (label in new.labels)}
    first = _receivers(old, new)
    renamed = _renamed(old, new)
    for before, after in renamed:
        if before.default is not None and after.default is None:
            yield Found("parameter_changed_required", after.name, _written(before), _written(after), sure)
        yield from compare_types(before.annotation, after.annotation, known, given=True, name=after.name)
    unnamed = {("parameter_removed", one.name) for one, _ in renamed}
    unnamed |= {("parameter_added_required", one.name) for _, one in renamed}
    for one in _by_griffe(old, new):
        private = (
            one.parameter is not None and one.parameter.startswith("_") and one.change != "parameter_added_required"
        )
        if (one.change, one.parameter) in unnamed:
            continue
        if one.parameter in first or private or (bound and one.change == "parameter_moved"):
            continue
        yield one if sure else _unsure(one)
    for parameter in old.parameters:
        other = _parameter(new, parameter.name)
        if other is not None and parameter.name not in first:
            yield from compare_types(parameter.annotation, other.annotation, known, given=True, name=parameter.name)
    yield from compare_types(old.returns, new.returns, known, given=False)
    yield from _overloads(old, new, known)
    for name in sorted(raised(old, new)):
        yield Found("exception_added", None, None, f"raise {name}", proven=False)


def _overloads(old: Any, new: Any, known: Known) -> Iterator[Found]:
    """Yield the forms of an overloaded function that no form takes any more; it may take them all the same, untold."""
    forms = list(new.overloads or ())
    for one in old.overloads or ():
        if forms and not any(_takes(other, one, known) for other in forms):
            told = ", ".join(_written(parameter) or "" for parameter in one.parameters)
            yield Found("parameter_changed_type", None, f"({told})"[:200], None, proven=False)


def _takes(form: Any, one: Any, known: Known) -> bool:
    names = {parameter.name for parameter in form.parameters}
    if {parameter.name for parameter in one.parameters} - names:
        return len(form.parameters) > 0 and any("variadic" in parameter.kind.value for parameter in form.parameters)
    pairs = ((parameter.annotation, _parameter(form, parameter.name).annotation) for parameter in one.parameters)
    return not any(True for old, new in pairs for _ in compare_types(old, new, known, given=True))


def _renamed(old: Any, new: Any) -> list[tuple[Any, Any]]:
    """Return the parameters that are taken by their place alone, and bear another name there."""
    pairs = [
        (one, other)
        for one, other in zip(old.parameters, new.parameters, strict=False)
        if one.name != other.name and one.kind == other.kind and one.kind.value == "positional-only"
    ]
    names = {one.name for one, _ in pairs}
    return [] if names & {other.name for _, other in pairs} else pairs


def _parameter(function: Any, name: str) -> Any:
    return next((one for one in function.parameters if one.name == name), None)


def _receivers(*functions: Any) -> set[str]:
    """Return the names of what a method is called on, which no caller gives."""
    methods = (one for one in functions if one.parent is not None and one.parent.is_class)
    return {
        next(iter(one.parameters)).name for one in methods if "staticmethod" not in one.labels and len(one.parameters)
    }


def compare_types(old: Any, new: Any, known: Known, *, given: bool, name: str | None = None) -> Iterator[Found]:
    """Yield a changed type: of what callers give, one that takes less; of what they get, one that may be more."""
    before, after = (None if one is None else parse_type(str(one)) for one in (old, new))
    if before is None or after is None or before == after:
        return
    if not given and before == {("None", ())}:
        return  # nobody relies on getting nothing
    answer = fits(before, after, known) if given else fits(after, before, known)
    if answer is False:
        change = "parameter_changed_type" if given else "return_changed_type"
        yield Found(change, name, str(old), str(new))


def literal(text: Any) -> tuple[bool, Any]:
    """Return whether a default is a plain value, and that value: spelled otherwise it is the same.

    Examples
    --------
    >>> literal("1_000") == literal("1000"), literal("'a'") == literal('"a"'), literal("object()")
    (True, True, (False, None))
    """
    try:
        value = ast.literal_eval(str(text))
        return True, repr(value)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return False, None


def _by_griffe(old: Any, new: Any) -> Iterator[Found]:
    import griffe

    sides = []
    for function in (old, new):
        holder = griffe.Module("holder")
        holder.members["function"] = function
        function.public = True
        sides.append(holder)
    found = list(griffe.find_breaking_changes(*sides))
    # One that is gone, or came in between, moves all that follow: it is told once. Two that changed places are told.
    moved = any(one.kind.name == "PARAMETER_REMOVED" for one in found) and _in_order(old, new)
    for one in found:
        if one.kind.name == "PARAMETER_MOVED":
            if moved:
                continue
            moved = True
        change = one.kind.name.lower()
        if change == "return_changed_type":
            continue  # griffe compares no types: it means that the annotation is gone
        before, after = one.old_value, one.new_value
        name = getattr(before or after, "name", None)
        if change == "parameter_changed_default":
            default = _default(name, before, after)
            if default is not None:
                yield default
        else:
            yield Found(change, name, _written(before), _written(after))


def _in_order(old: Any, new: Any) -> bool:
    """Say whether the parameters by position that both have follow each other as they did."""
    names = [
        [one.name for one in function.parameters if str(one.kind.value).startswith("positional")]
        for function in (old, new)
    ]
    before, after = ([name for name in side if name in names[1] and name in names[0]] for side in names)
    return before == after


def _default(name: str | None, before: Any, after: Any) -> Found | None:
    sides = [literal(one.default) for one in (before, after)]
    if all(plain for plain, _ in sides):
        same = sides[0] == sides[1]
        return None if same else Found("parameter_changed_default", name, _written(before), _written(after))
    if _respelled(before.default) == _respelled(after.default):
        return None
    # A sentinel, a constant, a call: what it stands for may be what it stood for.
    return Found("parameter_changed_default", name, _written(before), _written(after), proven=False, weak=True)


def _respelled(text: Any) -> str:
    try:
        return ast.unparse(ast.parse(str(text), mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return str(text)


def _written(parameter: Any) -> str | None:
    """Return a parameter as it is written in a signature."""
    if parameter is None:
        return None
    mark = {"variadic positional": "*", "variadic keyword": "**"}.get(parameter.kind.value, "")
    typed = "" if parameter.annotation is None else f": {parameter.annotation}"
    plain = parameter.default is None or mark
    default = "" if plain else f" = {parameter.default}" if typed else f"={parameter.default}"
    keyword = "*, " if parameter.kind.value == "keyword-only" else ""
    return f"{keyword}{mark}{parameter.name}{typed}{default}"[:200]


def _kinds(old: Any, new: Any) -> Iterator[Found]:
    """Yield what changes how the function is called at all."""
    awaited = ["async" in one.labels for one in (old, new)]
    if awaited[0] != awaited[1]:
        words = ["async def" if one else "def" for one in awaited]
        yield Found("awaited_changed", None, words[0], words[1])
    how = [
        next((label for label in ("staticmethod", "classmethod") if label in one.labels), "method")
        for one in (old, new)
    ]
    if how[0] != how[1] and how[1] == "method":
        yield Found("binding_changed", None, how[0], how[1])
    wrapped = [_decorators(one) & _WRAPPERS for one in (old, new)]
    for name in sorted(wrapped[0] - wrapped[1]):
        yield Found("binding_changed", None, f"@{name}", "+".join(f"@{one}" for one in sorted(wrapped[1])) or "plain")
    for name in sorted(wrapped[1] - wrapped[0] if not wrapped[0] else ()):
        yield Found("binding_changed", None, "plain", f"@{name}")
    final = [_decorators(one) & {"final"} for one in (old, new)]
    if final[1] and not final[0]:
        yield Found("became_final", None, None, "@final", proven=False)


def _written_as_seen(function: Any) -> bool:
    return _decorators(function) <= _TRANSPARENT


def _decorators(function: Any) -> set[str]:
    return {str(one.value).partition("(")[0].rpartition(".")[2] for one in getattr(function, "decorators", ())}


def _unsure(found: Found) -> Found:
    return Found(found.change, found.parameter, found.before, found.after, proven=False, weak=found.weak)
