from .batch import Made as Made, Progressed as Progressed, make_reports as make_reports, run_batch as run_batch
from .job_lists import Listed as Listed, read_list as read_list
from .jobs import USUAL_NOTEBOOK as USUAL_NOTEBOOK, jobs_of as jobs_of, pairs as pairs, projects_below as projects_below
from .notebooks import BUNDLED as BUNDLED, bundled_folder as bundled_folder, find_notebook as find_notebook
from .notebooks import notebook_parameters as notebook_parameters, read_value as read_value
from .reports import Job as Job, ReportFiles as ReportFiles, from_here as from_here
from .sequential import collect_until_decided as collect_until_decided
