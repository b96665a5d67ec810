"""The answer, first on the page: verdict, reasons, key metrics, what got worse, and the command that would decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from stabkit.chart import Strip
from stabkit.errors import UsageError
from stabkit.report.display.badges import badge
from stabkit.report.display.escape import markdown_code, markdown_text, plain_text
from stabkit.report.display.outline import Section
from stabkit.report.display.piece import Piece
from stabkit.text import joined
from stabkit.vocabulary import EXIT_CODES, VERDICTS

__all__ = ["KeyMetric", "Reason", "Subject", "Verdict"]

SHOWN_REASONS: Final = 5
# Where a reader finds what the facts count.
_SHOWN_IN: Final[Mapping[str, Section]] = {
    "Worse": Section.risks,
    "Better": Section.key_metrics,
    "Stable": Section.key_metrics,
    "Changed": Section.change_impact,
    "Not measured": Section.conclusion,
    "Accepted": Section.risks,
}


@dataclass(frozen=True)
class Subject:
    """What a verdict is about.

    Attributes
    ----------
    title : str
        The page's heading: "Stability of v1.5 (a1b2c3d) against v1.4 (9f8e7d6)".
    at, until : str or None
        Start and end of the candidate's collection, ISO 8601, UTC.
    rounds : int or None
        Rounds in which the candidate was probed.
    note : str or None
        What the reader has to know of both runs before anything else: that they were measured at different times.
    """

    title: str
    project: str | None = None
    environment: str | None = None
    baseline: str | None = None
    candidate: str | None = None
    at: str | None = None
    rounds: int | None = None
    note: str | None = None
    until: str | None = None

    @property
    def heading(self) -> str:
        """The title, with the note beside it."""
        return f"{self.title} · {self.note}" if self.note else self.title


@dataclass(frozen=True)
class Reason:
    """One condition that speaks for the verdict.

    Attributes
    ----------
    subject, text : str
        "backend /health p99", and what was seen of it, with interval and margin.
    command : str or None
        What to run to decide it.
    section : str or None
        Heading (without number) of the section that shows it.
    alike : str
        Equal for reasons that a page shows as one line, with the names of the others; empty: it stands alone.
    """

    outcome: str
    subject: str
    text: str
    command: str | None = None
    section: str | None = None
    alike: str = field(default="", repr=False, compare=False)

    def __str__(self) -> str:
        return plain_text(f"{badge(self.outcome)[0]} {self.subject}: {self.text}")


@dataclass(frozen=True)
class KeyMetric:
    """One metric of the first screen: what it was and is, how it changed, and where that lies in its margin.

    Attributes
    ----------
    name, values, change : str
        "backend response time p99", "176 → 272 ms", "+55 % [+44, +66]"; ``values`` may be empty.
    outcome : str
    strip : Strip or None
        None without an interval or a margin.
    margin : str or None
        "20 %": how much worse it may become.
    section : str or None
        Heading (without number) of the section that shows it.
    """

    name: str
    values: str
    change: str
    outcome: str
    strip: Strip | None = None
    margin: str | None = None
    section: str | None = None

    def content(self) -> dict[str, Any]:
        """Return the metric as JSON values."""
        words = {"change": self.change, "margin": self.margin, "outcome": self.outcome, "section": self.section}
        return {"name": self.name, "values": self.values or None, **words}

    def __str__(self) -> str:
        glyph, _, word = badge(self.outcome)
        margin = f"allowed {self.margin}" if self.margin else ""
        seen = ", ".join(part for part in (self.values, self.change, margin, word) if part)
        return plain_text(f"{glyph} {self.name}: {seen}")


@dataclass(frozen=True, repr=False)
class Verdict(Piece):
    """The answer, first on the page: word, sentence, reasons in order of weight, key metrics, facts.

    Parameters
    ----------
    word : {"stable", "regressed", "inconclusive"}
    sentence : str
        One sentence: how many conditions came out how.
    facts : tuple of (label, text)
        The line below: Worse, Better, Stable, Changed, Not measured.
    breaking : tuple of mappings
        What the change is proven to take away, the gravest first, whether a condition judges it or not.
    largest_change : str or None
        For the index: the largest change with its interval.
    missing : tuple of str
        Evidence that is not there.
    command : str or None
        What reproduces this report.
    runs : tuple of str
        Run ids this rests on, baseline first.
    gate : object
        The gate (dataclass or mapping), for the JSON result.
    metrics : tuple of KeyMetric
        The few that weigh most, with bounds.
    decide : str or None
        One command that collects what the open conditions lack.
    decides : str or None
        The open conditions that this command can decide, in words; None if it can decide all of them.
    takes : str or None
        How long the command takes, in words; None if unknown.
    notes : tuple of str
        What to know of the two runs before anything else: a clock that is behind, another branch.
    provenance : mapping or None
        What the verdict rests on, by name and hash; part of the result, and shown nowhere.
    """

    kind: ClassVar[str] = "verdict"
    word: Literal["stable", "regressed", "inconclusive"]
    sentence: str
    reasons: tuple[Reason, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    subject: Subject | None = None
    largest_change: str | None = None
    change: Mapping[str, str] | None = None
    missing: tuple[str, ...] = ()
    command: str | None = None
    runs: tuple[str, ...] = ()
    gate: Any = None
    metrics: tuple[KeyMetric, ...] = ()
    decide: str | None = None
    decides: str | None = None
    takes: str | None = None
    notes: tuple[str, ...] = ()
    breaking: tuple[Mapping[str, Any], ...] = ()
    provenance: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.word not in VERDICTS:
            raise UsageError(f"No verdict {self.word!r}.", hint="Known: stable, regressed, inconclusive.")

    @property
    def first_reasons(self) -> tuple[Reason, ...]:
        """The reasons that are always shown, of those that are alike the first; one more than fits is shown too."""
        heads = tuple({one.alike or str(number): one for number, one in reversed([*enumerate(self.reasons)])}.values())
        heads = heads[::-1]
        return heads if len(heads) <= SHOWN_REASONS + 1 else heads[:SHOWN_REASONS]

    @property
    def more_reasons(self) -> tuple[Reason, ...]:
        """The reasons behind the fold: of less weight, or like one of the first."""
        shown = self.first_reasons
        return tuple(one for one in self.reasons if not any(one is first for first in shown))

    def also(self, reason: Reason) -> str:
        """Return the names of the reasons that a reason stands for beside itself; empty if it stands alone."""
        same = [one for one in self.reasons if reason.alike and one.alike == reason.alike and one is not reason]
        return joined((one.subject for one in same), most=4)

    @staticmethod
    def shown_in(label: str) -> str | None:
        """Return the heading of the section that shows what a label of the facts counts; None if none does."""
        return _SHOWN_IN.get(label)

    @property
    def to_decide(self) -> str:
        """Return what stands before the command: "To decide", with the conditions if it cannot decide all."""
        takes = f" ({self.takes})" if self.takes else ""
        return f"To decide {self.decides}{takes}" if self.decides else f"To decide{takes}"

    @property
    def exit_code(self) -> int:
        """0 stable, 1 regressed, 3 inconclusive."""
        return EXIT_CODES[self.word]

    def __repr__(self) -> str:
        head = [plain_text(self.subject.heading)] if self.subject else []
        head.append(f"{badge(self.word)[0]} {self.word.upper()}  {plain_text(self.sentence)}")
        head += [f"  Note: {plain_text(note)}" for note in self.notes]
        decide = [f"{plain_text(self.to_decide)}: {plain_text(self.decide)}"] if self.decide else []
        metrics = ["Key metrics:", *(f"  {metric}" for metric in self.metrics)] if self.metrics else []
        facts = [plain_text(f"{label}: {text}") for label, text in self.facts]
        return "\n".join([*head, *(f"  {reason}" for reason in self.reasons), *decide, *metrics, *facts])

    def markdown(self) -> str:
        """Return the content as Markdown."""
        lines = [f"**{badge(self.word)[0]} {self.word.upper()}** {markdown_text(self.sentence)}", ""]
        if self.subject and self.subject.note:
            lines[1:1] = ["", markdown_text(f"{self.subject.note[:1].upper()}{self.subject.note[1:]}.")]
        lines += [line for note in self.notes for line in (f"*{markdown_text(note)}*", "")]
        for reason in self.reasons:
            glyph, _, word = badge(reason.outcome)
            subject, text = markdown_text(reason.subject), markdown_text(reason.text)
            lines.append(f"- {glyph} {word}: **{subject}** {text}")
        if self.decide:
            lines += ["", f"**{markdown_text(self.to_decide)}** {markdown_code(self.decide)}"]
        if self.metrics:
            lines += ["", "| Key metric | Before → now | Change | Allowed | Outcome |", "|---|--:|--:|--:|---|"]
            lines += [
                f"| {' | '.join(markdown_text(cell or '–') for cell in (m.name, m.values, m.change, m.margin))}"
                f" | {' '.join(badge(m.outcome)[::2])} |"
                for m in self.metrics
            ]
        if self.facts:
            lines += ["", " · ".join(f"**{markdown_text(label)}** {markdown_text(text)}" for label, text in self.facts)]
        return "\n".join(lines).strip()

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {
            "word": self.word,
            "exit_code": self.exit_code,
            "sentence": self.sentence,
            "reasons": list(self.reasons),
            "decide": self.decide,
            "decides": self.decides,
            "takes": self.takes,
            "metrics": [metric.content() for metric in self.metrics],
            "facts": [{"label": label, "text": text} for label, text in self.facts],
            "breaking": list(self.breaking),
            "subject": self.subject,
            "largest_change": self.largest_change,
            "change": self.change,
            "missing": list(self.missing),
            "command": self.command,
            "runs": list(self.runs),
            "gate": self.gate,
            **({"notes": list(self.notes)} if self.notes else {}),
            **({"provenance": self.provenance} if self.provenance else {}),
        }
