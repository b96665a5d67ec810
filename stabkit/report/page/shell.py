"""What all pages carry, reports and index alike: their style, and the version that made them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from stabkit.report.display import TEMPLATES

__all__ = ["package_version", "page_css"]


@cache
def package_version() -> str:
    """Return the version that pages carry."""
    return version("stabkit")


@cache
def page_css(*more: str) -> str:
    """Return the style of all pages, then what one kind of page has beside it, such as ``index``."""
    files = [(TEMPLATES / "stabkit" / f"{name}.css").read_text(encoding="utf-8") for name in ("page", *more)]
    return "".join(files).replace("\n", "")
