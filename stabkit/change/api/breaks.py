"""Breaks in the public signatures of the repository's own Python packages, as griffe reads them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Final

from stabkit.change.api.classes import Break, Comparison
from stabkit.change.api.golang import go_packages, gone_exports
from stabkit.change.api.javascript import gone_names, published_entries, untold
from stabkit.change.api.loaded import Modules
from stabkit.change.api.packages import Package, is_aside, is_internal, public_packages
from stabkit.change.facts import Answer, Fact
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_api"]

_NOUN: Final = "modules"
# A model of a module takes some sixty times its source, and both ends are in memory at once.
_MOST_CHANGED: Final = 3_000


def answer_api(snapshots: Snapshots) -> Answer:
    """Return the answer of the line.

    Notes
    -----
    Compared are the modules that differ, and those that pass their names on: their packages, and whoever imports a
    private one. What need not break a caller proves nothing, and is set aside where nothing else is found: a default
    that is no plain value, a name of a module that answers for any name (``__getattr__``), a member that a class of
    another package may have. A new exception, or another value of a constant, is seen in the text alone: heuristic. A
    file that cannot be parsed at one end is not compared, and is named.
    """
    packages = public_packages(snapshots)
    facts, examined, methods, unknown = _by_pattern(snapshots)
    breaks = [(fact, False) for fact in facts]
    lost = [f"the names that {path} exports cannot be told" for path in unknown]
    lost += [f"{name} is nowhere" for name in snapshots.packages if name not in {one.name for one in packages}]
    for package in packages:
        found, unread = _compared(snapshots, package)
        breaks += found
        lost += unread
        examined += sum(not is_internal(name) for name in {**package.base, **package.head})
    if packages:
        names = ", ".join(package.name for package in packages)
        methods.insert(0, f"griffe {version('griffelib')}: signatures only, no behaviour; packages {names}")
    if not methods:
        why = "; ".join(lost) or "no package is published here; name packages in [changes] packages"
        return Answer("not_checked", noun=_NOUN, why=why, settled=not lost)
    firm, weak = (tuple(dict.fromkeys(fact for fact, mild in breaks if mild is kind)) for kind in (False, True))
    why, method = "; ".join(lost), "; ".join(methods)
    if firm:
        return Answer("fail", firm, examined, _NOUN, why or None, method=method)
    if why or weak:
        return Answer("not_checked", weak, examined, _NOUN, why or "may break nothing", method=method)
    if not examined:
        return Answer("not_checked", (), 0, _NOUN, "no public module is there", settled=True, method=method)
    return Answer("pass", (), examined, _NOUN, method=method)


def _by_pattern(snapshots: Snapshots) -> tuple[list[Fact], int, list[str], list[str]]:
    """Return what packages in other languages lose, how many files that is of, how it was found, and what was not."""
    trees = (snapshots.base_tree, snapshots.head_tree)
    packages = [go_packages(snapshots, tree) for tree in trees]
    entries = [published_entries(snapshots, tree) for tree in trees]
    exported = {file for side in entries for one in side.values() for file in one.files.values() if file}
    source = {blob.path for side in packages for blobs in side.values() for blob in blobs}
    unknown = untold(snapshots, *entries)
    exported -= {*unknown}
    found = [*gone_exports(snapshots, *packages), *gone_names(snapshots, *entries)]
    methods = ["exported names of Go packages by pattern"] if source else []
    methods += ["names that package.json entry points export by pattern"] if exported else []
    return found, len(source) + len(exported), methods, unknown


def _compared(snapshots: Snapshots, package: Package) -> tuple[list[tuple[Fact, bool]], list[str]]:
    """Return the facts of a package, each with whether it may break nothing, and what could not be compared."""
    if package.base and not package.head:
        first = package.base.get(package.name) or next(iter(package.base.values()))
        return [(Fact(first.path, None, package.name, "object_removed", "package"), False)], []
    changed = {
        name
        for name in {*package.base, *package.head}
        if not is_aside(name)
        and getattr(package.base.get(name), "object_id", None) != getattr(package.head.get(name), "object_id", None)
    }
    if not changed or not package.base:
        return [], []
    lost: list[str] = []
    if len(changed) > _MOST_CHANGED:  # what callers import first, the names nearest to the top
        ordered = sorted(changed, key=lambda name: (is_internal(name), name.count("."), name))
        lost.append(f"of {package.name}, {len(changed) - _MOST_CHANGED} of {len(changed)} changed modules not compared")
        changed = set(ordered[:_MOST_CHANGED])
    names = changed | _passing_on(snapshots, package, changed)
    snapshots.load(blob for side in (package.base, package.head) for name in names if (blob := side.get(name)))
    sides = [Modules(snapshots, package.name, files) for files in (package.base, package.head)]
    for side in sides:
        side.load(sorted(names))
    facts: list[tuple[Fact, bool]] = []
    comparison = Comparison(*sides)
    for name in sorted(names, key=lambda one: (one.count("."), one)):
        if is_internal(name) or name not in package.base:
            continue
        old, new = (side.get(name) for side in sides)
        if name not in package.head:
            if not any(other.startswith(name + ".") for other in package.head):
                facts.append((Fact(package.base[name].path, None, name, "object_removed", "module"), False))
            continue
        if old is None or new is None or any(side.files[name].path in side.unread for side in sides):
            continue
        try:
            facts += [(_fact(one, sides), one.found.weak) for one in comparison.modules(old, new)]
        except Exception as error:  # noqa: BLE001 - hostile code makes a model raise anything; that module is unknown
            lost.append(f"{package.head[name].path} could not be compared: {type(error).__name__}")
    unread = {
        blob.path for side in sides for name in changed if (blob := side.files.get(name)) and blob.path in side.unread
    }
    if unread:
        lost.append(f"could not be parsed: {', '.join(sorted(unread))}")
    return facts, lost


def _passing_on(snapshots: Snapshots, package: Package, changed: Iterable[str]) -> set[str]:
    """Return the modules whose names may be those of a changed one: its packages, and importers of a private one."""
    found = set()
    names = {blob.path: name for name, blob in package.head.items()}
    for name in changed:
        parts = name.split(".")
        found |= {".".join(parts[:count]) for count in range(1, len(parts))}
        if is_internal(name) and name in package.head:
            importers = snapshots.importers.get(package.head[name].path, ())
            found |= {names[path] for path in importers if path in names and not is_internal(names[path])}
    return found & {*package.head}


def _fact(one: Break, sides: list[Modules]) -> Fact:
    thing, found = one.thing, one.found
    if thing.is_alias:
        holder, line, noun = thing.parent, thing.alias_lineno, "name"
    else:
        holder, line = thing.module if not thing.is_module else thing, thing.lineno
        noun = str(thing.kind.value)
        method = noun == "function" and thing.parent is not None and thing.parent.is_class
        noun = "method" if method else noun
    path = holder.filepath.as_posix()
    if not thing.is_alias and thing.is_function:
        tree = sides[one.new].tree(thing)
        line = _line(tree, found.parameter, found.after if found.change == "exception_added" else None) or line
        if not line:  # made from the fields of a dataclass
            field = thing.parent.members.get(found.parameter)
            line = getattr(field, "lineno", None) or thing.parent.lineno
    what = one.what if found.parameter is None else f"{one.what}({found.parameter})"
    return Fact(path, line, what, found.change, noun, found.before, found.after, proven=found.proven)


def _line(
    function: ast.FunctionDef | ast.AsyncFunctionDef | None, parameter: str | None, text: str | None
) -> int | None:
    """Return the line of a parameter, of what is raised, or of the name itself below its decorators."""
    if function is None:
        return None
    if text is not None:
        wanted = text.removeprefix("raise ")
        raises = (node for node in ast.walk(function) if isinstance(node, ast.Raise) and node.exc is not None)
        return next((node.lineno for node in raises if wanted in ast.unparse(node)), function.lineno)
    arguments = _arguments(function)
    return next((one.lineno for one in arguments if one.arg == parameter), function.lineno)


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.arg]:
    given = function.args
    yield from (*given.posonlyargs, *given.args, *given.kwonlyargs)
    yield from filter(None, (given.vararg, given.kwarg))
