"""The schema of a verdict: the gate, its conditions, their estimates and what they lack."""

from __future__ import annotations

from typing import Final, get_args

from stabkit.analyze import About, Accepted, CollectionPlan, ConditionResult, Estimate, Gate, NeedReason, NeedUnit
from stabkit.report.schemas.shapes import Schema, closed, fields_of, listed, maybe, open_object, value, word
from stabkit.vocabulary import EXIT_CODES, OUTCOMES, VERDICTS

__all__ = ["CONDITION", "CONFIDENCE", "EXIT_CODE", "FACTS_OF_A_CHANGE", "SUBJECT", "VERDICT", "VERDICT_WORD", "version"]

VERDICT_WORD: Final = word("The verdict.", VERDICTS)
CONFIDENCE: Final = value("number", "Of the interval between both bounds of every estimate: 0.95, or that of a look.")
EXIT_CODE: Final = word("0 stable or done, 1 regressed, 2 error, 3 inconclusive.", [])
EXIT_CODE["enum"] = sorted(set(EXIT_CODES.values()))
_SIDE: Final = word("Whose evidence it is; null: of both.", ("baseline", "candidate"), null=True)


def version() -> Schema:
    """Return the schema of the version of a contract."""
    return {"description": "Version of this contract.", "const": 1}


_NEED: Final = closed(
    "What would decide what is open.",
    {
        "amount": value(["integer", "null"], "How many more of the unit; null if it cannot be counted."),
        "unit": word("What more of is needed.", get_args(NeedUnit)),
        "reason": word("Why it is open.", get_args(NeedReason)),
        "detail": value(["string", "null"], "The reason in words."),
        "decidable_margin": value(["number", "null"], "The smallest margin that the evidence at hand could decide."),
        "side": _SIDE,
        "about": word("What exactly, where a reason has several causes.", get_args(About), null=True),
        "subjects": listed({"type": "string"}, "Whom it speaks of: suites, targets, tests, versions."),
        "more": value("integer", "How many subjects there are beyond those listed.", minimum=1),
        "numbers": open_object("Numbers that the words name.", {"type": ["number", "null"]}),
    },
    optional=("more",),
)

_ESTIMATE: Final = closed(
    "One quantity of the candidate against the baseline.",
    fields_of(
        Estimate,
        {
            "name": "Which quantity: p50, error rate.",
            "unit": "Unit of baseline and candidate.",
            "scale": "ratio: candidate / baseline; difference: candidate - baseline.",
            "outcome": "How it came out.",
            "baseline": "The value before; null where there is none.",
            "candidate": "The value after.",
            "change": "The change, on its scale.",
            "low": "Lower bound of the change; null if unbounded or unknown.",
            "high": "Upper bound of the change; null if unbounded or unknown.",
            "margin": "How much worse is allowed.",
            "p_worse": "Probability of such evidence if it were no worse.",
            "beyond_margin": "True if it is shown to be worse than the margin.",
            "n_baseline": "Samples of the baseline.",
            "n_candidate": "Samples of the candidate.",
            "rounds": "Rounds that both rest on; 0 where there are none.",
            "method": "The method of the interval.",
            "flags": "What to know of the interval.",
            "worse": "Which direction is worse.",
        },
        {"need": {"description": "What would decide it; null where nothing is open."} | maybe(_NEED)},
    ),
)

CONDITION: Final = closed(
    "How one condition came out.",
    {
        **fields_of(
            ConditionResult,
            {
                "name": "Its name in stabkit.toml.",
                "kind": "Its kind: latency, tests, findings; of a plugin any other.",
                "outcome": "How it came out.",
                "target": "The target, suite or scan that it speaks of.",
                "metric": "The metric that it judges.",
                "gating": "True if the verdict rests on it.",
                "severity": "How grave it is where it regresses.",
                "advice": "What the configuration advises where it is not stable.",
                "exact": "True if a regression needs no correction for many metrics.",
            },
            {
                "estimates": listed(_ESTIMATE, "The quantities that it judges."),
                "items": listed(
                    open_object("One test, finding or check, with its state."), "What got worse or blocks."
                ),
                "facts": open_object("Counts and values of its kind."),
                "needs": listed(_NEED, "What would decide it."),
            },
        ),
        "more": open_object("State -> how many items there are beyond those listed.", {"type": "integer"}),
    },
    optional=("more",),
)

