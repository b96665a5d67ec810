"""``stabkit.toml`` as typed, frozen models: targets, suites, scans, journeys, conditions, margins.

Unknown keys are refused with the nearest known name. Secrets are never values here: a header or payload names the
environment variable that holds it. Relative paths are relative to the configuration file.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from stabkit.errors import ConfigError, nearest

__all__ = [
    "Area",
    "ChangesSource",
    "CollectSettings",
    "Condition",
    "Config",
    "EventContract",
    "FindingMapping",
    "HttpTarget",
    "Journey",
    "Objective",
    "Project",
    "PrometheusSource",
    "ResourceTarget",
    "ScanSource",
    "SequenceRule",
    "TestSuite",
    "WebSocketMessage",
    "WebSocketTarget",
    "default_conditions",
    "find_config",
    "load_config",
    "write_example",
]

CONFIG_NAME: Final = "stabkit.toml"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Project(_Model):
    """What the system is called, where it runs, and where its evidence lives."""

    name: str = "system"
    environment: str = "local"
    data: str = Field(
        default="data/runs",
        description="the store: a folder, relative to the configuration file, or s3://bucket/prefix",
    )


class CollectSettings(_Model):
    """How evidence is collected."""

    rounds: int = Field(default=10, ge=1, le=10_000, description="interleaved rounds")
    seed: int = Field(default=1, description="of the order of sides within each round")
    max_rate: float = Field(default=1_000, gt=0, le=10_000, description="no target is asked more often in a second")
    max_requests: int = Field(default=1_000_000, ge=1, description="of one target, all rounds together")
    max_minutes: float = Field(default=120, gt=0, description="of probing; rounds end there")


class Objective(_Model):
    """A limit on one quantile, judged by its one-sided bound."""

    quantile: float = Field(default=0.95, gt=0, lt=1)
    below_ms: float = Field(gt=0)


class HttpTarget(_Model):
    """One HTTP endpoint to probe."""

    url: str
    baseline_url: str | None = Field(default=None, description="the same endpoint of the baseline, if both are up")
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    json_body: Any = None
    form: Mapping[str, str] | None = Field(default=None, description="sent as an HTML form is")
    body_text: str | None = None
    body_file: Path | None = None
    body_env: str | None = Field(default=None, description="environment variable that holds the body")
    headers: Mapping[str, str] = Field(default_factory=dict)
    headers_env: Mapping[str, str] = Field(
        default_factory=dict, description="header -> environment variable that holds its value"
    )
    headers_command: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="header -> command that prints its value, run once per collection"
    )
    requests: int = Field(default=50, ge=1, le=100_000, description="per round")
    rate: float = Field(default=50.0, gt=0, le=5_000, description="requests due per second")
    connections: int = Field(default=1, ge=1, le=64, description="that share the schedule; a free one takes the next")
    timeout_s: float = Field(default=10.0, gt=0, description="for the whole request, redirects included")
    connection: Literal["reused", "fresh"] = "reused"
    http_version: Literal["1.1", "2"] = Field(default="1.1", description="2: whatever else is spoken is a failed check")
    max_redirects: int = Field(default=0, ge=0, le=20, description="0: a redirect is an answer like any other")
    proxy: str | None = Field(default=None, description="http://host:port; none is ever taken from the environment")
    proxy_auth_env: str | None = Field(default=None, description="environment variable that holds user:password")
    verify: bool = Field(default=True, description="false: certificate checks become not_checked, never pass")
    ca_file: Path | None = None
    tls_min_version: Literal["1.2", "1.3"] | None = None
    certificate_days_left: int | None = Field(default=None, ge=0)
    expect_status: int | tuple[int, ...] = 200
    expect_headers: Mapping[str, str | bool] = Field(
        default_factory=dict, description="name -> regular expression, true (present) or false (absent)"
    )
    expect_json: Mapping[str, Any] = Field(default_factory=dict, description="path -> expected value")
    expect_text: str | None = None
    expect_match: str | None = Field(default=None, description="regular expression found somewhere in the body")
    expect_schema: Path | None = Field(default=None, description="JSON Schema of the body")
    objective: Objective | None = None

    @field_validator("expect_match", "expect_headers")
    @classmethod
    def _patterns(cls, value: Any) -> Any:
        for pattern in value.values() if isinstance(value, Mapping) else [value]:
            if isinstance(pattern, str):
                try:
                    re.compile(pattern)
                except re.error as error:
                    raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _agrees(self) -> HttpTarget:
        bodies = ("json_body", "form", "body_text", "body_file", "body_env")
        given = [name for name in bodies if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one body, not {' and '.join(given)}")
        if not self.statuses or not all(100 <= status <= 599 for status in self.statuses):
            raise ValueError("expect_status needs one or more statuses between 100 and 599")
        if self.connections > self.requests:
            raise ValueError(f"{self.connections} connections cannot share {self.requests} requests of a round")
        return self

    @property
    def statuses(self) -> tuple[int, ...]:
        """The expected statuses."""
        return (self.expect_status,) if isinstance(self.expect_status, int) else self.expect_status


class WebSocketMessage(_Model):
    """One message to send after connecting."""

    json_payload: Any = Field(default=None, alias="json")
    text: str | None = None
    reply_within_ms: float | None = Field(default=None, gt=0)


class EventContract(_Model):
    """What every received event must look like."""

    required: tuple[str, ...] = Field(default=(), description="dotted paths, each reported by name")
    types: tuple[str, ...] = Field(default=(), description="expected event types, each must be seen")
    type_field: str = "type"
    id_field: str | None = None
    time_field: str | None = None
    schema_file: Path | None = None
    unknown_type: Literal["fail", "allow"] = "allow"


class SequenceRule(_Model):
    """An order of events, per key."""

    name: str = "sequence"
    steps: tuple[str, ...] = Field(min_length=1)
    key: str | None = Field(default=None, description="dotted path; null: one sequence per session")
    mode: Literal["strict", "subsequence", "any_order"] = "subsequence"
    at_least: int = Field(default=1, ge=1)
    gap_ms: float | None = Field(default=None, gt=0)
    total_ms: float | None = Field(default=None, gt=0)


class WebSocketTarget(_Model):
    """One WebSocket endpoint and its contract."""

    url: str
    baseline_url: str | None = None
    sessions: int = Field(default=5, ge=1, le=10_000, description="per round, one after the other on schedule")
    rate: float = Field(default=5.0, gt=0, le=500, description="sessions due per second")
    headers: Mapping[str, str] = Field(default_factory=dict)
    headers_env: Mapping[str, str] = Field(default_factory=dict)
    headers_command: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    verify: bool = True
    ca_file: Path | None = None
    tls_min_version: Literal["1.2", "1.3"] | None = None
    certificate_days_left: int | None = Field(default=None, ge=0)
    subprotocols: tuple[str, ...] = Field(default=(), description="offered in this order; one of them must be chosen")
    timeout_s: float = Field(default=10.0, gt=0)
    send: tuple[WebSocketMessage, ...] = ()
    listen_ms: float = Field(default=5_000, gt=0, description="the deadline: then absence is decided")
    until_type: str | None = Field(default=None, description="an event of this type ends the session early")
    ping_every_ms: float | None = Field(default=None, ge=10, description="null: no pings, as they are traffic too")
    pong_within_ms: float = Field(default=1_000, gt=0)
    expect_close: int | None = Field(default=None, ge=1000, le=4999, description="code with which the server closes")
    require_tls: bool = False
    event: EventContract | None = None
    sequence: tuple[SequenceRule, ...] = ()
    objective: Objective | None = Field(default=None, description="on connect_time")

    @model_validator(mode="after")
    def _one_end(self) -> WebSocketTarget:
        if self.until_type is not None and self.expect_close is not None:
            raise ValueError("until_type ends the session before the server can: leave it out, or expect_close")
        return self


class ResourceTarget(_Model):
    """One process, children included, found by pid, pid file, port or name."""

    pid: int | None = None
    pid_file: Path | None = None
    port: int | None = Field(default=None, ge=1, le=65_535)
    process_name: str | None = None
    baseline_pid: int | None = None
    baseline_pid_file: Path | None = None
    baseline_port: int | None = Field(default=None, ge=1, le=65_535)
    baseline_process_name: str | None = None
    container: bool = Field(default=False, description="also what the whole container of the process uses")

    @model_validator(mode="after")
    def _one_way(self) -> ResourceTarget:
        given = [self.pid, self.pid_file, self.port, self.process_name]
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of pid, pid_file, port, process_name")
        return self


class PrometheusSource(_Model):
    """One query to a Prometheus server, over the time of the collection."""

    url: str
    query: str = Field(min_length=1, description="PromQL of the candidate; one series is clearest")
    baseline_query: str | None = Field(
        default=None, description="PromQL of the baseline, if both are collected at once"
    )
    metric: str | None = Field(
        default=None, description="'memory' (in MB) and 'cpu' (in s) are judged; null: the series"
    )
    step_s: float = Field(default=5.0, gt=0, description="not below the server's scrape interval")
    timeout_s: float = Field(default=10.0, gt=0)
    headers_env: Mapping[str, str] = Field(default_factory=dict)
    headers_command: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    verify: bool = True
    ca_file: Path | None = None


class TestSuite(_Model):
    """One test suite: a command that writes a report, or report files that exist already."""

    __test__ = False  # not a pytest class

    command: tuple[str, ...] = Field(default=(), description="'{output}' is replaced by the report's path")
    files: tuple[str, ...] = Field(default=(), description="paths or globs")
    directory: Path | None = None
    environment: Mapping[str, str] = Field(default_factory=dict)
    timeout_s: float = Field(default=1_800, gt=0)
    confirm_reruns: int = Field(default=5, ge=0, le=50, description="fresh reruns of each newly failing test")
    rerun_known_failures: bool = Field(default=False, description="also rerun what failed in the baseline already")
    rerun_command: tuple[str, ...] = Field(default=(), description="'{output}' and '{test}'")
    retries: Literal["declared", "same_id"] = Field(
        default="declared", description="same_id: cases of one id are attempts in order, and the last counts"
    )
    left_out: tuple[str, ...] = Field(
        default=(), description="globs of test ids that are not to run any more, or not here: their absence is no gap"
    )
    mission_critical: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> TestSuite:
        if bool(self.command) == bool(self.files):
            raise ValueError("give either command or files")
        return self


class FindingMapping(_Model):
    """Where the findings stand in a JSON or CSV file that no reader knows: dotted paths, or names of columns."""

    tool: str = Field(description="what the scan is called; findings of another tool are never compared with it")
    findings: str | None = Field(default=None, description="JSON: dotted path to the list; null: the document itself")
    rule: str
    path: str
    line: str | None = None
    message: str | None = None
    severity: str | None = None
    severities: Mapping[str, str] = Field(default_factory=dict, description="the file's word -> a standard one")
    fingerprint: str | None = Field(default=None, description="the tool's own name for a finding")
    files: str | None = Field(default=None, description="JSON: dotted path to the scanned files, listed or counted")


class ScanSource(_Model):
    """One compliance scan: a command that writes a report, or report files that exist already."""

    command: tuple[str, ...] = Field(default=(), description="'{output}' is replaced by the report's path")
    files: tuple[str, ...] = ()
    directory: Path | None = None
    timeout_s: float = Field(default=1_800, gt=0)
    ok_exit_codes: tuple[int, ...] = (0, 1)
    mapping: FindingMapping | None = Field(default=None, description="for files of a format that no reader knows")

    @model_validator(mode="after")
    def _one_way(self) -> ScanSource:
        if bool(self.command) == bool(self.files):
            raise ValueError("give either command or files")
        return self


class ChangesSource(_Model):
    """The git range between baseline and candidate."""

    repository: Path = Path()
    base: str | None = Field(default=None, description="a commit; null: the baseline run's own commit")
    head: str = "HEAD"


class Area(_Model):
    """What is known of the files under some paths. Never guessed."""

    paths: tuple[str, ...] = Field(min_length=1, description="prefixes or globs")
    owner: str | None = None
    criticality: Literal["critical", "high", "normal", "low"] | None = None
    value: str | None = None


class Journey(_Model):
    """A user journey that carries business value, and the conditions that guard it."""

    name: str
    value: str | None = None
    guarded_by: tuple[str, ...] = ()


class ChecklistLine(_Model):
    """One line of the production-readiness checklist."""

    line: str
    condition: str | None = Field(default=None, description="answered by this condition's outcome")
    target: str | None = None
    check: str | None = Field(default=None, description="answered by this check of that target")


ConditionKind = Literal[
    "latency", "slow_requests", "objective", "error_rate", "checks", "tests", "findings", "resource"
]
Severity = Literal["critical", "high", "normal", "low"]


class Condition(_Model):
    """One thing that must hold for the verdict to be STABLE.

    Margins: ``latency`` and ``resource`` are ratios (0.05 is 5 %), ``error_rate`` and ``slow_requests`` are absolute
    (0.005 is half a percentage point). ``slow_requests`` are those slower than the objective, without one those slower
    than the baseline's own 95th percentile.
    """

    name: str
    kind: ConditionKind
    target: str | None = Field(default=None, description="target, suite or scan it speaks of; null: all of its kind")
    metric: str | None = None
    margin: float | None = Field(default=None, gt=0)
    tail_margin: float | None = Field(default=None, gt=0)
    objective: Objective | None = None
    min_severity: str | None = Field(default=None, description="findings below it are listed, not judged")
    gating: bool = True
    accept_single_run: bool = Field(default=False, description="judge one run a side without known machine noise")
    severity: Severity = "normal"
    advice: str | None = None


class Config(_Model):
    """The whole of ``stabkit.toml``, resolved."""

    project: Project = Project()
    collect: CollectSettings = CollectSettings()
    http: Mapping[str, HttpTarget] = Field(default_factory=dict)
    websocket: Mapping[str, WebSocketTarget] = Field(default_factory=dict)
    resources: Mapping[str, ResourceTarget] = Field(default_factory=dict)
    prometheus: Mapping[str, PrometheusSource] = Field(default_factory=dict)
    tests: Mapping[str, TestSuite] = Field(default_factory=dict)
    scans: Mapping[str, ScanSource] = Field(default_factory=dict)
    records: tuple[str, ...] = Field(default=(), description="stabkit evidence files (JSON), paths or globs")
    changes: ChangesSource | None = None
    areas: Mapping[str, Area] = Field(default_factory=dict)
    journeys: tuple[Journey, ...] = ()
    checklist: tuple[ChecklistLine, ...] = ()
    test_aliases: Mapping[str, str] = Field(default_factory=dict, description="old test id -> new test id")
    condition: tuple[Condition, ...] = ()
    root: Path = Field(default=Path(), description="folder of the file; set on loading", exclude=True)

    @field_validator("condition")
    @classmethod
    def _unique_names(cls, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        names = [condition.name for condition in conditions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two conditions are called {twice[0]!r}")
        return conditions

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The declared conditions, or those that follow from what is declared to be collected."""
        return self.condition or default_conditions(self)

    def path(self, relative: Path | str) -> Path:
        """Return a path of the configuration, made absolute against its folder."""
        return (self.root / Path(relative).expanduser()).resolve()

    @property
    def data(self) -> Path | str:
        """The store's folder, or the address of a remote one."""
        remote = self.project.data.startswith("s3://")
        return self.project.data if remote else self.path(self.project.data)

    def to_json(self) -> str:
        """Return the resolved configuration, as JSON with sorted keys; it holds no secret."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), sort_keys=True)

    @property
    def sha256(self) -> str:
        """The hash of the resolved configuration."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def misspelt_names(config: Config) -> tuple[str, ...]:
    """Return what a condition or a journey names that is not declared, where a declared name is very near.

    A name that is near none may be that of imported evidence, which needs no declaration.
    """
    parts = (config.http, config.websocket, config.resources, config.prometheus, config.tests, config.scans)
    declared = [name for part in parts for name in part]
    names = [condition.name for condition in config.conditions]
    used = [(f"condition {c.name!r} judges", c.target, declared) for c in config.condition if c.target]
    used += [(f"journey {j.name!r} is guarded by", name, names) for j in config.journeys for name in j.guarded_by]
    return tuple(
        f"{who} {name!r}, which is not declared; did you mean {guess!r}?"
        for who, name, known in used
        if name not in known and (guess := nearest(name, known))
    )


