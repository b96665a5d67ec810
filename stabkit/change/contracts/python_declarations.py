"""What one Python file declares to its web framework, read from its syntax tree."""

from __future__ import annotations

import ast
import re
from typing import Final

from stabkit.change.contracts.python_routes import FROM, Declarations, Node
from stabkit.change.python_code import dotted

__all__ = ["declarations"]

_VERBS: Final = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
_ROUTERS: Final = ("route", "api_route", "websocket", "websocket_route", *_VERBS)
_ADDED: Final = ("add_url_rule", "add_api_route", "add_route", "add_websocket_route", "add_api_websocket_route", "rule")
_STARLETTE: Final = ("Route", "WebSocketRoute", "APIRoute", "Rule")
_DJANGO: Final = ("path", "re_path", "url")
# Decorators of tests: what is put in the place of a function, or answers in the place of a server.
_STAND_INS: Final = re.compile(r"(^|\.|_)(mock|mocker|responses|respx|httpretty|pytest_httpx)(\.|$)|^monkeypatch$")
_MOUNTS: Final = ("include_router", "register_blueprint", "mount", "add_subapp", "add_routes", "blueprint", "register")


def declarations(path: str, tree: ast.Module) -> Declarations:
    """Return what one file declares."""
    found = Declarations()
    _Reader(found, path, tree).read()
    return found


