"""Figures of one's own: what the store and the statistics give, drawn on axes of one's own.

``shift``, ``tail``, ``dumbbell``, ``readings``, ``history``, ``heatmap``, ``not_passing``, ``open_findings`` and
``ages`` take a result or a store, draw on ``ax`` (None: a new figure), in the style in force, and return the axes.
Their titles say what is shown, and of a comparison what its verdict says. The handbook's gallery shows each.

The charts of the reports are classes beside them: each takes a frame. ``chart.draw(axes)`` draws it,
``chart.describe()`` returns title, text alternative and caption, and ``stabkit.Figure.of(chart)`` shows both, with the
frame as a table below, in a notebook and on a page.

Examples
--------
>>> import pandas as pd
>>> from stabkit.plot import ShiftPlot
>>> moved = pd.DataFrame({"quantile": [0.5, 0.99], "difference_ms": [0.1, 9.0], "low_ms": [-1, 4], "high_ms": [1, 14]})
>>> ShiftPlot(moved, of="chat").describe().title.replace(chr(0x202F), " ")
'chat: p99 is slower, by 9.00 ms'
"""

from stabkit.chart import (
    AgeBars,
    DumbbellChart,
    EventTimeline,
    HeadroomChart,
    HistoryLines,
    ImpactBars,
    NewFixedBars,
    NotPassingBars,
    OpenBars,
    ResourceLines,
    ShiftPlot,
    StatusMap,
    TailCurve,
)
from stabkit.chart.drawing import Chart, Description, new_axes
from stabkit.plot.comparisons import dumbbell, readings, shift, tail
from stabkit.plot.findings_over_runs import ages, open_findings
from stabkit.plot.runs import heatmap, history, not_passing

__all__ = [
    "AgeBars", "Chart", "Description", "DumbbellChart", "EventTimeline", "HeadroomChart", "HistoryLines", "ImpactBars",
    "NewFixedBars", "NotPassingBars", "OpenBars", "ResourceLines", "ShiftPlot", "StatusMap", "TailCurve", "ages",
    "dumbbell", "heatmap", "history", "new_axes", "not_passing", "open_findings", "readings", "shift", "tail",
]  # fmt: skip
