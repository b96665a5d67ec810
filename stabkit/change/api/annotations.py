"""Whether one annotated type takes the place of another: the part of it that the words themselves prove."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

__all__ = ["Known", "fits", "parse_type"]

Known = Callable[[str, str], "bool | None"]
"""Says whether the class named first is the one named second or derives from it; None where nobody knows."""

Leaf = tuple[str, tuple[frozenset["Leaf"], ...]]
Union = frozenset[Leaf]

_ITERABLE: Final = "Collection Iterable Container Sized Reversible"
_ABOVE: Final = {
    "bool": "int float complex Hashable",
    "int": "float complex Hashable",
    "float": "complex Hashable",
    "complex": "Hashable",
    "str": f"Sequence Hashable {_ITERABLE}",
    "bytes": f"Sequence Hashable Buffer ReadableBuffer {_ITERABLE}",
    "bytearray": f"MutableSequence Sequence Buffer {_ITERABLE}",
    "list": f"MutableSequence Sequence {_ITERABLE}",
    "tuple": f"Sequence Hashable {_ITERABLE}",
    "range": f"Sequence Hashable {_ITERABLE}",
    "dict": f"MutableMapping Mapping {_ITERABLE}",
    "set": f"MutableSet AbstractSet Set {_ITERABLE}",
    "frozenset": f"AbstractSet Set Hashable {_ITERABLE}",
    "MutableSequence": f"Sequence {_ITERABLE}",
    "Sequence": _ITERABLE,
    "MutableMapping": f"Mapping {_ITERABLE}",
    "Mapping": _ITERABLE,
    "Collection": "Iterable Container Sized",
    "Generator": "Iterator Iterable",
    "Iterator": "Iterable",
    "AsyncGenerator": "AsyncIterator AsyncIterable",
    "AsyncIterator": "AsyncIterable",
    "Coroutine": "Awaitable",
    "datetime": "date",
    "OrderedDict": f"dict MutableMapping Mapping {_ITERABLE}",
    "defaultdict": f"dict MutableMapping Mapping {_ITERABLE}",
    "Path": "PurePath PathLike",
    "PosixPath": "Path PurePath PathLike",
    "Iterable": "",
    "None": "Hashable",
    "Decimal": "Hashable",
    "UUID": "Hashable",
    "date": "Hashable",
    "time": "Hashable",
    "timedelta": "Hashable",
}
_SUPERS: Final = {name: frozenset(above.split()) for name, above in _ABOVE.items()}
_RENAMED: Final = {
    "List": "list",
    "Dict": "dict",
    "Tuple": "tuple",
    "FrozenSet": "frozenset",
    "Type": "type",
    "Text": "str",
    "DefaultDict": "defaultdict",
    "NoneType": "None",
}
_ANYTHING: Final = frozenset(("Any", "object", "Incomplete"))
_WRAPPERS: Final = frozenset(
    ("Annotated", "Required", "NotRequired", "ReadOnly", "Final", "ClassVar", "InitVar", "Mapped")
)
_DEEPEST: Final = 12


def parse_type(text: str | None) -> Union | None:
    """Return the members of a union, each a name with its arguments; None for no annotation, or what is none.

    Examples
    --------
    >>> parse_type("Optional[int]") == parse_type("int | None") == parse_type("'typing.Union[None, int]'")
    True
    """
    if text is None or len(text) > 2_000:
        return None
    try:
        return _union(ast.parse(text.strip(), mode="eval").body, _DEEPEST)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def fits(given: Union, wanted: Union, known: Known) -> bool | None:
    """Say whether every value of one type is one of the other; None where a name is not known.

    Examples
    --------
    >>> unknown = lambda one, other: None
    >>> words = ("int", "str", "int | str", "list[int]", "Sequence[float]", "Money")
    >>> types = {text: parse_type(text) for text in words}
    >>> fits(types["int"], types["int | str"], unknown), fits(types["int | str"], types["int"], unknown)
    (True, False)
    >>> fits(types["list[int]"], types["Sequence[float]"], unknown), fits(types["int"], types["Money"], unknown)
    (True, None)
    """
    answers = [_one_fits(leaf, wanted, known) for leaf in given]
    if False in answers:
        return False
    return None if None in answers else True


def _one_fits(leaf: Leaf, wanted: Union, known: Known) -> bool | None:
    answers = [_leaf_fits(leaf, other, known) for other in wanted]
    if True in answers:
        return True
    return None if None in answers else False


def _leaf_fits(leaf: Leaf, other: Leaf, known: Known) -> bool | None:
    if leaf == other or other[0] in _ANYTHING:
        return True
    if leaf[0] in _ANYTHING:
        return None
    if "Literal" in (leaf[0], other[0]):
        return leaf[0] == "Literal" and (other[0] == _kind(leaf) or other[0] in _SUPERS.get(_kind(leaf), ()))
    if leaf[0] != other[0] and other[0] not in _SUPERS.get(leaf[0], ()):
        return False if leaf[0] in _SUPERS and other[0] in _SUPERS else known(leaf[0], other[0])
    paired = zip(leaf[1], other[1], strict=True) if len(leaf[1]) == len(other[1]) else ()
    answers = [fits(one, two, known) for one, two in paired]
    return False if False in answers else None if None in answers else True


def _kind(literal: Leaf) -> str:
    return next(iter(literal[1][0]))[0] if literal[1] else ""


def _union(node: ast.expr, depth: int) -> Union:
    if depth < 0:
        raise ValueError("nested too deep")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        found: Union = frozenset()
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            found |= _union(node.right, depth - 1)
            node = node.left
        return found | _union(node, depth - 1)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _union(ast.parse(node.value.strip(), mode="eval").body, depth - 1)
    if isinstance(node, ast.Constant):
        return frozenset([(repr(node.value), ())])
    if isinstance(node, ast.Subscript):
        return _subscript(node, depth)
    return frozenset([(_name(node), ())])


def _subscript(node: ast.Subscript, depth: int) -> Union:
    head = _name(node.value)
    arguments = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if head == "Literal":
        return frozenset(
            ("Literal", (frozenset([(type(value).__name__, ())]), frozenset([(repr(value), ())])))
            for value in (getattr(one, "value", None) if isinstance(one, ast.Constant) else None for one in arguments)
        )
    if head in _WRAPPERS and arguments:
        return _union(arguments[0], depth - 1)
    inner = [_union(one, depth - 1) for one in arguments]
    if head == "Union":
        return frozenset().union(*inner)
    if head == "Optional":
        return inner[0] | {("None", ())}
    return frozenset([(head, tuple(inner))])


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return _RENAMED.get(node.attr, node.attr)
    if isinstance(node, ast.Name):
        return _RENAMED.get(node.id, node.id)
    return ast.unparse(node)