def default_conditions(config: Config) -> tuple[Condition, ...]:
    """Return the conditions that follow from the declared targets, suites and scans.

    Each HTTP target gets latency, slow requests, error rate and checks; each WebSocket target connect time and checks;
    each objective, suite, scan and resource its own.
    """
    found: list[Condition] = []
    for name, target in config.http.items():
        found += [
            Condition(name=f"{name} response time", kind="latency", target=name, metric="response_time"),
            Condition(name=f"{name} slow requests", kind="slow_requests", target=name, metric="response_time"),
            Condition(name=f"{name} errors", kind="error_rate", target=name, metric="response_time", severity="high"),
            Condition(name=f"{name} contract", kind="checks", target=name, severity="critical"),
        ]
        if target.objective:
            found.append(
                Condition(
                    name=f"{name} objective",
                    kind="objective",
                    target=name,
                    metric="response_time",
                    objective=target.objective,
                )
            )
    for name, socket in config.websocket.items():
        found += [
            Condition(name=f"{name} contract", kind="checks", target=name, severity="critical"),
            Condition(name=f"{name} session time", kind="latency", target=name, metric="session_time"),
            Condition(name=f"{name} errors", kind="error_rate", target=name, metric="connect_time", severity="high"),
        ]
        if socket.objective:
            found.append(
                Condition(
                    name=f"{name} objective",
                    kind="objective",
                    target=name,
                    metric="connect_time",
                    objective=socket.objective,
                )
            )
    for name, suite in config.tests.items():
        severity: Severity = "critical" if suite.mission_critical else "high"
        found.append(Condition(name=f"{name} tests", kind="tests", target=name, severity=severity))
    found += [Condition(name=f"{name} findings", kind="findings", target=name) for name in config.scans]
    found += [
        Condition(name=f"{name} memory", kind="resource", target=name, metric="memory") for name in config.resources
    ]
    found += [
        Condition(name=f"{name} {source.metric}", kind="resource", target=name, metric=source.metric)
        for name, source in config.prometheus.items()
        if source.metric in ("memory", "cpu")
    ]
    return tuple(found)


