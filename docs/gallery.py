"""Draw the gallery: the example of each function of ``stabkit.plot``, with its picture.

    python docs/gallery.py

The page ``docs/handbook/gallery.md`` is made of the docstrings, the pictures ``docs/images/plot-*.png`` of their
examples. A test makes the page again, and runs what it shows.
"""

from __future__ import annotations

import doctest
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "handbook" / "gallery.md"
IMAGES: Final = ROOT / "docs" / "images"
WIDTH: Final = 7.0
DOTS: Final = 80
HEAD: Final = """# Gallery

Figures of what the store and the statistics give. Each function takes `ax=`, draws in the style in force, and returns
the axes:

```python
import matplotlib.pyplot as plt

import stabkit

store = stabkit.open("data/sample")
result = stabkit.compare_latency(store.samples("build-12"), store.samples("build-13"))
with plt.style.context("ggplot"):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    stabkit.plot.shift(result["backend"], ax=left)
    stabkit.plot.tail(result["backend"], ax=right)
```

The page is made of the docstrings by `python docs/gallery.py`; `help(stabkit.plot.shift)` says what each takes.
"""


def shown() -> dict[str, Callable[..., Any]]:
    """Return the functions that draw, by name, in the order of the page."""
    from stabkit import plot

    order = ("shift", "tail", "dumbbell", "readings", "history", "heatmap", "not_passing", "open_findings", "ages")
    return {name: getattr(plot, name) for name in order}


def example(function: Callable[..., Any]) -> str:
    """Return the example of a docstring as a program."""
    found = doctest.DocTestParser().get_examples(inspect.getdoc(function) or "")
    lines = [one.source for one in found]
    imports = [line for line in lines if line.startswith("import ")]
    return "".join([*imports, "\n", *(line for line in lines if line not in imports)])


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for name, function in shown().items():
        about = (inspect.getdoc(function) or "").partition("\n\nParameters")[0]
        first, _, more = about.partition("\n\n")
        words = " ".join(" ".join(part.split()) for part in (first, more) if part).replace("``", "`")
        alt = f"The picture of stabkit.plot.{name}"
        parts.append(
            f"\n## {name}\n\n{words}\n\n```python\n{example(function)}```\n\n![{alt}](../images/plot-{name}.png)\n"
        )
    return "".join(parts)


def draw() -> None:
    """Write the page and its pictures."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    os.chdir(ROOT)
    PAGE.write_text(page(), encoding="utf-8")
    for name, function in shown().items():
        with plt.rc_context({"figure.figsize": (WIDTH, WIDTH / 2), "savefig.dpi": DOTS}):
            names: dict[str, Any] = {}
            exec(example(function), names)  # noqa: S102 - the example of our own docstring
            names["ax"].figure.savefig(IMAGES / f"plot-{name}.png", metadata={"Software": None})
            plt.close("all")


if __name__ == "__main__":
    draw()
