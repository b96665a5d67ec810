"""The record of the kind: all that stabkit has to know of it."""

from stabkit.kinds import Kind

__all__ = ["SUPPRESSIONS"]

SUPPRESSIONS = Kind(
    "suppressions",
    "stabkit_example_plugin.suppressions",
    ("scan", "records"),
    judges="items",
    evidence="scans",
    question="Is no finding newly suppressed?",
    section="compliance",
    noun="suppression",
    rule="a finding is suppressed that was not before; one is enough",
)
