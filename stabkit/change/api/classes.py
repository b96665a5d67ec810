"""Two states of one public class, attribute or module compared, member by member."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from stabkit.change.api.created import created, lost_fields
from stabkit.change.api.dynamic import answered_names
from stabkit.change.api.loaded import Modules
from stabkit.change.api.signatures import Found, compare_functions, compare_types, literal

__all__ = ["Break", "Comparison"]

_ENUMS: Final = frozenset(("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "TextChoices", "IntegerChoices"))
_TUPLES: Final = frozenset(("NamedTuple", "namedtuple"))
# Whoever creates one of these names its fields.
_RECORDS: Final = frozenset(("BaseModel", "TypedDict", "Struct", "SQLModel", "BaseSettings"))
_UNLISTED: Final = Found("export_removed", None, "in __all__", "not in __all__")
_STAMP: Final = re.compile(r"(?i)version|date|revision|commit|build|release|hash|sha|author|copyright")
_OPTIONAL: Final = re.compile(r"^(?:\w+\.)*NotRequired\[")
_FROZEN: Final = re.compile(r"\bfrozen\s*=\s*True|(?:^|\.)frozen\b(?!\s*=)")
_DEEPEST: Final = 8


@dataclass(frozen=True)
class Break:
    """A break: the object that shows it, the name that callers know that by, and whether it is the new one."""

    thing: Any
    what: str
    found: Found
    new: bool = True


class Comparison:
    """Both ends of one package, walked along its public names; an object that two names share is compared once."""

    def __init__(self, old: Modules, new: Modules) -> None:
        self._old, self._new = old, new
        self._seen: set[str] = set()
        self._gone: set[int] = set()

    def modules(self, old: Any, new: Any) -> Iterator[Break]:
        """Yield the breaks of a public module."""
        before, after = self._old.names(old), self._new.names(new)
        exports = self._old.exports(old), self._new.exports(new)
        answers = "__getattr__" in after or any(
            one.is_alias and one.wildcard and self._new.find(one.target_path.removesuffix(".*")) is None
            for one in list(new.members.values())
        )
        for name, member in before.items():
            if not self._old.is_public(old, name, member) or (exports[0] is None and _is_logger(member)):
                continue
            what = f"{old.path}.{name}"
            other = after.get(name)
            if other is None and f"{old.path}.{name}" not in self._new.files:
                likely = member.is_alias and exports[0] is None and self._old.reexport(old, name, member) == "likely"
                if id(member) in self._gone:
                    continue  # taken whole from a module that has told of it
                self._gone.add(id(member))
                found = Found("object_removed", proven=not answers and not likely, weak=answers)
                yield Break(member, what, found, new=False)
            elif other is not None:
                if exports[0] is not None and exports[1] is not None and name not in exports[1]:
                    yield Break(member, what, _UNLISTED, new=False)
                yield from self._members(member, other, what)
        yield from self._only_listed(old, before, exports)
        listed = exports[0] or set() if exports[1] is not None else set()
        answered = answered_names(before, self._old) - answered_names(after, self._new)
        for name in sorted(answered - {*before} - {*after} - listed):
            if f"{old.path}.{name}" not in self._new.files:
                found = Found("object_removed", None, "made by __getattr__", None, proven=False)
                yield Break(before["__getattr__"], f"{old.path}.{name}", found, new=False)

    def _only_listed(self, old: Any, before: dict[str, Any], exports: tuple[set[str] | None, ...]) -> Iterator[Break]:
        # A name that __all__ lists and __getattr__ makes: it is nowhere written but there.
        if exports[0] is not None and exports[1] is not None:
            for name in sorted(exports[0] - exports[1] - {*before}):
                yield Break(old, f"{old.path}.{name}", _UNLISTED, new=False)

    def _members(self, member: Any, other: Any, what: str) -> Iterator[Break]:
        if member.is_alias and other.is_alias and member.target_path == other.target_path:
            # All that changed, and all that passes it on, is loaded: what is not is as it was.
            owner = member.target_path.rpartition(".")[0]
            if owner in self._old.files and owner not in self._old.loaded and owner not in self._new.loaded:
                return
        old = self._old.find(member.target_path) if member.is_alias else member
        new = self._new.find(other.target_path) if other.is_alias else other
        if old is None or new is None:
            return  # another package's: what it is there is not known
        if old.path + "→" + new.path in self._seen:
            return
        self._seen.add(old.path + "→" + new.path)
        yield from self._pair(old, new, what)

    def _pair(self, old: Any, new: Any, what: str, depth: int = _DEEPEST) -> Iterator[Break]:
        if old.is_module or new.is_module:
            return
        if new.is_attribute and not old.is_attribute and (named := self._new.value_of(new)) is not None:
            new = named
        if old.kind is not new.kind:
            yield from self._other_kind(old, new, what)
        elif old.is_function:
            for found in compare_functions(old, new, self._known, self._raised):
                yield Break(new, what, found)
        elif old.is_class and depth:
            yield from self._classes(old, new, what, depth)
        elif old.is_attribute:
            yield from self._attributes(old, new, what)

    def _other_kind(self, old: Any, new: Any, what: str) -> Iterator[Break]:
        if (old.is_attribute or _is_property(old)) and (new.is_attribute or _is_property(new)):
            return
        kinds = old.kind.value, new.kind.value
        method = old.parent is not None and old.parent.is_class
        # A function where a value or a class was, or a value that may well be one: callers may see no difference.
        weak = not method and (kinds in (("function", "class"), ("attribute", "function"), ("attribute", "class")))
        weak |= new.is_attribute and not method and not literal(new.value)[0]
        yield Break(new, what, Found("object_changed_kind", None, kinds[0], kinds[1], not weak, weak))

    def _classes(self, old: Any, new: Any, what: str, depth: int) -> Iterator[Break]:
        # Ancestors may lie in many files: they are looked for only where they can tell something.
        same = [str(base) for base in old.bases] == [str(base) for base in new.bases]
        direct = {str(getattr(base, "canonical_path", base)) for base in old.bases}
        before = (direct, True) if same and _values(old) == _values(new) else self._old.ancestors(old)
        after = (direct, True) if same else self._new.ancestors(new)
        ancestors = {_last(one) for one in before[0]}
        lost = {str(getattr(base, "canonical_path", base)).partition("[")[0] for base in old.bases}
        kept = {_last(one) for one in after[0]} | {"object", "Generic", "Protocol", "ABC", new.name}
        if lost := {base for base in lost if _last(base) not in kept}:
            bases = [", ".join(map(str, one.bases)) or None for one in (old, new)]
            # What another package makes of its classes is not known; none of them is one of ours.
            weak = not after[1] and all(self._old.find(base) is None for base in lost)
            caught = after[1] and bool(ancestors & {"Exception", "BaseException"} or any(map(_is_exception, ancestors)))
            yield Break(new, what, Found("class_removed_base", None, bases[0], bases[1], caught, weak))
        for name, member in list(old.members.items()):
            if member.is_alias or member.is_module or not _public_member(name):
                continue
            inner = f"{what}.{name}"
            other = new.members.get(name)
            if other is None or other.is_alias:
                yield from self._removed_member(member, new, inner)
            elif ancestors & _ENUMS and member.is_attribute and other.is_attribute:
                yield from self._enum_value(member, other, inner)
            else:
                yield from self._pair(member, other, inner, depth - 1)
        frozen = [any(_FROZEN.search(str(one.value)) for one in side.decorators) for side in (old, new)]
        if frozen[1] and not frozen[0]:
            yield Break(new, what, Found("setter_removed", None, "settable", "read-only"))
        yield from self._fields(old, new, what, ancestors)
        yield from self._new_abstract(old, new, what)

    def _removed_member(self, member: Any, new: Any, what: str) -> Iterator[Break]:
        if member.name in new.members:
            return
        inherited = self._new.inherits(new, member.name)
        if inherited is True:
            return
        answers = any(name in new.members for name in ("__getattr__", "__getattribute__"))
        # An instance attribute is what its methods happen to set; a special method may have a default.
        instance = (
            member.is_attribute and "instance-attribute" in member.labels and "class-attribute" not in member.labels
        )
        weak = inherited is None or answers
        if "dataclass-field" in member.labels or not weak or not instance or member.annotation is not None:
            yield Break(member, what, Found("object_removed", proven=not weak, weak=weak), new=False)

    def _attributes(self, old: Any, new: Any, what: str) -> Iterator[Break]:
        for found in compare_types(old.annotation, new.annotation, self._known, given=False):
            yield Break(new, what, Found("attribute_changed_type", None, found.before, found.after))
        if {"property", "writable"} <= old.labels and "property" in new.labels and "writable" not in new.labels:
            yield Break(new, what, Found("setter_removed", None, "settable", "read-only"))
        sides = [literal(one.value) if one.value is not None else (False, None) for one in (old, new)]
        made, remade = created(old.value), created(new.value)
        lost = None if made is None or remade is None else lost_fields(made, remade)
        if lost is not None:
            yield Break(new, what, lost)
            return
        constant = old.name.isupper() and not _STAMP.search(old.name)
        if constant and all(plain for plain, _ in sides) and sides[0] != sides[1] and not _grown(old.value, new.value):
            before, after = (str(one.value)[:200] for one in (old, new))
            yield Break(new, what, Found("attribute_changed_value", None, before, after, proven=False))

    def _enum_value(self, old: Any, new: Any, what: str) -> Iterator[Break]:
        sides = [literal(one.value) for one in (old, new)]
        if all(plain for plain, _ in sides) and sides[0] != sides[1]:
            yield Break(new, what, Found("enum_changed_value", None, str(old.value), str(new.value)))

    def _fields(self, old: Any, new: Any, what: str, ancestors: set[str]) -> Iterator[Break]:
        """Yield what changes for those who create a record, or take a tuple apart."""
        fields = [
            [
                n
                for n, m in one.members.items()
                if not m.is_alias and m.is_attribute and m.annotation and not _computed(m)
            ]
            for one in (old, new)
        ]
        if ancestors & _TUPLES and fields[0] != fields[1] and {*fields[0]} <= {*fields[1]}:
            yield Break(new, what, Found("fields_changed", None, ", ".join(fields[0]), ", ".join(fields[1])))
        decorators = {_last(str(one.value).partition("(")[0]) for one in new.decorators}
        if (ancestors & _RECORDS or decorators & {"define", "attrs", "frozen", "s"}) and "dataclass" not in decorators:
            for name in fields[1]:
                field = new.members[name]
                optional = _OPTIONAL.search(str(field.annotation)) or str(new.keywords.get("total")) == "False"
                if name not in old.members and field.value is None and not name.startswith("_") and not optional:
                    typed = f"{name}: {field.annotation}"
                    yield Break(field, f"{what}.{name}", Found("field_added_required", None, None, typed, proven=False))

    def _new_abstract(self, old: Any, new: Any, what: str) -> Iterator[Break]:
        # Whoever is one of a protocol by what he has is none without what it asks for now.
        asks = all(any(_last(str(base)) == "Protocol" for base in one.bases) for one in (old, new))
        for name, member in new.members.items():
            if member.is_alias or name in old.members or not (_is_abstract(member) or (asks and _public_member(name))):
                continue
            if self._old.inherits(old, name) is False:
                found = Found("abstract_method_added", None, None, f"def {name}", proven=False)
                yield Break(member, f"{what}.{name}", found)

    def _known(self, one: str, other: str) -> bool | None:
        """Say whether a class is another or derives from it, both named as an annotation names them."""
        new, old = self._by_name(self._new, one), self._by_name(self._old, other)
        if new is None or old is None:
            return None
        ancestors, whole = self._new.ancestors(new)
        if new.name == old.name or old.name in {_last(path) for path in ancestors}:
            return True
        return False if whole else None

    def _by_name(self, side: Modules, name: str) -> Any:
        for module in list(side.loaded.values()):
            member = module.members.get(name)
            if member is not None:
                found = side.find(f"{module.path}.{name}")
                return found if found is not None and found.is_class else None
        return None

    def _raised(self, old: Any, new: Any) -> set[str]:
        """Return the exceptions that the new function raises by name, and the old one did not."""
        return self._new.raised(new) - self._old.raised(old)


def _public_member(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__") and name not in _UNSEEN)


_UNSEEN: Final = frozenset(
    ("__slots__", "__module__", "__doc__", "__repr__", "__str__", "__dict__", "__match_args__", "__del__")
)


def _is_logger(member: Any) -> bool:
    """Say whether a name is what its own module writes its log with; nobody takes that from there."""
    return not member.is_alias and member.is_attribute and _LOGGER.match(str(member.value)) is not None


_LOGGER: Final = re.compile(r"(\w+\.)*(getLogger|get_logger|get_task_logger)\(")


def _values(thing: Any) -> list[tuple[str, str]]:
    return [(name, str(one.value)) for name, one in thing.members.items() if not one.is_alias and one.is_attribute]


def _is_abstract(member: Any) -> bool:
    return any("abstractmethod" in str(one.value) for one in getattr(member, "decorators", ()))


def _computed(member: Any) -> bool:
    """Say whether an attribute is what a method gives: nobody passes it when the object is made."""
    return bool({"property", "cached"} & member.labels) or bool(getattr(member, "decorators", ()))


def _is_property(member: Any) -> bool:
    """Say whether a method is read like an attribute, by whatever package's decorator."""
    return member.is_function and any(str(one.value).lower().endswith("property") for one in member.decorators)


def _is_exception(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def _last(path: str) -> str:
    return path.partition("[")[0].rpartition(".")[2]


def _grown(old: Any, new: Any) -> bool:
    """Say whether a collection holds what it held."""
    try:
        before, after = ast.literal_eval(str(old)), ast.literal_eval(str(new))
        if isinstance(before, dict) and isinstance(after, dict):
            return before.items() <= after.items()
        return (
            isinstance(before, set | tuple | list | frozenset) and type(before) is type(after) and {*before} <= {*after}
        )
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
