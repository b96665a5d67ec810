"""Contract files of a tree: which belong to the system, what they hold, and on which line a name stands."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from stabkit.change.documents import plain_yaml
from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["Documents", "belongs", "line_of", "parse_document"]

_ASIDE: Final = re.compile(
    r"(^|/)(tests?|__tests__|spec|testing|testdata|test[-_]data|fixtures?|examples?|samples?|docs?|node_modules|vendor|"
    r"vendored|third[-_]party|site-packages|\.git|dist|build|mocks?|__mocks__|benchmarks?|e2e|cypress)/|"
    r"(^|/)(test_[^/]*|[^/]*_test|conftest)\.\w+$|(^|/)(tests\.(py|rs)|[^/]*_spec\.rb)$|\.Tests?/|\.(test|spec|stories)\.\w+$",
    re.IGNORECASE,
)
# A published document of an interface lies among the documentation all the same.
_DOCS: Final = re.compile(r"(^|/)docs?/", re.IGNORECASE)
_DEEPEST: Final = 200


def belongs(path: str, *, documentation: bool = False) -> bool:
    """Say whether a file is the system's own: no test, example, document or vendored copy.

    Examples
    --------
    >>> [belongs(path) for path in ("api/openapi.yaml", "tests/a.yaml", "node_modules/a/x.proto", "docs/api.yaml")]
    [True, False, False, False]
    >>> belongs("docs/api.yaml", documentation=True)
    True
    """
    return not _ASIDE.search(_DOCS.sub(r"\1", path) if documentation else path)


def parse_document(path: str, content: bytes | None) -> Any:
    """Return what a JSON or YAML file holds; None if it cannot be read or parsed."""
    if content is None:
        return None
    try:
        text = content.decode("utf-8-sig")
        if path.endswith((".json", ".avsc")) or text.lstrip()[:1] == "{":
            return json.loads(text)
    except (ValueError, RecursionError):
        if path.endswith((".json", ".avsc")):
            return None
    try:
        return plain_yaml(content)
    except ValueError:
        return None


def line_of(content: bytes | None, *names: str) -> int | None:
    r"""Return the line where names stand one after the other, each as a key or a value; the last that is found.

    Examples
    --------
    >>> line_of(b"paths:\n  /a:\n    get:\n      id: x\n  /b:\n    get:\n      id: y\n", "/b", "get")
    6
    """
    if content is None:
        return None
    text = _text(content)
    position, found = 0, None
    for name in names:
        word = rf"""(?<![\w/.-])["']?{re.escape(name)}["']?"""
        keyed = rf"""{word}[ \t]*:|["']?name["']?[ \t]*:[ \t]*{word}(?![\w/-])"""
        match = re.compile(keyed).search(text, position) or re.compile(rf"{word}(?![\w/-])").search(text, position)
        if match is None:
            continue
        position = match.end()
        found = text.count("\n", 0, match.start()) + 1
    return found


@functools.lru_cache(maxsize=4)
def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


class Documents:
    """The JSON and YAML files of one end that may be contracts, parsed when they are asked for."""

    def __init__(self, snapshots: Snapshots, tree: Mapping[str, Blob]) -> None:
        self._snapshots = snapshots
        self.tree = tree
        self._parsed: dict[str, Any] = {}

    def get(self, path: str) -> Any:
        """Return what a file holds; None if it is not there or cannot be parsed."""
        blob = self.tree.get(path)
        if blob is None:
            return None
        if path not in self._parsed:
            self._parsed[path] = parse_document(path, self._snapshots.content(blob))
        return self._parsed[path]

    def content(self, path: str) -> bytes | None:
        """Return a file's bytes."""
        return self._snapshots.content(self.tree.get(path))

    def load(self, paths: Iterable[str]) -> None:
        """Read many files at once."""
        self._snapshots.load(self.tree[path] for path in paths if path in self.tree)

    def resolve(self, path: str, value: Any) -> tuple[str, Any]:
        """Return what a reference (``$ref``) stands for, through others, and in which file; None for nothing."""
        for _ in range(_DEEPEST):
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return path, value
            file, _, pointer = value["$ref"].partition("#")
            if "://" in file:
                return path, {}
            if file:
                path = _joined(path.rpartition("/")[0], file)
            value = self.get(path)
            for part in filter(None, pointer.split("/")):
                key = part.replace("~1", "/").replace("~0", "~")
                value = value.get(key) if isinstance(value, dict) else None
        return path, None


def _joined(folder: str, name: str) -> str:
    parts = folder.split("/") if folder else []
    for part in name.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
