"""What is accepted for a while: by whom, why, and until which day."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from stabkit.config.expressions import is_found
from stabkit.config.model import Model

__all__ = ["Acceptance", "AcceptedKind", "is_expression", "literal_brackets"]

AcceptedKind = Literal["finding", "test", "condition", "risk"]
_KINDS: Final[tuple[AcceptedKind, ...]] = ("finding", "test", "condition", "risk")


def is_expression(name: str) -> bool:
    """Say whether a name is a regular expression: it stands between slashes.

    Examples
    --------
    >>> is_expression("/build-[0-9]+/"), is_expression("tests.test_cart::test_old")
    (True, False)
    """
    return len(name) > 2 and name.startswith("/") and name.endswith("/")


def literal_brackets(glob: str) -> str:
    """Return a glob in which ``*`` and ``?`` stand for others, and brackets for themselves: a test's variant has them.

    Examples
    --------
    >>> [fnmatchcase(name, literal_brackets("test_*[1]")) for name in ("test_old[1]", "test_old1")]
    [True, False]
    """
    return glob.replace("[", "[[]")


def _day(value: Any) -> Any:
    with suppress(ValueError):
        value = date.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"{str(value)!r} is no day: write until = 2026-12-31")  # noqa: TRY004 - of pydantic
    return value


class Acceptance(Model):
    """One thing that somebody accepts until a day; from the day after it counts again."""

    finding: str | None = Field(
        default=None, min_length=1, description="its rule and place, 'R1 src/a.py:7' or 'R1 src/a.py', or fingerprint"
    )
    test: str | None = Field(default=None, min_length=1, description="its id")
    condition: str | None = Field(default=None, min_length=1, description="its name, as gate shows it")
    risk: str | None = Field(
        default=None, min_length=1, description="path of a changed file, or what a condition on the change names"
    )
    reason: str = Field(min_length=1, description="why it is accepted")
    owner: str = Field(min_length=1, description="who answers for it")
    until: Annotated[date, BeforeValidator(_day)] = Field(description="the last day, such as 2026-12-31")

    @model_validator(mode="after")
    def _one_thing(self) -> Acceptance:
        given = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            what = "nothing is named" if not given else f"{' and '.join(given)} are named at once"
            raise ValueError(f"{what}: write one of finding, test, condition and risk in each [[accepted]]")
        for text in (self.reason, self.owner, self.what):
            if not text.strip():
                raise ValueError("a text is blank: say what is accepted, the reason, and the owner")
        if is_expression(self.what):
            try:
                re.compile(self.what[1:-1])
            except re.error as error:
                raise ValueError(f"{self.what!r} is no regular expression: {error}") from error
        return self

    @property
    def kind(self) -> AcceptedKind:
        """What it is that is accepted."""
        return next(kind for kind in _KINDS if getattr(self, kind) is not None)

    @property
    def what(self) -> str:
        """Its identity, or a pattern of it."""
        return str(getattr(self, self.kind))

    def fits(self, *identities: str | None) -> bool:
        """Say whether it means a thing that goes by these names: equal to one, a glob of one, or ``/an expression/``.

        An expression is looked for anywhere in a name, as those of ``[test_aliases]`` are.

        Raises
        ------
        ConfigError
            The expression takes too long on a name.

        Examples
        --------
        >>> rule = Acceptance(finding="R1 src/*", reason="legacy", owner="ann", until="2026-12-31")
        >>> rule.fits("R1 src/a.py:7", None), rule.fits("R2 src/a.py:7")
        (True, False)
        """
        names = [name for name in identities if name]
        if is_expression(self.what) and any(is_found(self.what[1:-1], name, where="accepted") for name in names):
            return True
        return any(name == self.what or fnmatchcase(name, literal_brackets(self.what)) for name in names)

    def in_force(self, day: date | None) -> bool:
        """Say whether it holds on a day; on no known day it does not."""
        return day is not None and day <= self.until
