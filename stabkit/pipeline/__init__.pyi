from .batch import Progressed as Progressed, make_reports as make_reports, run_batch as run_batch
from .bundled import BUNDLED as BUNDLED, bundled_folder as bundled_folder, copy_notebooks as copy_notebooks
from .bundled import copy_sample as copy_sample, plugged_notebooks as plugged_notebooks
from .bundled import sample_folder as sample_folder, write_own_notebook as write_own_notebook
from .engine import Engine as Engine
from .job_lists import Listed as Listed, read_list as read_list
from .jobs import USUAL_NOTEBOOK as USUAL_NOTEBOOK, jobs_of as jobs_of, pairs as pairs, projects_below as projects_below
from .kernels import prepare_kernels as prepare_kernels
from .notebooks import find_notebook as find_notebook, notebook_parameters as notebook_parameters
from .notebooks import read_value as read_value
from .outputs import Output as Output, open_output as open_output
from .reports import Job as Job, ReportFiles as ReportFiles, from_here as from_here
from .sequential import collect_until_decided as collect_until_decided
from .surveys import survey_one as survey_one, survey_store as survey_store, write_survey as write_survey
from .workers import Made as Made
