"""The environment variables that a file reads or sets: parsed from Python, by pattern from anything else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.python_code import dotted, parse

__all__ = ["ENV_FILE", "assigned", "variables"]

_READS: Final = re.compile(
    r"""process\.env(?:\.(\w+)|\[['"](\w+)['"]\])|ENV(?:\.fetch\(|\[)['"](\w+)['"]|env::var\(\s*"(\w+)"|"""
    r"""(?:[gG]etenv|LookupEnv|GetEnvironmentVariable)\(\s*['"](\w+)['"]"""
)
_EXPANDS: Final = re.compile(r"\$\{(\w+)(?::?[-?][^}]*)?\}")
ENV_FILE: Final = re.compile(r"(^|/)\.env[^/]*$|\.env$")
_ASSIGNS: Final = re.compile(r"(?:export\s+)?([\w.\[\]/-]+)\s*[=:]\s*(.*)$")
_GETTERS: Final = ("getenv", "environ.get", "environ.setdefault", "environ.pop")
_CODE: Final = (".py", ".js", ".ts", ".jsx", ".tsx", ".go", ".rb", ".rs", ".java", ".kt", ".php", ".cs")
# Here ${name} is a variable of the environment; in the languages above, one of the program.
_EXPANDING: Final = (".sh", ".yml", ".yaml", ".toml")


def variables(path: str, content: bytes) -> list[tuple[str | None, str, int]] | None:
    """Return name, default and line of each variable that a file reads or sets; None for Python that is none.

    A name made at run time is None. What is no Python is searched for patterns.
    """
    if not path.endswith(".py"):
        return list(_text_variables(path, content))
    tree = parse(content)
    return None if tree is None else list(_python_variables(tree))


def _python_variables(tree: ast.Module) -> Iterator[tuple[str | None, str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func).endswith(_GETTERS):
            default = ast.unparse(node.args[1]) if len(node.args) > 1 else ""
            default = default or next((ast.unparse(k.value) for k in node.keywords if k.arg == "default"), "")
            yield _constant(node.args[0] if node.args else None), default, node.lineno
        elif isinstance(node, ast.Subscript) and dotted(node.value).endswith("environ"):
            yield _constant(node.slice), "", node.lineno
        elif isinstance(node, ast.Compare) and dotted(node.comparators[0]).endswith("environ"):
            yield _constant(node.left), "", node.lineno
        elif isinstance(node, ast.ClassDef) and any(dotted(b).endswith("BaseSettings") for b in node.bases):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    default = ast.unparse(item.value) if item.value else ""
                    yield f"{node.name}.{item.target.id}", default, item.lineno


def _text_variables(path: str, content: bytes) -> Iterator[tuple[str | None, str, int]]:
    text = content.decode("utf-8", "replace")
    if ENV_FILE.search(path):
        yield from assigned(text)
        return
    expands = path.endswith(_EXPANDING) or "Dockerfile" in path
    patterns = [_READS] * (expands or path.endswith(_CODE)) + [_EXPANDS] * expands
    for match in (found for pattern in patterns for found in pattern.finditer(text)):
        name = next(group for group in match.groups() if group)
        yield name, match[0], text.count("\n", 0, match.start()) + 1


def assigned(text: str) -> list[tuple[str, str, int]]:
    """Return name, value and line of each setting of a .env or .properties file; other lines continue a value."""
    found: list[tuple[str, str, int]] = []
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith(("#", "!")):
            continue
        name, value, first = found[-1] if found else ("(no key)", "", number)
        quoted = value[:1] in ("'", '"') and value.count(value[0]) == 1
        if not quoted and (match := _ASSIGNS.match(line)) is not None:
            found.append((match[1], match[2], number))
        else:
            found[-1:] = [(name, f"{value}\n{line}", first)]
    return found


def _constant(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
