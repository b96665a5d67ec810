"""What all pages carry, reports and index alike: their style."""

from __future__ import annotations

from functools import cache

from stabkit.report.display import TEMPLATES

__all__ = ["page_css"]


@cache
def page_css(*more: str) -> str:
    """Return the style of all pages, then what one kind of page has beside it, such as ``index``."""
    files = [(TEMPLATES / "stabkit" / f"{name}.css").read_text(encoding="utf-8") for name in ("page", *more)]
    return "".join(files).replace("\n", "")
