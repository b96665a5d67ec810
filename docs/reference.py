"""The reference of the public Python names, as Markdown, from their docstrings.

``docs/build.py`` makes a page of each public module. Functions are shown with their parameters, results, errors and
examples; what a function returns is shown below with its public methods, found by its annotation.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import griffe

import stabkit

MODULES = {
    "stabkit": "What `import stabkit` offers. Names are loaded on first use.",
    "stabkit.plot": "The charts of the reports, for axes of your own.",
    "stabkit.readers": "What the author of a reader needs, and how a program reads files.",
}
_ROLE = re.compile(r":[a-z]+:`[~.]?([^`]+)`")
_ITEMS = {"parameters": "Parameters", "attributes": "Attributes", "returns": "Returns", "raises": "Raises"}


def page(module: str) -> str:
    """Return the reference of a module's public names as Markdown."""
    found = importlib.import_module(module)
    public = [(name, getattr(found, name)) for name in sorted(found.__all__, key=str.lower) if name[0] != "_"]
    entries = [_entry(f"{module}.{name}", value) for name, value in public]
    listed = {id(value) for _, value in public}
    returned = {cls.__name__: cls for _, value in public for cls in _returned(value) if id(cls) not in listed}
    parts = [f"# {module}", MODULES[module], *entries]
    if returned:
        parts += ["## What they return", *(_result(returned[name]) for name in sorted(returned))]
    return "\n\n".join(parts) + "\n"


def _entry(title: str, value: Any) -> str:
    head = f"## {title}\n\n{_signature(title.rpartition('.')[2], value)}"
    if inspect.isclass(value):
        return f"{head}{_docstring(value)}\n\n{_methods(value)}".rstrip()
    return f"{head}{_docstring(value)}"


def _result(cls: type) -> str:
    return f"### {cls.__name__}\n\n{_docstring(cls, brief=True)}\n\n{_methods(cls)}".rstrip()


def _signature(name: str, value: Any) -> str:
    if not callable(value) or getattr(value, "_is_protocol", False):
        return ""
    signature = inspect.signature(value)
    told = [str(one.replace(annotation=inspect.Parameter.empty)) for one in signature.parameters.values()]
    kinds = [one.kind for one in signature.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds:
        told.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    return f"```python\n{name}({', '.join(told)})\n```\n\n"


def _returned(value: Any) -> Iterator[type]:
    """Yield our own class that a function returns, also within a list."""
    if not inspect.isfunction(value):
        return
    stated = str(value.__annotations__.get("return", ""))
    for name in re.findall(r"[A-Z]\w+", stated):
        for place in (inspect.getmodule(value), *map(importlib.import_module, _faces(value.__module__))):
            cls = getattr(place, name, None)
            if inspect.isclass(cls) and cls.__module__.startswith("stabkit."):
                yield cls
                break


def _faces(module: str) -> list[str]:
    """Return the packages around a module: what it names for its types alone is a name of one of them."""
    parts = module.split(".")
    return [*(".".join(parts[:length]) for length in range(len(parts) - 1, 1, -1)), "stabkit.store", "stabkit.config"]


def _methods(cls: type) -> str:
    """Return a table of the public methods and properties that the class itself or a class of ours defines."""
    rows = []
    for name in dir(cls):
        owner = next((one for one in cls.__mro__ if name in vars(one)), object)
        if name.startswith("_") or not owner.__module__.startswith("stabkit"):
            continue
        value = inspect.getattr_static(cls, name)
        value = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        text = inspect.getdoc(value) if isinstance(value, property) or inspect.isfunction(value) else None
        if text:
            shown = name if isinstance(value, property) else f"{name}{_called(value)}"
            rows.append(f"| `{_cell(shown)}` | {_cell(_plain(text.partition(chr(10) * 2)[0]))} |")
    return "\n".join(["| name | what it is or does |", "|---|---|", *rows]) if rows else ""


def _called(function: Any) -> str:
    names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    return f"({', '.join(names)})"


def _docstring(value: Any, *, brief: bool = False) -> str:
    text = inspect.getdoc(value) or ""
    parts = []
    for section in griffe.Docstring(text, lineno=1).parse("numpy", warnings=False, warn_missing_types=False):
        kind = section.kind.value
        if kind == "text":
            parts.append(_plain(section.value))
        elif kind in _ITEMS and not brief:
            parts.append(f"**{_ITEMS[kind]}**\n\n" + "\n".join(_item(one) for one in section.value))
        elif kind == "examples":
            parts += [_example(*one) for one in section.value]
        elif kind == "admonition" and not brief:
            parts.append(f"**{section.title}** {_plain(section.value.contents)}")
    return "\n\n".join(parts)


def _item(item: Any) -> str:
    named = f"`{item.name}`" if getattr(item, "name", "") else ""
    kind = f"*{_plain(str(item.annotation))}*" if item.annotation else ""
    text = " ".join(_plain(item.description).split())
    return f"- {' '.join(part for part in (named, kind) if part)}" + (f": {text}" if text else "")


def _example(kind: Any, text: str) -> str:
    return _plain(text) if kind.value == "text" else f"```python\n{text.rstrip()}\n```"


def _plain(text: str) -> str:
    """Return text of a docstring as Markdown.

    Examples
    --------
    >>> _plain("As :func:`stabkit.open` does, with ``path``.")
    'As `stabkit.open` does, with `path`.'
    """
    return _ROLE.sub(lambda found: f"`{_public(found[1])}`", text).replace("``", "`")


def _public(name: str) -> str:
    """Return a name as users write it, wherever it is defined."""
    last = name.rpartition(".")[2]
    return f"stabkit.{last}" if last in stabkit.__all__ else name


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
