"""Every history of a store: told part by part, here or on a cluster, and held against each other."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import nbformat
import numpy as np

from stabkit.analyze.history import Survey, merged_surveys, survey
from stabkit.case import history_parts, open_runs, part_histories
from stabkit.errors import NotebookError, StabkitError, UsageError, nearest
from stabkit.pipeline.outputs import Output
from stabkit.pipeline.workers import check_workers, connected, lost, store_needs
from stabkit.redact import redact_text
from stabkit.report.display import Piece
from stabkit.report.page import check_folder, render, write_whole
from stabkit.text import joined

if TYPE_CHECKING:
    from stabkit.store import Store

__all__ = ["COUNTED", "survey_one", "survey_store", "write_survey"]


COUNTED: Final = {
    "pass_rate": ("table tests", "tests"),
    "suite_size": ("table tests", "suite_size"),
    "findings": ("table scans", "findings"),
    "coverage": ("table coverage", "coverage"),
}
"""Metric -> the part of a store that its histories are told from, and what they are called there."""


def survey_store(store: Store, *, cluster: str | None = None) -> Survey:
    """Return which histories of a store moved, the most surprising first.

    Parameters
    ----------
    cluster : str, optional
        Where to work on the parts of the store: as of :func:`.run_batch`.

    Raises
    ------
    StoreError
        The store cannot be read.
    UsageError
        The cluster cannot do this work.
    NotebookError
        The cluster was lost.

    Examples
    --------
    >>> from stabkit.store import open_store
    >>> survey_store(open_store("data/sample")).moved[0].about["subject"]
    'ruff'
    """
    parts = history_parts(store)
    if cluster is None:
        return merged_surveys([survey(part_histories(store, part)) for part in parts])
    place = str(store.place)
    with connected(cluster) as client:
        check_workers(client, store_needs(store))
        futures = client.map(_part, parts, place=place, pure=False, retries=1)
        try:
            return merged_surveys(client.gather(futures))
        except StabkitError:
            raise
        except Exception as error:
            if client.status != "running":
                raise lost() from error
            raise NotebookError(
                f"A worker could not read its part of the store: {type(error).__name__}: {redact_text(str(error))}",
                where=place,
                hint="Run the same command without --cluster to see more.",
            ) from error
        finally:
            with contextlib.suppress(Exception):
                client.cancel(futures)


def survey_one(store: Store, target: str, metric: str) -> tuple[Survey, Mapping[str, Any], Any]:
    """Return what one history that is no time tells, what it is of, and its values; of several, the one measured last.

    Parameters
    ----------
    target : str
        The target, suite or tool; of coverage the report.
    metric : str
        ``pass_rate``, ``suite_size``, ``findings``, ``coverage``, or a reading such as ``memory``.

    Raises
    ------
    UsageError
        No stored run has it.

    Examples
    --------
    >>> from stabkit.store import open_store
    >>> found, about, values = survey_one(open_store("data/sample"), "ruff", "findings")
    >>> about["unit"], len(found.moved)
    ('count', 1)
    """
    part, told = COUNTED.get(metric, (metric, metric))
    every = part_histories(store, part) if part in history_parts(store) else []
    kept = [(about, values) for about, values in every if about["metric"] == told and about["value"] != "failed"]
    mine = [history for history in kept if history[0]["subject"] == target]
    if not mine:
        subjects = sorted({str(about["subject"]) for about, _ in kept})
        guess = nearest(target, subjects)
        raise UsageError(
            f"No stored run has {metric} of {target!r}.",
            hint=(f"Did you mean {guess!r}? " if guess else "")
            + (f"There is that of: {joined(subjects, most=5)}." if subjects else "What is stored: stabkit runs"),
        )
    newest = {name: place for place, name in enumerate(store.runs()["label"].fillna(""))}
    about, values = max(
        mine, key=lambda one: newest.get(one[0]["runs"][int(np.flatnonzero(np.isfinite(one[1]))[-1])], -1)
    )
    return merged_surveys([survey([(about, values)])]), about, values


def write_survey(sections: Mapping[str, Piece], output: Output) -> Path:
    """Write what a survey shows as a page, ``trend.html``, with its JSON and Markdown beside it; return the page.

    Parameters
    ----------
    sections : mapping
        As :func:`stabkit.report.survey_sections` returns them.

    Raises
    ------
    UsageError, NotebookError
        The folder cannot be written.
    """
    check_folder(output.folder)
    cells = []
    for heading, shown in sections.items():
        cells.append(nbformat.v4.new_markdown_cell(f"## {heading}" if heading else "# What moved"))
        told = nbformat.v4.new_output("display_data", data=shown._repr_mimebundle_())
        cells.append(nbformat.v4.new_code_cell("", outputs=[told]))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {"input_path": "trend.ipynb"}})
    rendered = render(notebook)
    page, markdown, result = (output.folder / f"trend.{suffix}" for suffix in ("html", "md", "json"))
    write_whole({page: rendered.html, markdown: rendered.markdown, result: rendered.json})
    output.publish((page, markdown, result))
    return page


def _part(part: str, *, place: str) -> Survey:
    """Tell one part of a store, at a worker."""
    return survey(part_histories(open_runs(place), part))
