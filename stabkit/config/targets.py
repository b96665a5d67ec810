"""What is measured: HTTP and WebSocket endpoints, processes, a Prometheus server."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from stabkit.config.conditions import Objective
from stabkit.config.model import Model
from stabkit.vocabulary import Worse

__all__ = [
    "EventContract",
    "HttpTarget",
    "PrometheusSource",
    "ResourceTarget",
    "SequenceRule",
    "WebSocketMessage",
    "WebSocketTarget",
]

_AS_NEEDED: Final = 16  # connections; a target that keeps more requests waiting is asked more than it answers
_TABLES: Final = {"http": "[http.NAME]", "https": "[http.NAME]", "ws": "[websocket.NAME]", "wss": "[websocket.NAME]"}


def _address(*schemes: str) -> AfterValidator:
    def check(url: str) -> str:
        scheme, separator, _ = url.partition("://")
        if separator and scheme.lower() in schemes:
            return url
        # The address itself is not repeated: it may hold a password.
        found = f"this one with {scheme}://" if separator and scheme.isalnum() else "this one does not"
        elsewhere = _TABLES.get(scheme.lower()) if separator else None
        hint = f"Such as {schemes[0]}://host:port/path."
        raise PydanticCustomError(
            "address",
            "{what}",
            {
                "what": f"An address begins here with {' or '.join(f'{name}://' for name in schemes)}, {found}",
                "hint": f"It belongs into {elsewhere}; here: {hint[:1].lower()}{hint[1:]}" if elsewhere else hint,
            },
        )

    return AfterValidator(check)


HttpAddress = Annotated[str, _address("http", "https")]
WebSocketAddress = Annotated[str, _address("ws", "wss")]


class HttpTarget(Model):
    """One HTTP endpoint to probe."""

    url: HttpAddress = Field(description="the endpoint, as http://host:port/path")
    baseline_url: HttpAddress | None = Field(
        default=None, description="the same endpoint of the baseline, if both are up"
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = Field(
        default="GET", description="of each request"
    )
    json_body: Any = Field(default=None, description="sent as JSON; only one body may be given")
    form: Mapping[str, str] | None = Field(default=None, description="sent as an HTML form is")
    body_text: str | None = Field(default=None, description="sent as it stands")
    body_file: Path | None = Field(default=None, description="the file whose content is sent")
    body_env: str | None = Field(default=None, description="environment variable that holds the body")
    headers: Mapping[str, str] = Field(default_factory=dict, description="header -> its value; never a secret")
    headers_env: Mapping[str, str] = Field(
        default_factory=dict, description="header -> environment variable that holds its value"
    )
    headers_command: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="header -> command that prints its value, run once per collection"
    )
    query_env: Mapping[str, str] = Field(
        default_factory=dict, description="query parameter -> environment variable that holds its value"
    )
    requests: int = Field(default=50, ge=1, le=100_000, description="per round")
    rate: float = Field(default=50.0, gt=0, le=5_000, description="requests due per second")
    connections: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="that share the schedule; left out: opened as needed, up to 16",
    )
    warmup_requests: int = Field(default=0, ge=0, le=100_000, description="before the first round, and not counted")
    warmup_s: float = Field(default=0.0, ge=0, le=600, description="the same, as seconds of the rate")
    timeout_s: float = Field(default=10.0, gt=0, description="seconds for the whole request, redirects included")
    connection: Literal["reused", "fresh"] = Field(
        default="reused", description="fresh: a connection of its own for each request"
    )
    http_version: Literal["1.1", "2"] = Field(default="1.1", description="2: whatever else is spoken is a failed check")
    max_redirects: int = Field(default=0, ge=0, le=20, description="0: a redirect is an answer like any other")
    proxy: Annotated[str, _address("http")] | None = Field(
        default=None, description="http://host:port; none is ever taken from the environment"
    )
    proxy_auth_env: str | None = Field(default=None, description="environment variable that holds user:password")
    verify: bool = Field(default=True, description="false: certificate checks become not_checked, never pass")
    ca_file: Path | None = Field(default=None, description="certificate of your own authority, PEM")
    tls_min_version: Literal["1.2", "1.3"] | None = Field(
        default=None, description="a connection with less is a failed check"
    )
    certificate_days_left: int | None = Field(
        default=None, ge=0, description="a certificate that ends sooner is a failed check"
    )
    expect_status: int | tuple[int, ...] = Field(default=200, description="status of a good answer, or several")
    expect_headers: Mapping[str, str | bool] = Field(
        default_factory=dict, description="name -> regular expression, true (present) or false (absent)"
    )
    expect_json: Mapping[str, Any] = Field(default_factory=dict, description="path -> expected value")
    expect_text: str | None = Field(default=None, description="found somewhere in the body")
    expect_match: str | None = Field(default=None, description="regular expression found somewhere in the body")
    expect_schema: Path | None = Field(default=None, description="JSON Schema of the body")
    objective: Objective | None = Field(default=None, description="the limit of a quantile of the response time")

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
        if self.connections is not None and self.connections > self.requests:
            raise ValueError(f"{self.connections} connections cannot share {self.requests} requests of a round")
        return self

    @property
    def most_connections(self) -> int:
        """How many connections may be open at once: a request that is due waits for none while there are fewer.

        Examples
        --------
        >>> HttpTarget(url="http://x/").most_connections, HttpTarget(url="http://x/", connections=2).most_connections
        (16, 2)
        """
        return min(_AS_NEEDED, self.requests) if self.connections is None else self.connections

    @property
    def warming(self) -> int:
        """How many requests go before the first round.

        Examples
        --------
        >>> HttpTarget(url="http://x/", warmup_s=2.0, rate=40).warming
        80
        """
        return max(self.warmup_requests, math.ceil(self.warmup_s * self.rate))

    @property
    def statuses(self) -> tuple[int, ...]:
        """The expected statuses."""
        return (self.expect_status,) if isinstance(self.expect_status, int) else self.expect_status


class WebSocketMessage(Model):
    """One message to send after connecting."""

    json_payload: Any = Field(default=None, alias="json", description="sent as JSON text")
    text: str | None = Field(default=None, description="sent as it stands")
    text_env: str | None = Field(default=None, description="environment variable that holds the whole text")
    json_env: str | Mapping[str, str] | None = Field(
        default=None,
        description="environment variable that holds the JSON, or key (dotted) -> variable that holds its value; put "
        "into json where both are given",
    )
    reply_within_ms: float | None = Field(
        default=None, gt=0, description="an answer has to come within so many milliseconds"
    )


class EventContract(Model):
    """What every received event must look like."""

    required: tuple[str, ...] = Field(default=(), description="dotted paths, each reported by name")
    types: tuple[str, ...] = Field(default=(), description="expected event types, each must be seen")
    type_field: str = Field(default="type", description="dotted path of an event's type")
    id_field: str | None = Field(default=None, description="dotted path of its id; no two events may share one")
    time_field: str | None = Field(default=None, description="dotted path of its time; it may not run backwards")
    schema_file: Path | None = Field(default=None, description="JSON Schema of each event")
    unknown_type: Literal["fail", "allow"] = Field(
        default="allow", description="what an event of a type that types does not name is"
    )


class SequenceRule(Model):
    """An order of events, per key."""

    name: str = Field(default="sequence", description="what it is called among the checks")
    steps: tuple[str, ...] = Field(min_length=1, description="types of events, in their order")
    key: str | None = Field(
        default=None, description="dotted path whose value tells sequences apart; left out: one sequence per session"
    )
    mode: Literal["strict", "subsequence", "any_order"] = Field(
        default="subsequence",
        description="strict: nothing else may come; subsequence: others may lie between; any_order: all come",
    )
    at_least: int = Field(default=1, ge=1, description="how many sequences have to be seen, by key")
    gap_ms: float | None = Field(default=None, gt=0, description="most milliseconds between two steps")
    total_ms: float | None = Field(default=None, gt=0, description="most milliseconds from the first step to the last")


class WebSocketTarget(Model):
    """One WebSocket endpoint and its contract."""

    url: WebSocketAddress = Field(description="the endpoint, as ws://host:port/path")
    baseline_url: WebSocketAddress | None = Field(
        default=None, description="the same endpoint of the baseline, if both are up"
    )
    sessions: int = Field(default=5, ge=1, le=10_000, description="per round, one after the other on schedule")
    rate: float = Field(default=5.0, gt=0, le=500, description="sessions due per second")
    headers: Mapping[str, str] = Field(default_factory=dict, description="header -> its value; never a secret")
    headers_env: Mapping[str, str] = Field(
        default_factory=dict, description="header -> environment variable that holds its value"
    )
    headers_command: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="header -> command that prints its value, run once per collection"
    )
    query_env: Mapping[str, str] = Field(
        default_factory=dict, description="query parameter -> environment variable that holds its value"
    )
    warmup_sessions: int = Field(default=0, ge=0, le=10_000, description="before the first round, and not counted")
    verify: bool = Field(default=True, description="false: certificate checks become not_checked, never pass")
    ca_file: Path | None = Field(default=None, description="certificate of your own authority, PEM")
    tls_min_version: Literal["1.2", "1.3"] | None = Field(
        default=None, description="a connection with less is a failed check"
    )
    certificate_days_left: int | None = Field(
        default=None, ge=0, description="a certificate that ends sooner is a failed check"
    )
    subprotocols: tuple[str, ...] = Field(default=(), description="offered in this order; one of them must be chosen")
    subprotocols_env: tuple[str, ...] = Field(
        default=(), description="environment variables of further ones, as where a token is sent so"
    )
    timeout_s: float = Field(default=10.0, gt=0, description="seconds for the connection to be made")
    proxy: Annotated[str, _address("http")] | None = Field(
        default=None, description="http://host:port, asked for a tunnel; none is ever taken from the environment"
    )
    proxy_auth_env: str | None = Field(default=None, description="environment variable that holds user:password")
    send: tuple[WebSocketMessage, ...] = Field(default=(), description="messages to send after connecting")
    listen_ms: float = Field(default=5_000, gt=0, description="the deadline: then absence is decided")
    until_type: str | None = Field(default=None, description="an event of this type ends the session early")
    ping_every_ms: float | None = Field(default=None, ge=10, description="left out: no pings, as they are traffic too")
    pong_within_ms: float = Field(default=1_000, gt=0, description="a later answer to a ping is a failed check")
    expect_close: int | None = Field(default=None, ge=1000, le=4999, description="code with which the server closes")
    require_tls: bool = Field(default=False, description="a connection without TLS is a failed check")
    event: EventContract | None = Field(default=None, description="what every received event must look like")
    sequence: tuple[SequenceRule, ...] = Field(default=(), description="orders of events that must be kept")
    objective: Objective | None = Field(default=None, description="on connect_time")

    @model_validator(mode="after")
    def _one_end(self) -> WebSocketTarget:
        if self.until_type is not None and self.expect_close is not None:
            raise ValueError("until_type ends the session before the server can: leave it out, or expect_close")
        return self


class ResourceTarget(Model):
    """One process, children included, found by pid, pid file, port or name."""

    pid: int | None = Field(default=None, description="its process id")
    pid_file: Path | None = Field(default=None, description="the file that holds its process id")
    port: int | None = Field(default=None, ge=1, le=65_535, description="the port on which it listens")
    process_name: str | None = Field(default=None, description="its name; all others of that name must be its children")
    baseline_pid: int | None = Field(default=None, description="process id of the baseline, if both are up")
    baseline_pid_file: Path | None = Field(default=None, description="the file that holds the baseline's process id")
    baseline_port: int | None = Field(default=None, ge=1, le=65_535, description="the port of the baseline")
    baseline_process_name: str | None = Field(default=None, description="the name of the baseline's process")
    container: bool = Field(default=False, description="also what the whole container of the process uses")

    @model_validator(mode="after")
    def _one_way(self) -> ResourceTarget:
        given = [self.pid, self.pid_file, self.port, self.process_name]
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of pid, pid_file, port, process_name")
        return self


_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600}
_DAY_S: Final = 86_400
_LEAST_STEPS: Final = 20  # a reading may be lacking at either end, and sixteen are needed


def _seconds(value: object) -> object:
    """Return a duration as Prometheus writes it, ``1h30m``, in seconds; a number is one of seconds."""
    if not isinstance(value, str):
        return value
    parts = re.findall(r"(\d+(?:\.\d+)?)([smh])", value)
    if not parts or "".join(n + unit for n, unit in parts) != value.strip():
        raise PydanticCustomError("duration", "a duration is written as 30m, 90s or 1h30m")
    return sum(float(n) * _UNITS_S[unit] for n, unit in parts)


Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(ge=0, allow_inf_nan=False),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?[smh])+\s*$"}]}
    ),
]


class PrometheusSource(Model):
    """One query to a Prometheus server, over the time of the collection, or over two windows around a deploy."""

    url: HttpAddress = Field(description="the server, as http://host:9090")
    query: str = Field(min_length=1, description="PromQL of the candidate; one series is clearest")
    baseline_query: str | None = Field(
        default=None, description="PromQL of the baseline, if both are collected at once"
    )
    metric: str | None = Field(
        default=None, description="'memory' (in MB) and 'cpu' (in s) are judged; left out: the series"
    )
    worse: Worse | None = Field(
        default=None, description="whether more or less is worse, as of a success ratio; 'memory' and 'cpu' are known"
    )
    unit: str | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description="of what the query gives: bytes and seconds become MB and ms; left out: as its name says",
    )
    window: Duration | None = Field(
        default=None, description="how long after a deploy is looked at, as 30m; with it a deploy is judged by itself"
    )
    baseline_window: Duration | None = Field(
        default=None, description="how long before the deploy; left out: as long as the window after it"
    )
    settle: Duration = Field(
        default=0.0, description="what is left out after the deploy; at least the range of a rate() in the query"
    )
    placebo_days: int = Field(
        default=7, ge=0, le=28, description="days without a deploy whose same two windows are what nothing looks like"
    )
    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(), description="of a histogram: the query gives its buckets, sum by (le) (rate(..._bucket[1m]))"
    )
    step_s: float = Field(default=5.0, gt=0, description="not below the server's scrape interval")
    timeout_s: float = Field(default=10.0, gt=0, description="seconds for an answer to come")
    headers_env: Mapping[str, str] = Field(
        default_factory=dict, description="header -> environment variable that holds its value"
    )
    headers_command: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="header -> command that prints its value, run once per collection"
    )
    verify: bool = Field(default=True, description="false: certificate checks become not_checked, never pass")
    ca_file: Path | None = Field(default=None, description="certificate of your own authority, PEM")

    @property
    def before_s(self) -> float:
        """Seconds of the window before a deploy."""
        return (self.window or 0.0) if self.baseline_window is None else self.baseline_window

    @property
    def readings(self) -> tuple[str, ...]:
        """What the metrics are called that the quantiles of a histogram become: ``response_time_p99``."""
        return tuple(f"{self.metric or 'response_time'}_p{100 * share:g}" for share in self.quantiles)

    @model_validator(mode="after")
    def _around_a_deploy(self) -> PrometheusSource:
        alone = {"baseline_window": self.baseline_window, "settle": self.settle, "quantiles": self.quantiles}
        given = next((name for name, value in alone.items() if value), None)
        if self.window is None:
            if given is not None:
                raise ValueError(f"{given} belongs to windows around a deploy: give window, as 30m")
            return self
        if self.baseline_query is not None:
            raise ValueError("window asks one query before and after the deploy: leave baseline_query out")
        if self.before_s + self.settle + self.window > _DAY_S:
            raise ValueError("both windows and settle have to fit into one day, as those of the days before do")
        if min(self.window, self.before_s) < _LEAST_STEPS * self.step_s:
            raise ValueError(f"each window needs at least {_LEAST_STEPS} steps of step_s, {self.step_s:g} s")
        if self.quantiles and not (self.metric or "response_time").endswith("_time"):
            raise ValueError("quantiles are of times: a metric whose name ends in _time, or none")
        return self
