"""The whole configuration, resolved, and the conditions that follow from it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from stabkit.config.acceptances import Acceptance, is_expression
from stabkit.config.conditions import Condition
from stabkit.config.defaults import (
    READINGS,
    coverage_condition,
    reading_condition,
    scan_condition,
    suite_condition,
    target_conditions,
    window_conditions,
)
from stabkit.config.model import Model
from stabkit.config.readiness import Area, ChecklistLine, Journey
from stabkit.config.shown_keys import shown_settings
from stabkit.config.sources import ChangesSource, CoverageSource, ScanSource, TestSuite
from stabkit.config.targets import HttpTarget, PrometheusSource, ResourceTarget, WebSocketTarget
from stabkit.endpoints import is_pattern
from stabkit.errors import nearest
from stabkit.kinds import KINDS
from stabkit.paths import expanded
from stabkit.redact import MASK, is_secret_name, redact_text

__all__ = [
    "CollectSettings",
    "Config",
    "LineSettings",
    "LoadSettings",
    "Project",
    "default_conditions",
    "doubtful_margins",
    "is_expression",
    "misspelt_names",
    "times_condition",
]


# What holds the user's own values by name; elsewhere a name such as Authorization stands beside that of a variable.
_VALUES: Final = ("environment", "form", "json_body", "json_payload")


class Project(Model):
    """What the system is called, where it runs, and where its evidence lives."""

    name: str = Field(default="system", description="what the system is called on every page")
    environment: str = Field(default="local", description="only runs of equal environments share a trend line")
    data: str = Field(
        default="data/runs",
        min_length=1,
        description="the store: a folder, relative to the configuration file, or s3://bucket/prefix",
    )

    @field_validator("data")
    @classmethod
    def _reachable(cls, data: str) -> str:
        if "://" in data and not data.startswith("s3://"):
            raise ValueError("a store is a folder, or s3://bucket/prefix")
        if not data.isprintable():
            raise ValueError("no folder is called so: it holds a character that cannot be shown")
        return data


class CollectSettings(Model):
    """How evidence is collected."""

    rounds: int = Field(default=20, ge=1, le=10_000, description="interleaved rounds")
    seed: int = Field(default=1, description="of the order of sides within each round")
    max_rate: float = Field(default=1_000, gt=0, le=10_000, description="no target is asked more often in a second")
    max_requests: int = Field(default=1_000_000, ge=1, description="of one target, all rounds together")
    max_minutes: float = Field(default=120, gt=0, description="of probing; rounds end there")
    again: tuple[str, ...] = Field(
        default=(),
        description="the command that reports name where more has to be collected, if it is not 'stabkit collect'; "
        "'{rounds}', '{label}' and '{baseline}' are replaced",
    )


class LineSettings(Model):
    """What is known of the runs before, by which a run at another time is judged."""

    accepted: tuple[str, ...] = Field(
        default=(),
        description="runs whose level of times was accepted, by label, commit or id: later runs are judged against it",
    )


class LoadSettings(Model):
    """How the files of load tools are taken."""

    endpoints: tuple[str, ...] = Field(
        default=(),
        description="patterns such as 'GET /items/{id}', a piece in braces standing for any: endpoints of one pattern "
        "are judged as one",
    )

    @field_validator("endpoints")
    @classmethod
    def _patterns(cls, endpoints: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in endpoints:
            if not is_pattern(pattern):
                raise ValueError(
                    f"{pattern!r} stands for itself alone: put a piece in braces, as in 'GET /items/{{id}}'"
                )
        return endpoints


class Config(Model):
    """The whole of ``stabkit.toml``, resolved."""

    project: Project = Field(default=Project(), description="what the system is called, and where its evidence lives")
    collect: CollectSettings = Field(default=CollectSettings(), description="how evidence is collected")
    http: Mapping[str, HttpTarget] = Field(
        default_factory=dict, description="HTTP endpoints to probe, each by the name that you choose: [http.NAME]"
    )
    websocket: Mapping[str, WebSocketTarget] = Field(
        default_factory=dict, description="WebSocket endpoints and their contracts: [websocket.NAME]"
    )
    resources: Mapping[str, ResourceTarget] = Field(
        default_factory=dict, description="processes whose memory and CPU are read: [resources.NAME]"
    )
    prometheus: Mapping[str, PrometheusSource] = Field(
        default_factory=dict, description="queries to a Prometheus server: [prometheus.NAME]"
    )
    tests: Mapping[str, TestSuite] = Field(default_factory=dict, description="test suites: [tests.NAME]")
    scans: Mapping[str, ScanSource] = Field(default_factory=dict, description="compliance scans: [scans.NAME]")
    coverage: Mapping[str, CoverageSource] = Field(
        default_factory=dict, description="coverage reports: [coverage.NAME]"
    )
    load: LoadSettings = Field(default=LoadSettings(), description="how the files of load tools are taken")
    line: LineSettings | None = Field(
        default=None, description="what is known of the runs before, by which a run at another time is judged"
    )
    records: tuple[str, ...] = Field(default=(), description="stabkit evidence files (JSON), paths or globs")
    changes: ChangesSource | None = Field(default=None, description="the git range between baseline and candidate")
    areas: Mapping[str, Area] = Field(
        default_factory=dict, description="what is known of the files under some paths: [areas.NAME]"
    )
    journeys: tuple[Journey, ...] = Field(
        default=(), description="user journeys that carry business value, and what guards them"
    )
    checklist: tuple[ChecklistLine, ...] = Field(
        default=(), description="the production-readiness checklist, line by line"
    )
    test_aliases: Mapping[str, str] = Field(
        default_factory=dict,
        description="old test id -> new test id; between slashes the old one is a regular expression, '/build-\\d+/'",
    )
    condition: tuple[Condition, ...] = Field(
        default=(), description="what must hold for the verdict STABLE; none: what follows from all that is declared"
    )
    accepted: tuple[Acceptance, ...] = Field(default=(), description="what somebody accepts, and until which day")
    root: SkipJsonSchema[Path] = Field(default=Path(), description="folder of the file; set on loading", exclude=True)

    @field_validator("condition")
    @classmethod
    def _unique_names(cls, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        names = [condition.name for condition in conditions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two conditions are called {twice[0]!r}")
        return conditions

    @field_validator("test_aliases")
    @classmethod
    def _sound_patterns(cls, aliases: Mapping[str, str]) -> Mapping[str, str]:
        for old, new in aliases.items():
            if is_expression(old):
                try:
                    re.compile(old[1:-1]).sub(new, "")
                except (re.error, IndexError) as error:
                    what = f"{old!r} = {new!r} is no regular expression with its replacement"
                    raise ValueError(f"{what}: {error}") from error
        return aliases

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The declared conditions, or those that follow from what is declared to be collected."""
        return self.condition or default_conditions(self)

    def path(self, relative: Path | str) -> Path:
        """Return a path of the configuration, made absolute against its folder."""
        return (self.root / expanded(relative)).resolve()

    @property
    def baseline_directories(self) -> Mapping[str, Path]:
        """Suite, scan or coverage report -> the folder of the baseline's own source, of those that name one."""
        named = {name: suite.baseline_directory for name, suite in self.tests.items()}
        named |= {name: scan.baseline_directory for name, scan in self.scans.items()}
        named |= {name: report.baseline_directory for name, report in self.coverage.items()}
        return {name: self.path(folder) for name, folder in named.items() if folder is not None}

    @property
    def data(self) -> Path | str:
        """The store's folder, or the address of a remote one."""
        remote = self.project.data.startswith("s3://")
        return self.project.data if remote else self.path(self.project.data)

    def to_json(self) -> str:
        """Return the resolved configuration that is hashed, as JSON with sorted keys; pages have :meth:`shown`."""
        return json.dumps(_masked(self.model_dump(mode="json", exclude_none=True)), sort_keys=True)

    def shown(self) -> dict[str, Any]:
        """Return what a report shows of it: the values of listed keys, and of other keys that they are set."""
        return shown_settings(self)

    @property
    def sha256(self) -> str:
        """The hash of the resolved configuration."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _masked(value: Any, *, literal: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            key: MASK if literal and is_secret_name(key) else _masked(inner, literal=literal or key in _VALUES)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner, literal=literal) for inner in value]
    return redact_text(value) if isinstance(value, str) else value


def misspelt_names(config: Config) -> tuple[str, ...]:
    """Return what a condition or a journey names that is not declared, where a declared name is very near.

    A name that is near none may be that of imported evidence, which needs no declaration.
    """
    parts = (
        config.http, config.websocket, config.resources, config.prometheus, config.tests, config.scans, config.coverage,
    )  # fmt: skip
    declared = [name for part in parts for name in part]
    names = [condition.name for condition in config.conditions]
    used = [(f"condition {c.name!r} judges", c.target, declared) for c in config.condition if c.target]
    used += [(f"journey {j.name!r} is guarded by", name, names) for j in config.journeys for name in j.guarded_by]
    return tuple(
        f"{who} {name!r}, which is not declared; did you mean {guess!r}?"
        for who, name, known in used
        if name not in known and (guess := nearest(name, known))
    )


def doubtful_margins(config: Config) -> tuple[str, ...]:
    """Return what a condition allows that hardly anybody means: a margin of 1 and more, mostly meant as per cent."""
    found = []
    for condition in config.condition:
        unit = " percentage points" if KINDS[condition.kind].scale == "points" else " %"
        for key, margin in (("margin", condition.margin), ("tail_margin", condition.tail_margin)):
            if margin is not None and margin >= 1:
                meant = f"; {margin:g}{unit} is written {margin / 100:g}"
                found.append(
                    f"condition {condition.name!r}: {key} = {margin:g} allows {margin * 100:g}{unit} more{meant}"
                )
    return tuple(found)


def times_condition(config: Config, target: str, metric: str) -> Condition | None:
    """Return the first condition that sets margins for the times of a metric; None if none does."""
    for condition in config.conditions:
        if KINDS[condition.kind].tail_margin is not None and (
            condition.target in (None, target) and condition.metric in (None, metric)
        ):
            return condition
    return None


def default_conditions(config: Config) -> tuple[Condition, ...]:
    """Return the conditions that follow from the declared targets, suites and scans; :mod:`.defaults` says which."""
    found: list[Condition] = []
    for name, target in config.http.items():
        found += target_conditions(name, ["response_time"], checks=True, objective=target.objective)
    for name, socket in config.websocket.items():
        found += target_conditions(name, ["session_time", "connect_time"], checks=True, objective=socket.objective)
    found += [suite_condition(n, mission_critical=suite.mission_critical) for n, suite in config.tests.items()]
    found += [scan_condition(name) for name in config.scans]
    found += [coverage_condition(name, ranged=config.changes is not None) for name in config.coverage]
    for name in config.resources:
        found += target_conditions(name, ["memory"])
    for name, source in config.prometheus.items():
        if source.window is not None:
            found += window_conditions(name, source.metric, source.readings, source.quantiles)
            continue
        found += [reading_condition(name, source.metric)] if source.metric in READINGS else []
    return tuple(found)
