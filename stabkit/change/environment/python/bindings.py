"""What the names of a Python file stand for: the environment, a constant, a reader of settings; by syntax alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from stabkit.change.python_code import dotted

__all__ = ["Names", "literal"]

_ENVIRON: Final = frozenset({"os.environ", "os.environb"})
_LONGEST: Final = 200
_MOST_NAMES: Final = 200
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def literal(node: ast.expr | None) -> str | None:
    """Return an expression as the default that it is; a text without its quotes, None for no default."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    try:
        return ast.unparse(node)[:_LONGEST]
    except (RecursionError, ValueError):
        return "…"


class Names:
    """The names that one file gives to things of other modules and to constant texts.

    Attributes
    ----------
    imported : dict of str to str
        Local name -> where it comes from: ``g`` -> ``os.getenv``.
    constants : dict of str to list of str
        Name, dotted within a class -> the texts that it may hold.
    made : dict of str to str
        Name -> what it was called to be: ``env`` -> ``environs.Env``.
    environ : set of str
        Names that stand for ``os.environ``, or a copy of it.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.nodes = list(ast.walk(tree))
        self.imported: dict[str, str] = {}
        self.constants: dict[str, list[str]] = {}
        self.made: dict[str, str] = {}
        self.environ: set[str] = set()
        self.parameters: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.imported[alias.asname or whole] = whole
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                self.imported |= {a.asname or a.name: f"{module}.{a.name}" for a in node.names}
        self._constants_of(tree.body, "")
        for node in self.nodes:
            if isinstance(node, ast.For | ast.comprehension) and isinstance(node.target, ast.Name):
                self._loop(node.target.id, node.iter)
            elif isinstance(node, Function):
                self._parameters_of(node)
        for _ in range(2):  # a name may be given to a name that stands further down
            for node in self.nodes:
                self._assigned(node)

    def resolved(self, node: ast.expr | None) -> str:
        """Return the full name of a dotted expression: ``o.environ.get`` as ``os.environ.get``."""
        name = dotted(node)
        if not name:
            return ""
        if name in self.environ:
            return "os.environ"
        first, dot, rest = name.partition(".")
        whole = self.imported.get(first, first) + dot + rest
        owner, _, method = name.rpartition(".")
        return f"os.environ.{method}" if owner in self.environ else whole

    def is_environ(self, node: ast.expr | None) -> bool:
        """Say whether an expression is the process's environment, or holds all of it."""
        if isinstance(node, ast.BoolOp):
            return any(map(self.is_environ, node.values))
        if isinstance(node, ast.IfExp):
            return self.is_environ(node.body) or self.is_environ(node.orelse)
        if isinstance(node, ast.BinOp):
            return self.is_environ(node.left) or self.is_environ(node.right)
        if isinstance(node, ast.Dict):
            return any(self.is_environ(v) for k, v in zip(node.keys, node.values, strict=True) if k is None)
        if isinstance(node, ast.Call):
            called = self.resolved(node.func)
            return called == "os.environ.copy" or (
                called in ("dict", "copy.copy", "copy.deepcopy") and any(map(self.is_environ, node.args))
            )
        return self.resolved(node) in _ENVIRON

    def texts(self, node: ast.expr | None) -> list[str] | None:
        """Return the texts that an expression may be; None where only a run can tell."""
        if isinstance(node, ast.Constant):
            value = node.value.decode("utf-8", "replace") if isinstance(node.value, bytes) else node.value
            return [value] if isinstance(value, str) else None
        if isinstance(node, ast.Name | ast.Attribute):
            name = dotted(node)
            known = self.constants.get(name) or self.constants.get(name.removeprefix("self.").removeprefix("cls."))
            return known if known and name not in self.parameters else None
        if isinstance(node, ast.JoinedStr):
            return self._product([part.value if isinstance(part, ast.FormattedValue) else part for part in node.values])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._product([node.left, node.right])
        if isinstance(node, ast.IfExp):
            body, other = self.texts(node.body), self.texts(node.orelse)
            return None if body is None or other is None else body + other
        return None

    def _product(self, parts: list[ast.expr]) -> list[str] | None:
        found = [""]
        for part in parts:
            texts = self.texts(part)
            if texts is None:
                return None
            found = [start + text for start in found for text in texts][:_MOST_NAMES]
        return found

    def _constants_of(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                self._constants_of(node.body, f"{prefix}{node.name}.")
                continue
            for target, value in _assignments(node):
                texts = self.texts(value)
                if texts and isinstance(target, ast.Name):
                    names = (
                        (target.id, f"{prefix}{target.id}", f"{prefix}{target.id}.value") if prefix else (target.id,)
                    )
                    for name in names:
                        self.constants.setdefault(name, []).extend(texts)

    def _loop(self, name: str, over: ast.expr) -> None:
        if isinstance(over, ast.Tuple | ast.List | ast.Set):
            texts = [self.texts(item) for item in over.elts]
            if texts and all(texts):
                self.constants.setdefault(name, []).extend(text for several in texts for text in several or ())

    def _parameters_of(self, node: Function) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args]
        defaults: list[ast.expr | None] = [None] * (len(every) - len(arguments.defaults)) + list(arguments.defaults)
        pairs = [*zip(every, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
        for argument, default in pairs:
            if default is not None and self.is_environ(default):
                self.environ.add(argument.arg)
            elif argument.arg not in self.imported or default is None:
                self.parameters.add(argument.arg)

    def _assigned(self, node: ast.AST) -> None:
        for target, value in _assignments(node):
            name = dotted(target)
            if not name:
                continue
            if self.is_environ(value):
                self.environ.add(name)
            elif isinstance(value, ast.Call):
                self.made.setdefault(name, self.resolved(value.func))


def _assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield node.target, node.value
