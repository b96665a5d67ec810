"""The page of an executed notebook as nbconvert finds it: ``jupyter nbconvert --to stabkit out.ipynb``.

nbconvert loads the exporters of all packages at every start: what renders is imported as soon as it is needed.
"""

from __future__ import annotations

from typing import Any

import nbformat
from nbconvert.exporters import Exporter
from nbconvert.utils.exceptions import ConversionException
from traitlets import Unicode

from stabkit.errors import NotebookError

__all__ = ["StabkitExporter"]


class StabkitExporter(Exporter):
    """Makes of a notebook that was executed the page that ``stabkit report`` would have written."""

    export_from_notebook = "stabkit page"
    output_mimetype = "text/html"
    index = Unicode("", help="Relative address of an index page, for the way back; none if empty.").tag(config=True)

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]  # a page is text; nbconvert's own exporters do the same
        self, nb: nbformat.NotebookNode, resources: Any = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page of a notebook, and what nbconvert carries along.

        Raises
        ------
        ConversionException
            It is no notebook that can be shown.
        """
        from stabkit.report.page import render

        notebook, carried = super().from_notebook_node(nb, resources, **kwargs)
        recorded = notebook.metadata.setdefault("papermill", nbformat.NotebookNode())
        if not recorded.get("input_path"):  # executed by another hand: the page is named after its file
            recorded["input_path"] = f"{carried.get('metadata', {}).get('name') or 'notebook'}.ipynb"
        try:
            page = render(notebook, index=self.index or None)
        except NotebookError as error:
            raise ConversionException(str(error)) from error
        from stabkit.report.attestation import with_statement

        return with_statement(page)[0], carried
