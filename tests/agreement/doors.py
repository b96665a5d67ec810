"""The public doors to one comparison: each is asked once, and only what it says in public is kept."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any, Final

import pandas as pd

import stabkit
from stabkit.cli import run

JSON: Final = "application/vnd.stabkit+json"
SECTIONS: Final = (
    "verdict",
    "executive_summary",
    "key_metrics",
    "availability",
    "websocket",
    "compliance",
    "change_impact",
    "test_results",
    "response_times",
    "business_value",
    "risks",
    "resources",
    "readiness",
    "recommendations",
    "conclusion",
    "evidence_and_method",
)
DELTAS: Final = ("headline", "comparisons", "targets", "shift", "tail", "stages", "rounds", "history")

Piece = Mapping[str, Any]


class Doors:
    """What the command line, the report and each notebook's object say of the two runs of a scene."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene

    # --- the command line ---------------------------------------------------------------------------------------------

    def say(self, *words: object) -> tuple[int, str, str]:
        """Run one command of the scene's project; return its exit code, stdout and stderr."""
        places = ["--config", self.scene.config, "--data", self.scene.data]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([str(word) for word in (*words, *places)])
        assert "Traceback" not in err.getvalue(), err.getvalue()
        return code, out.getvalue(), err.getvalue()

    @property
    def sides(self) -> tuple[str, str]:
        return self.scene.baseline, self.scene.candidate

    @cached_property
    def gate(self) -> Piece:
        """What ``gate`` says, as JSON, with the exit code that it ended with."""
        code, out, _ = self.say("gate", *self.sides, "--format", "json")
        return {**json.loads(out), "ended_with": code}

    @cached_property
    def conditions(self) -> dict[str, Piece]:
        return {condition["name"]: condition for condition in self.gate["gate"]["conditions"]}

    def gate_in(self, form: str) -> str:
        return self.say("gate", *self.sides, "--format", form)[1]

    def explained(self, condition: str, form: str = "json") -> Any:
        code, out, err = self.say("explain", *self.sides, condition, "--format", form)
        assert code == 0, err
        return json.loads(out) if form == "json" else out

    def differing(self) -> Piece:
        """What ``diff`` says of the two runs."""
        code, out, err = self.say("diff", *self.sides, "--format", "json")
        assert code == 0, err
        return json.loads(out)

    def trend(self, target: str, metric: str = "response_time") -> dict[str, Piece]:
        """What ``trend`` says of each run, by label."""
        code, out, err = self.say("trend", target, "--metric", metric, "--format", "json")
        assert code == 0, err
        return {row["label"]: row for table in tables(json.loads(out)) for row in table["rows"]}

    # --- the report and the notebooks' objects ------------------------------------------------------------------------

    @cached_property
    def store(self) -> Any:
        return stabkit.open(self.scene.data)

    @cached_property
    def report(self) -> Any:
        return stabkit.stability_report(**self._compared)

    @cached_property
    def deltas(self) -> Any:
        return stabkit.latency_deltas(**self._compared)

    @cached_property
    def impact(self) -> Any:
        return stabkit.change_impact(**self._compared)

    @cached_property
    def compliance(self) -> Any:
        return stabkit.compliance_history(data=self.scene.data)

    @cached_property
    def trends(self) -> Any:
        return stabkit.test_trends(data=self.scene.data, config=self.scene.config)

    @property
    def _compared(self) -> dict[str, Any]:
        baseline, candidate = self.sides
        return {
            "baseline": baseline,
            "candidate": candidate,
            "data": self.scene.data,
            "config": self.scene.config,
        }

    def shown(self, name: str, of: str = "report") -> dict[str, Any]:
        """Return one section of an object in all its forms, by media type."""
        return self._shown(name, of)

    @cached_property
    def _shown(self) -> Any:
        return cache(lambda name, of: getattr(getattr(self, of), name)()._repr_mimebundle_())

    def piece(self, name: str, of: str = "report") -> Piece:
        return self.shown(name, of)[JSON]

    # --- facts of the store -------------------------------------------------------------------------------------------

    def run_id(self, label: str) -> str:
        return str(self.store.run(label)["run_id"])

    def quantiles(self, label: str, target: str, connection: str | None = None) -> Piece:
        """What ``Store.quantiles`` says of one population of one run."""
        found = self.store.quantiles(by=("run_id", "target"), runs=[label])
        found = found[found["target"] == target]
        kinds = found["connection"].isna() if connection is None else found["connection"] == connection
        (row,) = found[kinds].to_dict("records")
        return {key: None if pd.isna(value) else value for key, value in row.items()}


def pieces(piece: Piece) -> Iterator[Piece]:
    """Yield a piece and all pieces in it."""
    yield piece
    for inner in piece.get("pieces") or ():
        yield from pieces(inner)


def tables(piece: Piece) -> list[Piece]:
    return [inner for inner in pieces(piece) if inner["kind"] == "table"]


def figures(piece: Piece) -> list[Piece]:
    return [inner for inner in pieces(piece) if inner["kind"] == "figure"]


def sentences(piece: Piece) -> list[str]:
    return [line for inner in pieces(piece) if inner["kind"] == "statement" for line in inner["sentences"]]


def read(document: str) -> Piece:
    return json.loads(document)
