"""The charts of the reports, to be drawn on axes of your own: each takes a frame, draws it, and says what it shows.

``chart.draw(axes)`` draws on any matplotlib axes, ``chart.describe()`` returns title, text alternative and caption, and
``stabkit.Figure.of(chart)`` shows both, with the frame as a table below, in a notebook and on a page.

Examples
--------
>>> import pandas as pd
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

__all__ = [
    "AgeBars", "Chart", "Description", "DumbbellChart", "EventTimeline", "HeadroomChart", "HistoryLines", "ImpactBars",
    "NewFixedBars", "NotPassingBars", "OpenBars", "ResourceLines", "ShiftPlot", "StatusMap", "TailCurve", "new_axes",
]  # fmt: skip
