from .acceptances import accepted_table as accepted_table
from .compliance import breaks_in_words as breaks_in_words, score_pieces as score_pieces
from .no_evidence import absent as absent
from .metrics import key_metrics as key_metrics, strip as strip
from .overall import verdict as verdict
from .subjects import case_subject as case_subject, history_subject as history_subject
from .tests import map_figure as map_figure, not_passing_figure as not_passing_figure
from .tests import suite_figure as suite_figure
