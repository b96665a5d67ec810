"""The keys of ``stabkit.toml`` whose values a report shows: those of this list, and no other.

A command, an environment, a body or a header may hold a secret in any form. A key that is added to a model is hidden
until it is named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from stabkit.redact import redact_text

__all__ = ["HIDDEN", "SHOWN_KEYS", "shown_settings"]

HIDDEN: Final = "set, not shown"
"""What stands in the place of a value that is not shown."""

_ADDRESS: Final = ("url", "baseline_url", "proxy", "proxy_auth_env", "verify", "ca_file", "headers_env", "query_env")
_TLS: Final = ("tls_min_version", "certificate_days_left")
_FILES: Final = ("files", "directory", "baseline_directory", "timeout_s")

SHOWN_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "Project": ("name", "environment", "data"),
    "CollectSettings": ("rounds", "seed", "max_rate", "max_requests", "max_minutes", "again"),
    "HttpTarget": (
        *_ADDRESS, *_TLS, "method", "body_file", "body_env", "requests", "rate", "connections", "warmup_requests",
        "warmup_s", "timeout_s", "connection", "http_version", "max_redirects", "expect_status", "expect_schema",
    ),
    "Objective": ("quantile", "below_ms"),
    "WebSocketTarget": (
        *_ADDRESS, *_TLS, "sessions", "rate", "warmup_sessions", "subprotocols_env", "timeout_s", "listen_ms",
        "until_type", "ping_every_ms", "pong_within_ms", "expect_close", "require_tls",
    ),
    "WebSocketMessage": ("text_env", "json_env", "reply_within_ms"),
    "EventContract": ("required", "types", "type_field", "id_field", "time_field", "schema_file", "unknown_type"),
    "SequenceRule": ("name", "steps", "key", "mode", "at_least", "gap_ms", "total_ms"),
    "ResourceTarget": (
        "pid", "pid_file", "port", "process_name", "baseline_pid", "baseline_pid_file", "baseline_port",
        "baseline_process_name", "container",
    ),
    "PrometheusSource": (
        "url", "query", "baseline_query", "metric", "worse", "unit", "window", "baseline_window", "settle",
        "placebo_days", "quantiles", "step_s", "timeout_s", "headers_env", "verify", "ca_file",
    ),
    "TestSuite": (*_FILES, "confirm_reruns", "rerun_known_failures", "retries", "left_out", "mission_critical"),
    "ScanSource": (*_FILES, "ok_exit_codes"),
    "FindingMapping": (
        "tool", "findings", "rule", "path", "line", "message", "severity", "severities", "fingerprint", "files",
    ),
    "LoadSettings": ("endpoints",),
    "LineSettings": ("accepted",),
    "Config": ("records", "test_aliases"),
    "ChangesSource": ("repository", "base", "head", "packages", "base_tests"),
    "Area": ("paths", "owner", "criticality", "value", "targets"),
    "Journey": ("name", "value", "share", "guarded_by", "suites", "checks", "paths"),
    "ChecklistLine": ("line", "condition", "target", "check"),
    "Condition": (
        "name", "kind", "target", "metric", "margin", "tail_margin", "absolute_margin", "worse", "facts",
        "min_severity", "gating", "accept_single_run", "severity", "advice",
    ),
    "Acceptance": ("finding", "test", "condition", "risk", "reason", "owner", "until"),
}  # fmt: skip
"""Model -> its keys whose values are shown; secrets in them are masked nevertheless."""


def shown_settings(settings: BaseModel) -> dict[str, Any]:
    """Return the resolved settings as JSON values, by key: only what may be shown, and of the rest that it is set.

    Examples
    --------
    >>> from stabkit.config import HttpTarget
    >>> shown = shown_settings(HttpTarget(url="http://x/?token=abc", body_text="pw", headers={"X-Trace": "1"}))
    >>> shown["url"], shown["body_text"], shown["headers"]
    ('http://x/?token=***', 'set, not shown', {'X-Trace': 'set, not shown'})
    """
    allowed = SHOWN_KEYS.get(type(settings).__name__, ())
    found: dict[str, Any] = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value is None or field.exclude:
            continue
        found[field.alias or name] = _shown(value, allowed=name in allowed)
    return dict(sorted(found.items()))


def _shown(value: Any, *, allowed: bool) -> Any:
    if isinstance(value, BaseModel):
        return shown_settings(value)
    if isinstance(value, Mapping):
        # Names are chosen to be read; what stands under them may be anything.
        return {redact_text(str(key)): _shown(inner, allowed=allowed) for key, inner in value.items()}
    if isinstance(value, (list, tuple)) and value and (allowed or any(isinstance(inner, BaseModel) for inner in value)):
        return [_shown(inner, allowed=allowed) for inner in value]
    if isinstance(value, (list, tuple)) and not value:
        return []
    if not allowed:
        return value if value == "" else HIDDEN
    return value if isinstance(value, (bool, int, float)) else redact_text(str(value))
