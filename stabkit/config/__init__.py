"""``stabkit.toml`` as typed, frozen models: targets, suites, scans, journeys, conditions, margins.

Unknown keys are refused with the nearest known name. Secrets are never values here: a header or payload names the
environment variable that holds it. Relative paths are relative to the configuration file.
"""

from __future__ import annotations

from stabkit.config.acceptances import Acceptance, AcceptedKind, literal_brackets
from stabkit.config.completion import SCHEMA_DIRECTIVE, SCHEMA_NAME, config_schema, write_schema
from stabkit.config.conditions import AT_LEAST, Condition, ConditionKind, Objective, Severity
from stabkit.config.defaults import coverage_condition, scan_condition, suite_condition, target_conditions
from stabkit.config.expressions import LONGEST_SEARCH_S, is_found, replaced
from stabkit.config.loading import find_config, load_config, nearest_config, refuse_existing, write_example
from stabkit.config.path_patterns import path_matches, path_pattern
from stabkit.config.readiness import Area, ChecklistLine, Journey
from stabkit.config.settings import (
    CollectSettings,
    Config,
    LoadSettings,
    Project,
    default_conditions,
    doubtful_margins,
    is_expression,
    misspelt_names,
    times_condition,
)
from stabkit.config.shown_keys import HIDDEN
from stabkit.config.sources import ChangesSource, CoverageSource, FindingMapping, ScanSource, TestSuite
from stabkit.config.targets import (
    EventContract,
    HttpTarget,
    PrometheusSource,
    ResourceTarget,
    SequenceRule,
    WebSocketMessage,
    WebSocketTarget,
)

__all__ = [
    "AT_LEAST",
    "HIDDEN",
    "LONGEST_SEARCH_S",
    "SCHEMA_DIRECTIVE",
    "SCHEMA_NAME",
    "Acceptance",
    "AcceptedKind",
    "Area",
    "ChangesSource",
    "ChecklistLine",
    "CollectSettings",
    "Condition",
    "ConditionKind",
    "Config",
    "CoverageSource",
    "EventContract",
    "FindingMapping",
    "HttpTarget",
    "Journey",
    "LoadSettings",
    "Objective",
    "Project",
    "PrometheusSource",
    "ResourceTarget",
    "ScanSource",
    "SequenceRule",
    "Severity",
    "TestSuite",
    "WebSocketMessage",
    "WebSocketTarget",
    "config_schema",
    "coverage_condition",
    "default_conditions",
    "doubtful_margins",
    "find_config",
    "is_expression",
    "is_found",
    "literal_brackets",
    "load_config",
    "misspelt_names",
    "nearest_config",
    "path_matches",
    "path_pattern",
    "refuse_existing",
    "replaced",
    "scan_condition",
    "suite_condition",
    "target_conditions",
    "times_condition",
    "write_example",
    "write_schema",
]
