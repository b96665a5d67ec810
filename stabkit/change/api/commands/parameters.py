"""One option or argument of a command, and what makes it harder to call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stabkit.redact import MASK, is_secret_name

__all__ = ["Parameter", "harder"]


@dataclass(frozen=True)
class Parameter:
    """An option, an argument or a command of its own that a program takes.

    Attributes
    ----------
    owner : str
        The command or parser it belongs to.
    name : str
        As it is typed; an argument by its place: ``<1>``.
    path, line
        Where it stands.
    noun : str
        ``option``, ``argument`` or ``command``.
    shown : str
        As people call it.
    required : bool
        True if a call without it fails.
    type, choices, default, takes : str, tuple or None
        What it accepts, as it is written; None for what is not known.
    proven : bool
        False if it was found by a pattern.
    """

    owner: str
    name: str
    path: str
    line: int
    noun: str = "option"
    shown: str = ""
    required: bool = False
    type: str | None = None
    choices: tuple[str, ...] | None = None
    default: str | None = None
    takes: str | None = None
    first: bool = True
    proven: bool = True

    @property
    def what(self) -> str:
        """The parameter as it is told, behind its command where that has a name."""
        return self.shown or self.name


def harder(old: Parameter, new: Parameter) -> Iterator[tuple[str, str, bool]]:
    """Yield how it was and is, and whether calls break for sure, of each way in which a call may fail or mean another.

    Examples
    --------
    >>> old = Parameter("run", "--level", "a.py", 1, type="str")
    >>> new = Parameter("run", "--level", "a.py", 1, type="int", required=True)
    >>> list(harder(old, new))
    [('optional', 'required', True), ('type str', 'type int', True)]
    """
    if new.required and not old.required:
        yield "optional", "required", True
    if old.takes and new.takes and old.takes != new.takes:
        flag = "flag" in (old.takes, new.takes)
        # Who gave one value may give it to what takes several, or none.
        if flag or old.takes != "value" or new.takes[-2:-1] not in ("?", "*", "+"):
            yield f"takes {old.takes}", f"takes {new.takes}", flag
    types = old.type or "str", new.type or "str"
    if types[0] != types[1] and types[1] != "str" and types != ("int", "float"):
        yield f"type {types[0]}", f"type {types[1]}", types[0] == "str" and types[1] in ("int", "float")
    if new.choices is not None and (old.choices is None or set(old.choices) - set(new.choices)):
        before = "any value" if old.choices is None else f"choices {', '.join(old.choices)}"
        yield before, f"choices {', '.join(new.choices)}", True
    if old.default != new.default and not (new.required or old.required):
        # A default may be a password: that it is another one is enough to know.
        yield f"default {_shown(old)}", f"default {_shown(new)}", False


def _shown(one: Parameter) -> str:
    return MASK if one.default and is_secret_name(one.name) else one.default or "none"