class _Reader:
    """The declarations of one file."""

    def __init__(self, found: Declarations, path: str, tree: ast.Module) -> None:
        self.found, self.path, self.tree = found, path, tree
        self.module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self.imports: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        self.spoken: set[str] = set()  # names that stand for a method of a router

    def read(self) -> None:
        for statement in self.tree.body:
            self._import(statement)
        for statement in self.tree.body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                name, value = dotted(statement.targets[0]), self._text(statement.value)
                if name and value is not None:
                    self.constants[name] = value
        self._statements(self.tree.body, "urlpatterns")

    def _import(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import):
            self.imports |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom):
            package = self.module if self.path.endswith("/__init__.py") else self.module.rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            self.imports |= {one.asname or one.name: f"{start}.{one.name}".lstrip(".") for one in node.names}

    def _statements(self, body: list[ast.stmt], holder: str) -> None:
        for statement in body:
            self._import(statement)
            target = holder
            if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
                first = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
                target = dotted(first) or holder
                self._alias(target, statement.value)
                if isinstance(statement.value, ast.Call):
                    self._router(target, statement.value)
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for decorator in statement.decorator_list:
                    if isinstance(decorator, ast.Call):
                        self._decorator(decorator, isinstance(statement, ast.ClassDef))
                self._statements(statement.body, holder)
                continue
            for name in ("body", "orelse", "finalbody"):
                inner = getattr(statement, name, None)
                if isinstance(inner, list) and inner and isinstance(inner[0], ast.stmt):
                    self._statements(inner, holder)
            for handler in getattr(statement, "handlers", ()):
                self._statements(handler.body, holder)
            for node in ast.iter_child_nodes(statement):
                if isinstance(node, ast.expr):
                    self._expression(node, (self.module, target), "")

    def _alias(self, target: str, value: ast.expr | None) -> None:
        """Note a name that stands for a method of a router: ``rule = api.add_url_rule``."""
        owner, _, method = dotted(value).rpartition(".") if isinstance(value, ast.Attribute) else ("", "", "")
        if owner and method in (*_ADDED, *_ROUTERS):
            self.spoken.add(target)
            self.found.mounts.append(((self.module, owner.removesuffix(".router")), f"local:{target}", "", self.module))

    def _said(self, name: str, holder: Node) -> Node:
        """Return the router of a function that is called by its own name: where that name was made, if it was."""
        if name in self.spoken:
            return self.module, name
        known = self.imports.get(name)
        return holder if known is None else (self.module, f"{FROM}{known}")

    def _router(self, target: str, call: ast.Call) -> None:
        """Note the prefix that a router gives itself."""
        for keyword in call.keywords:
            if keyword.arg in ("prefix", "url_prefix", "root_path") and (text := self._text(keyword.value)) is not None:
                self.found.prefixes[self.module, target] = text

    def _decorator(self, call: ast.Call, of_class: bool) -> None:  # noqa: FBT001
        owner, _, verb = dotted(call.func).rpartition(".")
        if verb not in _ROUTERS or (of_class and verb not in ("route",)):
            return
        path = self._argument(call, 0, "path", "rule", "uri")
        if path is None or (path and not path.startswith(("/", "<")) and not owner):
            return
        first = owner.partition(".")[0]
        if "://" in path or _STAND_INS.search(self.imports.get(first, first)):
            return
        node = (self.module, owner) if owner else self._said(verb, (self.module, owner))
        self._add(node, path, self._methods(call, verb), call.lineno)

    def _expression(self, node: ast.expr, holder: Node, prefix: str) -> None:
        if isinstance(node, ast.Call):
            self._call(node, holder, prefix)
            return
        if isinstance(node, ast.Tuple) and len(node.elts) >= 2:
            path = self._text(node.elts[0])
            if path is not None and path.startswith(("/", "^/")) and dotted(node.elts[1]).endswith("Handler"):
                self._add(holder, prefix + path, frozenset(["ANY"]), node.lineno)
                return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child, holder, prefix)

    def _call(self, call: ast.Call, holder: Node, prefix: str) -> None:
        name = dotted(call.func)
        owner, _, last = name.rpartition(".")
        router: Node = (self.module, owner.removesuffix(".router")) if owner else holder
        if last in _DJANGO and not owner and len(call.args) >= 2:
            self._django(call, holder, prefix)
        elif last in _STARLETTE and (path := self._argument(call, 0, "path", "string")) is not None:
            self._add(
                holder,
                f"{prefix}/{path}",
                self._methods(call, "websocket" if "WebSocket" in last else last),
                call.lineno,
            )
        elif last == "Mount" and (path := self._argument(call, 0, "path")) is not None:
            self._mounted(call, holder, f"{prefix}/{path}")
        elif last in _ADDED:
            self._added(call, self._said(last, holder) if not owner else router if last != "rule" else holder, last)
        elif last.startswith("add_") and last[4:] in _VERBS and (path := self._argument(call, 0, "path")) is not None:
            self._add(router, path, frozenset([last[4:].upper()]), call.lineno)
        elif (
            owner.endswith("web")
            and last in (*_VERBS, "view")
            and (path := self._argument(call, 0, "path")) is not None
        ):
            self._add(holder, path, frozenset([last.upper() if last != "view" else "ANY"]), call.lineno)
        elif last == "add_resource":
            for argument in call.args[1:]:
                if (text := self._text(argument)) is not None and text.startswith("/"):
                    self._add(router, text, frozenset(["ANY"]), call.lineno)
        elif last in _MOUNTS and owner:
            self._mount(call, router, last)
        else:
            for child in (*call.args, *(keyword.value for keyword in call.keywords)):
                self._expression(child, holder, prefix)

    def _django(self, call: ast.Call, holder: Node, prefix: str) -> None:
        path = self._text(call.args[0])
        if path is None:
            return
        whole = f"{prefix}/{path.lstrip('^')}"
        target = call.args[1]
        if isinstance(target, ast.Call) and dotted(target.func).rpartition(".")[2] == "include" and target.args:
            self._included(target.args[0], holder, whole.removesuffix("$"))
        else:
            self._add(holder, whole, frozenset(["ANY"]), call.lineno)

    def _included(self, argument: ast.expr, holder: Node, prefix: str) -> None:
        if isinstance(argument, ast.Tuple) and argument.elts:
            argument = argument.elts[0]
        text = self._text(argument)
        if text is not None:
            self.found.mounts.append((holder, f"{text}.urlpatterns", prefix, self.module))
        elif isinstance(argument, ast.List):
            for child in argument.elts:
                self._expression(child, holder, prefix)
        elif name := dotted(argument).removesuffix(".urls"):
            self.found.mounts.append((holder, self._reference(name), prefix, self.module))

    def _mounted(self, call: ast.Call, holder: Node, prefix: str) -> None:
        for keyword in call.keywords:
            if keyword.arg == "routes":
                self._expression(keyword.value, holder, prefix)
        target = (
            call.args[1]
            if len(call.args) > 1
            else next((k.value for k in call.keywords if k.arg in ("app", "routes")), None)
        )
        name = dotted(target)
        if name:
            self.found.mounts.append((holder, self._reference(name), prefix, self.module))
        elif target is not None and not isinstance(target, ast.List):
            self._add(holder, f"{prefix}/*", frozenset(["ANY"]), call.lineno)

    def _added(self, call: ast.Call, router: Node, name: str) -> None:
        texts = [(number, text) for number, one in enumerate(call.args[:3]) if (text := self._text(one)) is not None]
        path = next((text for _, text in texts if text.startswith(("/", "<", "{"))), None)
        path = path if path is not None else self._argument(call, 9, "path", "rule", "uri")
        if path is None:
            return
        verb = next((text for number, text in texts if number == 0 and text.isalpha() and text.isupper()), None)
        methods = frozenset([verb]) if verb else self._methods(call, "websocket" if "websocket" in name else "route")
        self._add(router, path, methods, call.lineno)

    def _mount(self, call: ast.Call, router: Node, name: str) -> None:
        prefix = next(
            (text for key in ("prefix", "url_prefix", "path") if (text := self._keyword(call, key)) is not None), ""
        )
        arguments = [one for one in call.args if self._text(one) is None]
        texts = [text for one in call.args if (text := self._text(one)) is not None]
        if name == "register":
            if texts and arguments:  # of a REST framework's router
                self._add(router, texts[0], frozenset(["ANY"]), call.lineno)
                return
            if not prefix and not self._blueprint(arguments):
                return
        for argument in arguments[:1]:
            if isinstance(argument, ast.List):
                self._expression(argument, router, "")
            elif reference := dotted(argument):
                self.found.mounts.append(
                    (router, self._reference(reference), prefix or next(iter(texts), ""), self.module)
                )

    def _blueprint(self, arguments: list[ast.expr]) -> bool:
        return any("blueprint" in dotted(one).lower() or dotted(one).lower().endswith("bp") for one in arguments)

    def _reference(self, name: str) -> str:
        first, dot, rest = name.partition(".")
        known = self.imports.get(first)
        return f"local:{name}" if known is None else known + dot + rest

    def _methods(self, call: ast.Call, verb: str) -> frozenset[str]:
        if "websocket" in verb:
            return frozenset(["WEBSOCKET"])
        if verb in _VERBS:
            return frozenset([verb.upper()])
        value = next((keyword.value for keyword in call.keywords if keyword.arg == "methods"), None)
        if isinstance(value, ast.List | ast.Tuple | ast.Set):
            texts = [self._text(one) for one in value.elts]
            return frozenset(text.upper() for text in texts if text) or frozenset(["ANY"])
        return frozenset(["GET"] if value is None and verb != "Rule" else ["ANY"])

    def _add(self, node: Node, path: str, methods: frozenset[str], line: int) -> None:
        self.found.routes.append((node, path, methods, self.path, line))

    def _argument(self, call: ast.Call, position: int, *names: str) -> str | None:
        if len(call.args) > position:
            return self._text(call.args[position])
        return next((text for name in names if (text := self._keyword(call, name)) is not None), None)

    def _keyword(self, call: ast.Call, name: str) -> str | None:
        return next((self._text(keyword.value) for keyword in call.keywords if keyword.arg == name), None)

    def _text(self, node: ast.expr | None) -> str | None:
        """Return a text that stands there, or that a constant of the module holds; what is computed in it is ``{}``."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self.constants.get(node.id)
        if isinstance(node, ast.JoinedStr):
            parts = [
                self._text(one.value) or "{}" if isinstance(one, ast.FormattedValue) else self._text(one)
                for one in node.values
            ]
            return "".join(part or "" for part in parts)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._text(node.left), self._text(node.right)
            return None if left is None and right is None else (left or "") + (right or "")
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in ("_", "gettext_lazy") and node.args:
            return self._text(node.args[0])
        return None
