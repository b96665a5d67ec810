from .attempts import Made as Made, State as State, Task as Task, Workers as Workers, report_there as report_there
from .cluster import cluster_workers as cluster_workers
from .threads import EXPECTED_MB as EXPECTED_MB, Threads as Threads, cores as cores, free_mb as free_mb
from .threads import thread_workers as thread_workers