def find_config(start: Path | None = None) -> Path | None:
    """Return the nearest ``stabkit.toml``, from the given folder upwards; None if there is none."""
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / CONFIG_NAME).is_file():
            return candidate / CONFIG_NAME
    return None


def write_example(path: Path | str) -> Path:
    """Write a commented configuration to start from, and return its path.

    Raises
    ------
    ConfigError
        The file exists already, or its folder cannot be written. Nothing is overwritten.
    """
    file = Path(path)
    example = Path(__file__).parent / "example.toml"
    try:
        with file.open("x", encoding="utf-8") as output:
            output.write(example.read_text(encoding="utf-8"))
    except FileExistsError:
        raise ConfigError("The file exists already.", where=str(file), hint="Edit it, or move it away first.") from None
    except OSError as error:
        raise ConfigError(
            f"The file cannot be written: {error.strerror or error}.", where=str(file), hint="Choose another folder."
        ) from error
    return file


def load_config(path: Path | str) -> Config:
    """Read and check a configuration file.

    Raises
    ------
    ConfigError
        The file is missing or unreadable, is not TOML, or holds an unknown key or a wrong value; names the key, the
        nearest known key, and all faults found.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError("There is no such file.", where=str(file), hint="Write one with: stabkit init") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The file cannot be read: {error}.", where=str(file)) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = "Correct it there. Text stands in quotes, a table's name in brackets: [http.api]"
        raise ConfigError(f"Not valid TOML: {error}.", where=str(file), hint=hint) from error
    try:
        return Config.model_validate({**data, "root": file.resolve().parent})
    except ValidationError as error:
        raise _translate(error, file) from error


def _translate(error: ValidationError, file: Path) -> ConfigError:
    faults = [_fault(fault) for fault in error.errors(include_url=False)]
    first_key, first_text, hint = faults[0]
    more = [f"{key}: {text}" for key, text, _ in faults[1:]]
    what = first_text + (f" Also: {'; '.join(more)}" if more else "")
    return ConfigError(what, where=f"{file}, key {first_key}", hint=hint)


def _fault(fault: Any) -> tuple[str, str, str]:
    location = [str(part) for part in fault["loc"]]
    key = ".".join(location) or "(file)"
    if fault["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        guess = nearest(location[-1], known)
        hint = f"Did you mean {guess!r}?" if guess else f"Known here: {', '.join(known)}."
        return key, f"Unknown key {location[-1]!r}.", hint
    if fault["type"] == "missing":
        return key, "This key is missing.", f"Add {location[-1]!r}."
    if fault["type"] == "tuple_type":
        return key, "A list is needed here.", 'Such as: ["first", "second"]'
    if fault["type"] == "literal_error":
        known = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        guess = nearest(str(fault["input"]), known)
        hint = (f"Did you mean {guess!r}? " if guess else "") + f"Known: {', '.join(known)}."
        return key, f"There is no {location[-1]} {fault['input']!r}.", hint
    text = str(fault["msg"]).removeprefix("Value error, ")
    return key, f"{text[:1].upper()}{text[1:]}.", "Correct this value."


def _known_keys(location: list[str]) -> list[str]:
    model: Any = Config
    for part in location:
        fields = {(info.alias or name): info for name, info in model.model_fields.items()}
        # A name under a mapping or an index in a list is no field and leaves the model as it is.
        if part in fields:
            model = _inner_model(fields[part].annotation)
        if model is None:
            return []
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return sorted(info.alias or name for name, info in model.model_fields.items() if name != "root")


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        inner = _inner_model(argument)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return inner
    return None
