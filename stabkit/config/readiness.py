"""What a change may cost: who owns which files, which journeys carry value, what must be answered before a release."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stabkit.config.model import Model

__all__ = ["Area", "ChecklistLine", "Journey"]


class Area(Model):
    """What is known of the files under some paths. Never guessed."""

    paths: tuple[str, ...] = Field(min_length=1, description="prefixes or globs")
    owner: str | None = Field(default=None, description="who answers for these files")
    criticality: Literal["critical", "high", "normal", "low"] | None = Field(
        default=None, description="how grave it is if they break"
    )
    value: str | None = Field(default=None, description="what they are worth to the business, in words")
    targets: tuple[str, ...] = Field(default=(), description="targets, suites or scans that run these files")


class Journey(Model):
    """A user journey that carries business value, and what guards it."""

    name: str = Field(description="what it is called")
    value: str | None = Field(default=None, description="what it is worth to the business, in words")
    share: float | None = Field(default=None, gt=0, le=1, description="of all users or revenue, 0 to 1")
    guarded_by: tuple[str, ...] = Field(default=(), description="conditions")
    suites: tuple[str, ...] = Field(default=(), description="test suites that walk it")
    checks: tuple[str, ...] = Field(default=(), description="checks of its targets, by name")
    paths: tuple[str, ...] = Field(default=(), description="files that serve it: prefixes or globs")


class ChecklistLine(Model):
    """One line of the production-readiness checklist."""

    line: str = Field(description="what must be answered before a release, in words")
    condition: str | None = Field(default=None, description="answered by this condition's outcome")
    target: str | None = Field(default=None, description="whose check answers it")
    check: str | None = Field(default=None, description="answered by this check of that target")
