from .attempts import Made as Made, State as State, Task as Task, Workers as Workers, report_there as report_there
from .cluster import cluster_workers as cluster_workers
from .connections import check_workers as check_workers, connected as connected, lost as lost
from .needs import store_needs as store_needs
from .threads import EXPECTED_MB as EXPECTED_MB, Threads as Threads, cores as cores, free_mb as free_mb
from .threads import thread_workers as thread_workers
