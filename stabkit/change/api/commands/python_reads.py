"""Options and arguments of Python commands, parsed: argparse, optparse, click, typer."""

from __future__ import annotations

import ast
import re
from typing import Final

from stabkit.change.api.commands.parameters import Parameter
from stabkit.change.python_code import dotted

__all__ = ["READS_OPTIONS", "python_options"]

READS_OPTIONS: Final = re.compile(
    rb"(?m)^[ \t]*(?:from|import)[ \t][^\n]*"
    rb"\b(?:argparse|optparse|click|typer|rich_click|asyncclick|configargparse|absl)\b"
    rb"|\.add_argument\(|\.add_option\("
)
"""What a module must hold to take options."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FLAGS: Final = ("store_true", "store_false", "store_const", "count", "append_const", "help", "version")


def python_options(path: str, tree: ast.Module) -> list[Parameter]:
    """Return the options, arguments and subcommands that a module sets up."""
    finder = _Finder(path, typer=any(_imports(node, "typer") for node in ast.walk(tree)))
    try:
        finder.visit(tree)
    except RecursionError:
        return []
    return finder.found


def _imports(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] == name for alias in node.names)
    return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == name


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, *, typer: bool) -> None:
        self.path = path
        self.typer = typer
        self.found: list[Parameter] = []
        self.around: list[str] = []
        self.parsers: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    @property
    def place(self) -> str:
        """The owner of what is in no command of its own: the function that sets it up."""
        return f"{self.path}:{'.'.join(self.around)}"

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._within(node.name, node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _within(self, name: str, node: ast.AST) -> None:
        self.around.append(name)
        self.generic_visit(node)
        self.around.pop()

    def _function(self, node: _Function) -> None:
        command = self._command(node)
        options = [one for one in node.decorator_list if isinstance(one, ast.Call) and _click_kind(one)]
        owner = command if command is not None else self.place + f".{node.name}"
        if command is not None and self.typer and not options:
            self._typer(node, command)
        for call in options:
            self._click(call, owner)
        self.around.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self.around.pop()

    def _command(self, node: _Function) -> str | None:
        """Return the name of the command that a decorator makes of a function."""
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            last = dotted(call.func if call else decorator).rpartition(".")
            if last[2] not in ("command", "group", "callback"):
                continue
            given = call.args[0] if call and call.args else _keyword(call, "name")
            said = given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None
            name = said or node.name.replace("_", "-").lower()
            if last[2] != "callback" or not self.typer:
                hidden = _keyword(call, "hidden")
                if not (isinstance(hidden, ast.Constant) and hidden.value):
                    self._add(last[0], name, decorator.lineno, noun="command", shown=name)
            return f"command {name}"
        return None

    def visit_Assign(self, node: ast.Assign) -> None:
        name = _subparser(node.value)
        if name:
            self.parsers |= {dotted(target): name for target in node.targets if dotted(target)}
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in ("add_argument", "add_option") and node.args:
            assert isinstance(node.func, ast.Attribute)
            inline = _subparser(node.func.value)
            own = inline or self.parsers.get(dotted(node.func.value))
            self._argparse(node, f"command {own}" if own else self.place)
        elif method == "add_parser" and (name := _subparser(node)):
            hidden = ast.unparse(help_) if (help_ := _keyword(node, "help")) is not None else ""
            if "SUPPRESS" not in hidden:
                self._add(self.place, name, node.lineno, noun="command", shown=name)
                for alias in _literals(_keyword(node, "aliases")) or ():
                    self._add(self.place, alias, node.lineno, noun="command", shown=alias, first=False)
        elif method in ("add_command", "add_typer") and node.args:
            self._registered(node)
        elif method.startswith("DEFINE_") and node.args:
            given = node.args[0]
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                default = ast.unparse(node.args[1]) if len(node.args) > 1 else None
                self._add(self.place, f"--{given.value}", node.lineno, default=default)
        elif _click_kind(node):
            self._click(node, self.place)
        self.generic_visit(node)

    def _registered(self, node: ast.Call) -> None:
        """Add a command that is made elsewhere and joined to a group here; by its variable where it is not named."""
        given = _keyword(node, "name") or (node.args[1] if len(node.args) > 1 else None)
        named = isinstance(given, ast.Constant) and isinstance(given.value, str)
        name = str(given.value) if isinstance(given, ast.Constant) and named else dotted(node.args[0])
        if name:
            self._add("joined commands", name, node.lineno, noun="command", shown=name, proven=named)

    def _add(self, owner: str, name: str, line: int, **facts: object) -> None:
        self.found.append(Parameter(owner, name, self.path, line, **facts))  # type: ignore[arg-type]

    def _place_of(self, owner: str) -> str:
        self.counts[owner] = self.counts.get(owner, 0) + 1
        return f"<{self.counts[owner]}>"

    def _named(self, owner: str, names: list[str], positional: str, line: int, **facts: object) -> None:
        """Add an option under each of its names, or an argument by its place."""
        prefix = f"{owner.removeprefix('command ')} " if owner.startswith("command ") else ""
        options = [part for name in names for part in name.split("/") if part.startswith("-")]
        options = [part.strip() for part in options]
        if not options:
            facts.setdefault("required", True)
            self._add(owner, self._place_of(owner), line, noun="argument", shown=prefix + positional, **facts)
            return
        chief = next((name for name in options if name.startswith("--")), options[0])
        for name in dict.fromkeys(options):
            # A second name makes no second requirement.
            own = {**facts, "required": bool(facts.get("required")) and name == chief}
            self._add(owner, name, line, shown=prefix + name, first=name == chief, **own)

    def _argparse(self, node: ast.Call, owner: str) -> None:
        names = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        help_ = _keyword(node, "help")
        if not names or (help_ is not None and dotted(help_).endswith(("SUPPRESS", "SUPPRESS_HELP"))):
            return
        action = _plain(_keyword(node, "action"))
        nargs = _plain(_keyword(node, "nargs"))
        positional = not names[0].startswith("-")
        required = (
            nargs not in ("'?'", "'*'", "REMAINDER", "argparse.REMAINDER") if positional else _true(node, "required")
        )
        flag = (action or "").strip("'") in _FLAGS or "BooleanOptional" in (action or "")
        default = _keyword(node, "default")
        if "BooleanOptional" in (action or ""):
            names += [f"--no-{name[2:]}" for name in names if name.startswith("--")]
        self._named(
            owner,
            names,
            names[0],
            node.lineno,
            required=required,
            type=_type(_keyword(node, "type")),
            choices=_literals(_keyword(node, "choices")),
            default=None if default is None else ast.unparse(default),
            takes="flag" if flag else f"values {nargs}" if nargs else "value",
        )

    def _click(self, node: ast.Call, owner: str) -> None:
        kind = _click_kind(node)
        names = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        hidden = _keyword(node, "hidden")
        if (not names and kind == "argument") or (isinstance(hidden, ast.Constant) and hidden.value):
            return
        if kind == "option" and not any(name.startswith("-") for name in names):
            names = [f"--{name.replace('_', '-')}" for name in names] or ["--?"]
        default, type_ = _keyword(node, "default"), _keyword(node, "type")
        nargs = _plain(_keyword(node, "nargs"))
        required_ = _keyword(node, "required")
        required = _true(node, "required")
        if kind == "argument" and required_ is None:
            required = default is None and nargs != "-1"
        flag = _true(node, "is_flag") or _true(node, "count") or any("/" in name for name in names)
        choice = isinstance(type_, ast.Call) and dotted(type_.func).endswith("Choice")
        self._named(
            owner,
            names,
            names[0],
            node.lineno,
            required=required,
            type=None if choice else _type(type_),
            choices=_literals(type_.args[0]) if choice and isinstance(type_, ast.Call) and type_.args else None,
            default=None if default is None else ast.unparse(default),
            takes="flag" if flag else f"values {nargs}" if nargs else "value",
        )

    def _typer(self, node: _Function, owner: str) -> None:
        given = [*node.args.posonlyargs, *node.args.args]
        missing: list[ast.expr | None] = [None] * (len(given) - len(node.args.defaults))
        pairs = [*zip(given, [*missing, *node.args.defaults], strict=True)]
        pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        for argument, value in pairs:
            self._typer_parameter(argument, value, owner)

    def _typer_parameter(self, argument: ast.arg, value: ast.expr | None, owner: str) -> None:
        annotation, marker = argument.annotation, None
        if isinstance(annotation, ast.Subscript) and dotted(annotation.value).endswith("Annotated"):
            parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
            annotation = parts[0]
            marker = next((one for one in parts[1:] if isinstance(one, ast.Call) and _typer_kind(one)), None)
        elif isinstance(value, ast.Call) and _typer_kind(value):
            marker = value
            value = marker.args[0] if marker.args else _keyword(marker, "default")
        said = None if annotation is None else ast.unparse(annotation)
        if said is not None and said.rpartition(".")[2] in ("Context", "CallbackParam"):
            return
        hidden = _keyword(marker, "hidden")
        if isinstance(hidden, ast.Constant) and hidden.value:
            return
        ellipsis = isinstance(value, ast.Constant) and value.value is Ellipsis
        required = value is None or ellipsis
        kind = _typer_kind(marker) if marker is not None else ("Argument" if required else "Option")
        texts = [arg.value for arg in marker.args if isinstance(arg, ast.Constant)] if marker is not None else []
        names = [text for text in texts if isinstance(text, str) and text.startswith("-")]
        flag = said == "bool"
        if kind == "Option" and not names:
            plain = argument.arg.replace("_", "-")
            names = [f"--{plain}/--no-{plain}" if flag else f"--{plain}"]
        self._named(
            owner,
            names if kind == "Option" else [],
            argument.arg,
            argument.lineno,
            required=required,
            type=_typed(said),
            default=None if required or value is None else ast.unparse(value),
            takes="flag" if flag else "value",
        )


def _keyword(call: ast.Call | None, name: str) -> ast.expr | None:
    return None if call is None else next((one.value for one in call.keywords if one.arg == name), None)


def _true(call: ast.Call, name: str) -> bool:
    value = _keyword(call, name)
    return isinstance(value, ast.Constant) and value.value is True


def _plain(node: ast.expr | None) -> str | None:
    return None if node is None else ast.unparse(node)


def _type(node: ast.expr | None) -> str | None:
    said = _plain(node)
    return (
        None
        if said in (None, "str")
        else {"click.INT": "int", "click.FLOAT": "float", "click.STRING": None}.get(said or "", said)
    )


def _typed(said: str | None) -> str | None:
    """Return what an annotation asks of a value, that it may be missing left out."""
    if said is None:
        return None
    plain = re.sub(r"^(?:typing\.)?Optional\[(.*)\]$", r"\1", said).replace(" | None", "").replace("None | ", "")
    return None if plain in ("str", "bool") else plain


def _literals(node: ast.expr | None) -> tuple[str, ...] | None:
    """Return the values of a list that is written out; None for any other."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set) and all(isinstance(one, ast.Constant) for one in node.elts):
        return tuple(str(one.value) for one in node.elts if isinstance(one, ast.Constant))
    return None


def _subparser(node: ast.AST) -> str | None:
    """Return the name of the command that a call of ``add_parser`` makes."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_parser"):
        return None
    name = node.args[0] if node.args else _keyword(node, "name")
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None


def _click_kind(node: ast.AST) -> str | None:
    """Return whether a call makes an option or an argument of click."""
    if not isinstance(node, ast.Call):
        return None
    module, _, name = dotted(node.func).rpartition(".")
    if name in ("option", "argument") and module.rpartition(".")[2] in ("click", "rich_click", "asyncclick", "cli", ""):
        return name if module or any(isinstance(one, ast.Constant) for one in node.args) else None
    return None


def _typer_kind(node: ast.AST | None) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    name = dotted(node.func).rpartition(".")[2]
    return name if name in ("Option", "Argument") else None
