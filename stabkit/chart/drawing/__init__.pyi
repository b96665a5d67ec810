from .canvas import draw_blocks as draw_blocks, new_axes as new_axes, to_svg as to_svg
from .chart import Chart as Chart
from .description import SIDE_NAMES as SIDE_NAMES, Description as Description, Sizes as Sizes
from .description import judged_text as judged_text, lower_first as lower_first, sizes_text as sizes_text
from .palette import BASELINE as BASELINE, CANDIDATE as CANDIDATE, FAINT as FAINT, GLYPHS as GLYPHS, GROUND as GROUND
from .palette import INCONCLUSIVE as INCONCLUSIVE, INCONCLUSIVE_INK as INCONCLUSIVE_INK, INK as INK, MUTE as MUTE
from .palette import NO_VALUE as NO_VALUE, OUTCOME_INKS as OUTCOME_INKS, PALETTE as PALETTE, REGRESSED as REGRESSED
from .palette import REGRESSED_INK as REGRESSED_INK, RULE as RULE, SAFE_BAND as SAFE_BAND, SEVERITY as SEVERITY
from .palette import WIDTH_IN as WIDTH_IN
from .style import annotate_empty as annotate_empty, draw_bars as draw_bars, escape_label as escape_label
from .style import even_ticks as even_ticks, few_ticks as few_ticks, height_pt as height_pt, label_end as label_end
from .style import label_row as label_row, name_colours as name_colours, name_rows as name_rows
from .style import name_sides as name_sides, say as say, settle as settle, spread as spread, text_pt as text_pt
from .style import width_pt as width_pt
from .timeline import label_runs as label_runs, mark_gaps as mark_gaps, mark_releases as mark_releases
from .user_style import draw_in as draw_in
from .timeline import releases as releases, run_name as run_name, step_edges as step_edges