_ACCEPTED: Final = closed(
    "How one entry of [[accepted]] stands.",
    {
        **fields_of(
            Accepted,
            {
                "kind": "What it accepts: finding, test, condition or risk.",
                "what": "Which one.",
                "reason": "Why.",
                "owner": "Who answers for it.",
                "until": "The last day on which it holds.",
                "state": "Whether it holds.",
                "matches": "What it means in these runs.",
                "spares": "Those of them that would gate without it.",
            },
        ),
        "more": value("integer", "How many matches there are beyond those listed."),
    },
    optional=("more",),
)

_GATE: Final = closed(
    "The verdict and all that it rests on.",
    fields_of(
        Gate,
        {"verdict": "The verdict."},
        {
            "conditions": listed(CONDITION, "In order of weight."),
            "missing": listed({"type": "string"}, "Evidence that is declared or expected and not there, in words."),
            "unjudged": listed({"type": "string"}, "Metrics in the evidence that no condition speaks of."),
            "confidence": CONFIDENCE,
            "plan": maybe(
                closed(
                    "How long a collection decides all that rounds can decide; null where they decide nothing.",
                    fields_of(
                        CollectionPlan,
                        {"rounds": "Rounds in all.", "seconds_per_round": "Seconds that each takes; null if unknown."},
                    ),
                )
            ),
            "accepted": listed(_ACCEPTED, "How each entry of [[accepted]] stands."),
        },
    ),
)

SUBJECT: Final = closed(
    "What a verdict is about.",
    {
        "title": value("string", "Heading of the page."),
        "project": value(["string", "null"], "The project."),
        "environment": value(["string", "null"], "Where it ran."),
        "baseline": value(["string", "null"], "The run before, by its name; null for a first run."),
        "candidate": value(["string", "null"], "The run after, by its name."),
        "at": value(["string", "null"], "Start of the candidate's collection, ISO 8601."),
        "until": value(["string", "null"], "Its end, ISO 8601."),
        "rounds": value(["integer", "null"], "Rounds in which the candidate was probed."),
        "note": value(["string", "null"], "What to know of both runs before anything else."),
    },
)

FACTS_OF_A_CHANGE: Final = open_object("A fact of the git range: path, line, what, change, before, after.")

VERDICT: Final = closed(
    "A verdict with its reasons, as gate prints it and a page begins with it.",
    {
        "schema": version(),
        "kind": {"description": "What this piece is.", "const": "verdict"},
        "word": VERDICT_WORD,
        "exit_code": EXIT_CODE,
        "sentence": value("string", "How many conditions came out how."),
        "reasons": listed(
            closed(
                "One condition that speaks for the verdict.",
                {
                    "outcome": word("How it came out.", OUTCOMES),
                    "subject": value("string", "Which condition."),
                    "text": value("string", "What was seen of it."),
                    "command": value(["string", "null"], "What to run to decide it."),
                    "section": value(["string", "null"], "The section of the page that shows it."),
                },
            ),
            "In order of weight.",
        ),
        "decide": value(["string", "null"], "One command that collects what open conditions lack."),
        "decides": value(["string", "null"], "The open conditions that it decides; null: all of them."),
        "takes": value(["string", "null"], "How long it takes, in words."),
        "metrics": listed(
            closed(
                "One metric, in words.",
                {
                    "name": value("string", "Target, metric and quantity."),
                    "values": value(["string", "null"], "Baseline and candidate."),
                    "change": value("string", "The change with its interval."),
                    "margin": value(["string", "null"], "How much worse is allowed."),
                    "outcome": word("How it came out.", OUTCOMES),
                    "section": value(["string", "null"], "The section of the page that shows it."),
                },
            ),
            "The few that weigh most.",
        ),
        "facts": listed(
            closed(
                "One fact of the line below the verdict.",
                {"label": value("string", "Worse, Better, Stable."), "text": value("string", "What there is of it.")},
            ),
            "What got worse, better, and stayed.",
        ),
        "breaking": listed(FACTS_OF_A_CHANGE, "What the change is proven to take away, the gravest first."),
        "subject": maybe(SUBJECT),
        "largest_change": value(["string", "null"], "The largest change with its interval, in words."),
        "change": maybe(
            closed(
                "The change that weighs most.",
                {"rank": word("Why it does.", ("gravest", "largest")), "text": value("string", "What it is.")},
            )
        ),
        "missing": listed({"type": "string"}, "Evidence that is not there, in words."),
        "command": value(["string", "null"], "What makes the report again."),
        "runs": listed({"type": "string"}, "Run ids, baseline first."),
        "gate": _GATE,
        "notes": listed({"type": "string"}, "What to know of the runs: a clock that is behind, another branch."),
        "provenance": open_object("The content that the verdict was made of, by hashes; of stored runs alone."),
    },
    optional=("notes", "provenance"),
)
