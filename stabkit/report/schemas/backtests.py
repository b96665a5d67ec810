"""The schema of a backtest: a gate over the unchanged pairs of a store, and over changes planted into them."""

from __future__ import annotations

from typing import Any, Final

from stabkit.report.schemas.shapes import Schema, closed, listed, value, word
from stabkit.report.schemas.verdicts import VERDICT_WORD, version
from stabkit.vocabulary import OUTCOMES

__all__ = ["BACKTEST"]


def _outcomes(description: str) -> Schema:
    return closed(description, {name: value("integer", f"How many came out {name}.", minimum=0) for name in OUTCOMES})


def _share(description: str) -> Schema:
    return value("number", description, minimum=0, maximum=1)


_ALARMS: Final[dict[str, Any]] = {
    "alarms_low": _share("Lower exact 95 % bound of the share of unchanged pairs called regressed."),
    "alarms_high": _share("Its upper bound."),
}
_PLANTED: Final = listed(
    closed(
        "One planted change.",
        {
            "plant": closed(
                "What was planted.",
                {
                    "judges": word("What the change is of.", ("times", "failures", "readings")),
                    "share": _share("The share of samples that it is planted into."),
                    "factor": value(["number", "null"], "Times so many of a time or reading; null of failures."),
                },
            ),
            "outcomes": _outcomes("What became of it, by outcome."),
            "missed": value("integer", "Of those called stable, how many had moved by more than their margin."),
        },
    ),
    "Small changes first.",
)
_NAME: Final = value("string", "The condition.")
_KIND: Final = value("string", "What kind of condition it is.")

BACKTEST: Final = closed(
    "How a gate judges what did not change, and what it catches.",
    {
        "schema": version(),
        "kind": {"description": "What this is.", "const": "backtest"},
        "environment": value(["string", "null"], "Where the runs were made; null if they do not say."),
        "runs": value("integer", "Complete runs with samples."),
        "runs_too_short": value("integer", "Of those, how many have too few rounds to be halved."),
        "pairs": listed(
            closed(
                "One unchanged pair, as it is.",
                {
                    "source": word("Where it is from.", ("aa", "same_commit", "rounds")),
                    "first": value("string", "What people call its first run."),
                    "second": value("string", "What people call its second run."),
                    "rounds": value("integer", "Rounds a side."),
                    "verdict": VERDICT_WORD,
                    "alarms": listed({"type": "string"}, "Conditions that called it regressed."),
                },
            ),
            "Oldest first.",
        ),
        "conditions": listed(
            closed(
                "One condition over all pairs that hold its evidence.",
                {
                    "name": _NAME,
                    "kind": _KIND,
                    "target": value(["string", "null"], "Whom it asks; null: several."),
                    "metric": value(["string", "null"], "Which metric; null: several."),
                    "gating": value("boolean", "False if it only warns."),
                    "unchanged": _outcomes("Unchanged pairs, by outcome."),
                    **_ALARMS,
                    "planted": _PLANTED,
                    "margins": listed(
                        closed(
                            "The margin that the evidence can carry.",
                            {
                                "quantity": value("string", "Of which estimate: p50, tail, error rate."),
                                "scale": word("Of its change.", ("ratio", "difference")),
                                "unit": value("string", "Unit of the quantity."),
                                "margin": value(["number", "null"], "The one it has; of a limit the limit."),
                                "carries": value(
                                    ["number", "null"], "The smallest by which 4 of 5 unchanged pairs are stable."
                                ),
                                "pairs": value("integer", "Pairs in which it was estimated."),
                                "population": value(["string", "null"], "What it is of, where there are several."),
                                "worse": word("Which way is worse.", ("higher", "lower")),
                                "limit": value("boolean", "True if it is a limit, not a change."),
                            },
                        ),
                        "One a quantity.",
                    ),
                },
            ),
            "In the order of the configuration.",
        ),
        "verdicts": _outcomes("Unchanged pairs by the verdict of the whole gate, its measured conditions alone."),
        **_ALARMS,
        "planted": _PLANTED,
        "not_backtested": listed(
            closed(
                "A condition of which nothing is said.",
                {
                    "name": _NAME,
                    "kind": _KIND,
                    "reason": word(
                        "items: nothing can be planted into what it judges; no_samples: no pair holds its evidence.",
                        ("items", "no_samples"),
                    ),
                },
            ),
            "In the order of the configuration.",
        ),
    },
)
