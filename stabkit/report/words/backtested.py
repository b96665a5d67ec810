"""What a gate makes of unchanged pairs and planted changes, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from stabkit.analyze.gate import (
    Backtest,
    CarriedMargin,
    JudgedPair,
    NotBacktested,
    Outcomes,
    Plant,
    PlantedOutcomes,
    least_caught,
)
from stabkit.kinds import kind_of
from stabkit.numbers import MINUS, SHARES, SPACE, amount_text, measure, percent
from stabkit.report.words.wording import sentence
from stabkit.text import count, joined, plain, verb

__all__ = [
    "alarms_text",
    "carried_text",
    "caught_words",
    "judged_pairs_text",
    "least_text",
    "left_out_texts",
    "margin_now_text",
    "pair_source_text",
    "plant_label",
    "plant_text",
    "quantity_name",
    "short_runs_text",
    "tight_text",
    "trust_texts",
]  # fmt: skip

_SOURCES: Final = {
    "aa": ("A/A pair", "A/A pairs"),
    "same_commit": ("pair of runs of one commit", "pairs of runs of one commit"),
    "rounds": ("run halved", "runs halved"),
}
_FEW: Final = 20  # even without an alarm, fewer allow more than one in six
_OF: Final = {"times": "slower responses", "failures": "failed requests", "readings": "worse readings"}


def plant_text(change: Plant) -> str:
    """Return a planted change in words.

    Examples
    --------
    >>> from stabkit.numbers import SPACE
    >>> changes = Plant("times", factor=1.1), Plant("times", share=0.02, factor=3.0), Plant("failures", share=0.05)
    >>> [plant_text(change).replace(SPACE, " ") for change in changes]
    ['10 % slower', '1 in 50 requests 3 times slower', '5 % of the requests failing']
    """
    if change.factor is None:
        return f"{percent(change.share)} of the requests failing"
    if change.share < 1:
        return f"1 in {1 / change.share:g} requests {change.factor:g} times slower"
    size = percent(change.factor - 1)
    return f"{size} slower" if change.judges == "times" else f"readings {size} worse"


def plant_label(change: Plant) -> str:
    """Return a planted change as short as a column of a figure needs it.

    Examples
    --------
    >>> plant_label(Plant("times", share=0.02, factor=3.0))
    'rare ×3'
    """
    if change.factor is None:
        return f"{percent(change.share)} fail"
    if change.share < 1:
        return f"rare ×{change.factor:g}"
    return f"+{percent(change.factor - 1)}"


def pair_source_text(pair: JudgedPair) -> str:
    """Return where an unchanged pair is from."""
    return _SOURCES[pair.source][0]


def judged_pairs_text(pairs: Sequence[JudgedPair]) -> str:
    """Return how many unchanged pairs there are, and where they are from."""
    sources = Counter(str(pair.source) for pair in pairs)
    parts = [
        f"{amount_text(sources[name])} {words[sources[name] > 1]}" for name, words in _SOURCES.items() if sources[name]
    ]
    return f"judged were {count(len(pairs), 'unchanged pair')}: {joined(parts)}"


def alarms_text(outcomes: Outcomes, low: float, high: float) -> str:
    """Return how many of the unchanged pairs came out regressed, with the bounds of that share.

    Examples
    --------
    >>> from stabkit.numbers import SPACE
    >>> alarms_text(Outcomes(stable=20), 0.0, 0.168).replace(SPACE, " ")
    '0 of 20 (likely 0 to 17 %)'
    """
    bounds = f"likely {percent(low, digits=2).removesuffix(f'{SPACE}%')} to {percent(high, digits=2)}"
    return f"{amount_text(outcomes.regressed)} of {amount_text(outcomes.total)} ({bounds})"


def caught_words(judges: str) -> str:
    """Return what was planted, as a reader calls it: "slower responses"."""
    return _OF[judges]


def trust_texts(found: Backtest) -> list[str]:
    """Return what is to be known of a gate first: its false alarms, its greens, what it catches, what it misses."""
    verdicts = found.verdicts
    open_ = verdicts.inconclusive
    said = [
        sentence(
            f"false alarms: {alarms_text(verdicts, found.alarms_low, found.alarms_high)} of the comparisons in which "
            "nothing had changed"
        ),
        sentence(
            f"of these, {amount_text(verdicts.stable)} came out stable and {amount_text(open_)} undecided",
            "allow more, or measure longer, to decide more of them" if 2 * open_ > verdicts.total else "",
        ),
    ]
    said += [_caught_text(found, judges) for judges in _OF if any(p.plant.judges == judges for p in found.planted)]
    missed = [one for one in found.planted if one.missed]
    if missed:
        parts = [
            f"{plant_text(one.plant)} {amount_text(one.missed)} of {amount_text(one.outcomes.total)}" for one in missed
        ]
        said.append(sentence(f"called stable although worse than you allow: {joined(parts, most=8)}"))
    return [*said, *_bounds_of_it(found), sentence(judged_pairs_text(found.pairs))]


def least_text(planted: Sequence[PlantedOutcomes]) -> str:
    """Return the smallest change of each kind that is caught in 4 of 5 cases, as are all larger ones."""
    found = [least_caught(planted, judges) for judges in dict.fromkeys(one.plant.judges for one in planted)]
    return "; ".join(plant_text(change) for change in found if change is not None) or "none planted"


def _caught_text(found: Backtest, judges: str) -> str:
    change = least_caught(found.planted, judges)
    if change is None:
        return sentence(f"{_OF[judges]} of one target: none that was tried is caught in 4 of 5 cases")
    share = next(one.caught for one in found.planted if one.plant == change)
    return sentence(
        f"{_OF[judges]} of one target: {plant_text(change)} is caught in {percent(share, digits=2)} of cases"
    )


def _bounds_of_it(found: Backtest) -> list[str]:
    """Return what these pairs cannot say."""
    said = []
    halves = sum(pair.source == "rounds" for pair in found.pairs)
    if halves:
        subject = "a halved run has" if halves == 1 else "halved runs have"
        said.append(sentence(f"{subject} half the rounds of a whole one, and not what separate runs differ by"))
    if len(found.pairs) < _FEW:
        reach = percent(found.alarms_high, digits=2)
        few = count(len(found.pairs), "pair")
        said.append(sentence(f"{few} {verb('is', len(found.pairs))} few: up to {reach} false alarms remain possible"))
    return said


def quantity_name(margin: CarriedMargin) -> str:
    """Return what a margin is of."""
    name = "slowest requests" if margin.quantity == "tail" else plain(margin.quantity)
    return name if margin.population is None else f"{plain(margin.population)}, {name}"


def margin_now_text(margin: CarriedMargin) -> str | None:
    """Return the margin that a condition has; None without one."""
    return None if margin.margin is None else _amount(margin, margin.margin)


def carried_text(margin: CarriedMargin) -> str:
    """Return the margin that the evidence can carry."""
    return "nothing yet" if margin.carries is None else _amount(margin, margin.carries)


def _amount(margin: CarriedMargin, value: float) -> str:
    sign = MINUS if margin.worse == "lower" and value else ""
    if margin.scale == "ratio":
        return sign + percent(value, digits=2)
    if margin.unit in SHARES:
        return sign + measure(100 * value, "points", 2)
    return sign + measure(value, margin.unit)


def tight_text(found: Backtest) -> str:
    """Return which margins are narrower than the evidence can carry; empty if none is."""
    tight = [
        f"{plain(one.name)}, {quantity_name(margin)} "
        f"(allowed {margin_now_text(margin)}, evidence settles {carried_text(margin)})"
        for one in found.conditions
        for margin in one.margins
        if margin.too_narrow
    ]
    if not tight:
        return "" if not found.conditions else "Your evidence settles every change that you allow."
    return sentence(f"allow more, or measure longer, for: {joined(tight, most=3)}")


def left_out_texts(left: Sequence[NotBacktested]) -> list[str]:
    """Return which conditions are not backtested, and why."""
    items = [one for one in left if one.reason == "items"]
    bare = [one for one in left if one.reason == "no_samples"]
    said = []
    if items:
        nouns = joined(sorted({kind_of(one.kind).evidence for one in items}), most=4)
        names = joined([plain(one.name) for one in items], most=6)
        said.append(sentence(f"not backtested: {names}", f"nothing can be planted into {nouns}"))
    if bare:
        names = joined([plain(one.name) for one in bare], most=6)
        whose = "it" if len(bare) == 1 else "them"
        said.append(sentence(f"not backtested: {names}", f"no unchanged pair holds samples of {whose} on both sides"))
    return said


def short_runs_text(short: int, runs: int) -> str:
    """Return how many of these runs cannot be halved, as a clause to be added; empty if none was found too short.

    Examples
    --------
    >>> short_runs_text(1, 1), short_runs_text(0, 4)
    (', which has too few rounds to be halved', '')
    >>> short_runs_text(1, 4), short_runs_text(3, 3)
    (', 1 of them has too few rounds to be halved', ', all of them have too few rounds to be halved')
    """
    if not short:
        return ""
    whose = "which has" if runs == 1 else "all of them have" if short == runs else None
    return f", {whose or count(short, 'of them has', 'of them have')} too few rounds to be halved"
