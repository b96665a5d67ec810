"""Every history of a store: told part by part, here or on a cluster, and held against each other."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from stabkit.analyze.history import Survey, merged_surveys, survey
from stabkit.case import history_parts, open_runs, part_histories
from stabkit.errors import NotebookError, StabkitError
from stabkit.pipeline.outputs import Output
from stabkit.pipeline.workers import check_workers, connected, lost, store_needs
from stabkit.redact import redact_text
from stabkit.report.display import Piece
from stabkit.report.page import check_folder, render, write_whole

if TYPE_CHECKING:
    from stabkit.store import Store

__all__ = ["survey_store", "write_survey"]


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
