from .again import AGAIN as AGAIN, Again as Again
from .differences import moved as moved
from .earlier import known_deploys as known_deploys, look_back as look_back
from .earlier_runs import with_history as with_history
from .freshness import doubt_old_files as doubt_old_files, doubt_old_sides as doubt_old_sides
from .freshness import fresh_collection as fresh_collection
from .loaded import Case as Case, case_of_range as case_of_range, load_case as load_case
from .opening import baseline_named as baseline_named, first_parameters as first_parameters
from .opening import open_runs as open_runs
from .order import Behind as Behind, behind as behind
from .provenance import Lost as Lost, lost_since as lost_since
from .run_evidence import existing as existing, files_alone as files_alone, load_run as load_run
from .run_evidence import run_before as run_before
from .run_evidence import sketches_of as sketches_of, states_its_start as states_its_start
from .self_pairs import MOST_PAIRS as MOST_PAIRS, UnchangedPairs as UnchangedPairs, known_noise as known_noise
from .self_pairs import load_unchanged_pairs as load_unchanged_pairs
from .settings import find_settings as find_settings, find_settings_file as find_settings_file, is_store as is_store
from .settings import open_project as open_project, places as places
from .stored_runs import StoredRuns as StoredRuns, history_parts as history_parts, load_history as load_history
from .stored_runs import part_histories as part_histories
