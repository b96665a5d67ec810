from .batch import Made, Progressed, make_reports, run_batch
from .job_lists import Listed, read_list
from .jobs import USUAL_NOTEBOOK, jobs_of, pairs, projects_below
from .notebooks import BUNDLED, bundled_folder, find_notebook, notebook_parameters, read_value
from .reports import Job, ReportFiles, from_here
from .sequential import collect_until_decided

__all__ = [
    "BUNDLED",
    "USUAL_NOTEBOOK",
    "Job",
    "Listed",
    "Made",
    "Progressed",
    "ReportFiles",
    "bundled_folder",
    "collect_until_decided",
    "find_notebook",
    "from_here",
    "jobs_of",
    "make_reports",
    "notebook_parameters",
    "pairs",
    "projects_below",
    "read_list",
    "read_value",
    "run_batch",
]
