"""All formats of the law, and the conditions by which each is judged."""

from __future__ import annotations

from stabkit.config import Config
from tests.law.acceptance import ACCEPTANCE
from tests.law.coverage import COVERAGE
from tests.law.notations import Notation
from tests.law.requests import CONDITIONS, LOADS
from tests.law.scans import SCANS
from tests.law.security import SECURITY
from tests.law.suites import SUITES

__all__ = ["FORMATS", "conditions_of", "named"]

FORMATS: tuple[Notation, ...] = (*SUITES, *ACCEPTANCE, *SCANS, *SECURITY, *COVERAGE, *LOADS)


def conditions_of(notation: Notation) -> Config | None:
    """Return the conditions for a format; None: those that follow from its evidence."""
    return CONDITIONS if notation in LOADS and notation.form != "stabkit" else None


def named(notation: Notation) -> str:
    """Return what a format is called in tests: some are written in two ways."""
    return f"{notation.form}-{notation.shape}"
