"""The environment variables that Python reads or sets: ``os.environ`` under any name, and the libraries over it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.environment.python.bindings import Names, literal
from stabkit.change.environment.python.django_settings import settings_asked
from stabkit.change.environment.python.pydantic_settings import settings_reads
from stabkit.change.environment.uses import REQUIRED, Use, Uses
from stabkit.change.python_code import dotted

__all__ = ["may_read", "python_uses"]

_HINT: Final = re.compile(
    rb"environ|getenv|putenv|expandvars|BaseSettings|SettingsConfigDict|from_envvar|from_prefixed|[dD]ynaconf|LazySettings|decouple|env_?var|[eE]nv\(|[eE]nv\.|import[^\n]*\benv\b|django\.conf|starlette\.config|_env\w*\("
)
_WORDS: Final = (b"env", b"Env", b"Settings", b"decouple", b"expandvars", b"ynaconf", b"django.conf")

_READERS: Final = frozenset(
    f"os.{name}" for name in ("getenv", "getenvb", "environ.get", "environ.setdefault", "environ.pop", "environb.get")
)
_WHOLE: Final = frozenset({"os.environ.items", "os.environ.keys", "os.environ.values"})
_MAKERS: Final = re.compile(
    r"^(environs\.(Env|FileAwareEnv)|environ\.(Env|FileAwareEnv)|envparse\.(Env|env)|decouple\.(Config|AutoConfig)|starlette\.config\.Config)$"
)
_TYPES: Final = """
str bool int float json list tuple dict url db db_url cache cache_url email email_url search_url path date datetime time
timedelta uuid log_level enum decimal bytes channels channels_url unicode get get_value
dj_db_url dj_email_url dj_cache_url
"""
_METHODS: Final = frozenset(_TYPES.split())
_IMPLIED: Final = {"db": "DATABASE_URL", "cache": "CACHE_URL", "email": "EMAIL_URL", "search": "SEARCH_URL"}
_AUTOMATIC: Final = ("auto_envvar_prefix", "auto_env_var_prefix")
_UPPER: Final = re.compile(r"[A-Z][A-Z0-9_]+")
_EXPANDS: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_WRAPPER: Final = re.compile(r"env", re.IGNORECASE)


def may_read(content: bytes) -> bool:
    r"""Say whether a Python file holds what stands in every one that reads or sets a variable.

    Examples
    --------
    >>> may_read(b"import os\nos.environ"), may_read(b"x = 1")
    (True, False)
    """
    return any(word in content for word in _WORDS) and _HINT.search(content) is not None


def python_uses(tree: ast.Module) -> Uses:
    """Return what a Python file does with variables; nothing of it is imported."""
    names = Names(tree)
    uses = Uses(reads=[*settings_reads(names), *settings_asked(names)])
    _Reader(names, uses).walk(tree, "", frozenset(), None)
    return uses


class _Reader:
    def __init__(self, names: Names, uses: Uses) -> None:
        self.names = names
        self.uses = uses
        self.schemes: dict[str, str | None] = {}
        for node in names.nodes:
            if isinstance(node, ast.Call) and _MAKERS.match(names.resolved(node.func)):
                self._scheme(node)
        self.wrappers = dict(self._wrappers())

    def walk(self, node: ast.AST, prefix: str, hidden: frozenset[str], fallback: ast.expr | None) -> None:
        """Look at a node and what it holds, within the prefix that a ``with`` of environs sets around it."""
        waiting: list[tuple[ast.AST, str, frozenset[str], ast.expr | None]] = [(node, prefix, hidden, fallback)]
        while waiting:
            node, prefix, hidden, fallback = waiting.pop()
            if isinstance(node, ast.With | ast.AsyncWith):
                prefix += "".join(_prefixed(item.context_expr) for item in node.items)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                hidden |= self._hiding(node)
            if isinstance(node, ast.Call):
                self._call(node, prefix, hidden, fallback)
            elif isinstance(node, ast.Subscript):
                self._subscript(node, prefix, hidden, fallback)
            elif (
                isinstance(node, ast.Compare)
                and isinstance(node.ops[0], ast.In | ast.NotIn)
                and self._is_environ(node.comparators[0], hidden)
            ):
                self._read(node.left, node.lineno, None, hidden)
            inner: ast.expr | None = None
            if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
                inner = node.values[-1]
            waiting += [
                (child, prefix, hidden, inner if inner is not None and child is not inner else None)
                for child in ast.iter_child_nodes(node)
            ]

    def _hiding(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
        """Return the parameters that are no environment, whatever the file calls so elsewhere."""
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args]
        plain = every[: len(every) - len(arguments.defaults)]
        plain += [a for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is None]
        body = node.body if isinstance(node.body, list) else []
        own = {
            dotted(t)
            for s in body
            for t in getattr(s, "targets", ())
            if self.names.is_environ(getattr(s, "value", None))
        }
        return frozenset(argument.arg for argument in plain) - own

    def _is_environ(self, node: ast.expr, hidden: frozenset[str]) -> bool:
        return dotted(node).partition(".")[0] not in hidden and self.names.is_environ(node)

    def _subscript(self, node: ast.Subscript, prefix: str, hidden: frozenset[str], fallback: ast.expr | None) -> None:
        made = self.names.made.get(dotted(node.value), "")
        if not self._is_environ(node.value, hidden) and not _MAKERS.match(made):
            return
        if isinstance(node.ctx, ast.Load):
            default = REQUIRED if fallback is None else literal(fallback)
            self._read(node.slice, node.lineno, default, hidden, prefix=prefix)
        elif isinstance(node.ctx, ast.Store) and (self.names.resolved(node.value).startswith("os.environ")):
            self._set(node.slice, node.lineno, None)

    def _call(self, node: ast.Call, prefix: str, hidden: frozenset[str], fallback: ast.expr | None) -> None:
        called = self.names.resolved(node.func)
        first = node.args[0] if node.args else _keyword(node, "key")
        if dotted(node.func).partition(".")[0] in hidden:
            called = ""
        if called in _READERS:
            default = literal(_argument(node, 1, "default"))
            self._read(first, node.lineno, literal(fallback) if default is None else default, hidden)
        elif called == "os.environ.__getitem__":
            self._read(first, node.lineno, REQUIRED, hidden)
        elif called in _WHOLE:
            self.uses.dynamic.append(Use(f"{called}()", node.lineno))
        elif called == "os.putenv":
            self._set(first, node.lineno, node.args[1] if len(node.args) > 1 else None)
        elif called == "os.environ.update":
            for keyword in node.keywords:
                if keyword.arg:
                    self.uses.sets.append(Use(keyword.arg, node.lineno, literal(keyword.value)))
        elif called == "os.path.expandvars" and isinstance(first, ast.Constant):
            found = _EXPANDS.findall(str(first.value))
            self.uses.reads += [Use(braced or plain, node.lineno) for braced, plain in found]
        elif called.endswith((".from_envvar", ".config_from_envvar")):
            self._read(first, node.lineno, REQUIRED, hidden)
        elif (dotted(node.func) or called) in self.wrappers:
            self._wrapped(node, self.wrappers[dotted(node.func) or called])
        else:
            self._library(node, called, prefix, first)
        self._options(node)

    def _library(self, node: ast.Call, called: str, prefix: str, first: ast.expr | None) -> None:
        """Look at a call of environs, django-environ, decouple or starlette, or of a function named after them."""
        owner, _, method = dotted(node.func).rpartition(".")
        texts = self.names.texts(first)
        if _MAKERS.match(called):
            return
        if called.endswith((".from_prefixed_env", "Dynaconf", "LazySettings")):
            named = _keyword(node, "envvar_prefix", "prefix") or first
            text = "_, ".join(self.names.texts(named) or ["FLASK" if "prefixed" in called else "DYNACONF"])
            self.uses.dynamic.append(Use(f"{text}_*", node.lineno))
            return
        makers = {self.names.made.get(name, self.names.imported.get(name, "")) for name in (owner, dotted(node.func))}
        own = any(_MAKERS.match(maker) for maker in makers) or called in ("decouple.config", "environs.env")
        own = own or called.startswith(("environs.env.", "envparse.env"))
        known = own and (not owner or method in _METHODS or owner not in self.names.made)
        if not known and not self._looks_like(owner, method, texts):
            return
        if texts is None and first is None and method.removesuffix("_url") in _IMPLIED:
            texts = [_IMPLIED[method.removesuffix("_url")]]
        if texts is None:
            if own and first is not None:
                self.uses.dynamic.append(Use(literal(first) or "", node.lineno))
            return
        given = _keyword(node, "default", "subcast_default")
        second = node.args[1] if len(node.args) > 1 else None
        cast = isinstance(second, ast.Name) and second.id in ("str", "int", "bool", "float")
        given = given if given is not None or cast else second
        for text in texts:
            default = literal(given) if given is not None else self.schemes.get(text, REQUIRED)
            self.uses.reads.append(Use(prefix + text, node.lineno, default, own))

    def _looks_like(self, owner: str, method: str, texts: list[str] | None) -> bool:
        """Say whether it is a read through a thing that another file made: ``from .base import env``."""
        if not texts or not all(map(_UPPER.fullmatch, texts)):
            return False
        name = owner or method
        if name not in self.names.imported:
            return False
        return (name == "env" and (not owner or method in _METHODS)) or (not owner and bool(_WRAPPER.search(name)))

    def _options(self, node: ast.Call) -> None:
        """Look at the options of click and typer, which fall back to a variable."""
        named = _keyword(node, "envvar", "env_var")
        values = named.elts if isinstance(named, ast.List | ast.Tuple) else [named] if named is not None else []
        default = _keyword(node, "default")
        head = node.args[0] if node.args else None
        # The first argument of typer is the default, the one of click the name.
        typed = dotted(node.func).rpartition(".")[2] in ("Option", "Argument")
        if default is None and typed and not (literal(head) or "-").startswith("-") and literal(head) != "...":
            default = head
        for value in values:
            if isinstance(value, ast.Constant) and value.value is None:
                continue
            for text in self.names.texts(value) or ():
                self.uses.reads.append(Use(text, node.lineno, literal(default)))
        automatic = _keyword(node, *_AUTOMATIC)
        context = _keyword(node, "context_settings")
        if isinstance(context, ast.Dict):
            pairs = zip(context.keys, context.values, strict=True)
            automatic = next((value for key, value in pairs if getattr(key, "value", None) in _AUTOMATIC), automatic)
        if automatic is not None:
            text = (self.names.texts(automatic) or [literal(automatic) or ""])[0]
            self.uses.dynamic.append(Use(f"{text}_*", node.lineno))

    def _read(
        self, node: ast.expr | None, line: int, default: str | None, hidden: frozenset[str], *, prefix: str = ""
    ) -> None:
        texts = self.names.texts(node)
        if texts is not None:
            self.uses.reads += [Use(prefix + text, line, default) for text in texts]
        elif node is not None and not (isinstance(node, ast.Name) and node.id in hidden and self.wrappers):
            self.uses.dynamic.append(Use(literal(node) or "", line))

    def _set(self, node: ast.expr | None, line: int, value: ast.expr | None) -> None:
        self.uses.sets += [Use(text, line, literal(value)) for text in self.names.texts(node) or ()]

    def _wrappers(self) -> Iterator[tuple[str, tuple[int, int | None]]]:
        """Yield the functions of this file that read the variable whose name they are given, and where it stands."""
        for node in self.names.nodes:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            arguments = [a.arg for a in [*node.args.posonlyargs, *node.args.args]]
            for inner in ast.walk(node):
                key: ast.expr | None = None
                if isinstance(inner, ast.Call) and self.names.resolved(inner.func) in _READERS and inner.args:
                    key = inner.args[0]
                elif isinstance(inner, ast.Subscript) and self.names.is_environ(inner.value):
                    key = inner.slice
                if isinstance(key, ast.Name) and key.id in arguments:
                    bound = 1 if arguments[0] in ("self", "cls") else 0
                    others = [n for n, a in enumerate(arguments) if "default" in a or a in ("fallback", "otherwise")]
                    yield node.name, (arguments.index(key.id) - bound, others[0] - bound if others else None)
                    break

    def _wrapped(self, node: ast.Call, places: tuple[int, int | None]) -> None:
        place, default_place = places
        texts = self.names.texts(node.args[place]) if 0 <= place < len(node.args) else None
        given = _keyword(node, "default")
        if given is None and default_place is not None and default_place < len(node.args):
            given = node.args[default_place]
        self.uses.reads += [Use(text, node.lineno, literal(given)) for text in texts or ()]

    def _scheme(self, node: ast.Call) -> None:
        """Take the defaults that django-environ is given at once: ``Env(DEBUG=(bool, False))``."""
        for keyword in node.keywords:
            if keyword.arg and _UPPER.fullmatch(keyword.arg):
                pair = keyword.value
                default = literal(pair.elts[1]) if isinstance(pair, ast.Tuple) and len(pair.elts) > 1 else REQUIRED
                self.schemes[keyword.arg] = default
                self.uses.reads.append(Use(keyword.arg, keyword.value.lineno, default))


def _prefixed(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and dotted(node.func).endswith(".prefixed") and node.args:
        first = node.args[0]
        return str(first.value) if isinstance(first, ast.Constant) else ""
    return ""


def _keyword(node: ast.Call, *names: str) -> ast.expr | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg in names), None)


def _argument(node: ast.Call, place: int, name: str) -> ast.expr | None:
    return node.args[place] if len(node.args) > place else _keyword(node, name)
