"""A forked kernel is a plain one: whatever a notebook does, papermill's own engine writes the same outputs."""

import contextlib
import json
import re

import nbformat
import papermill
import pytest

from stabkit.pipeline.execute import execute_notebook
from stabkit.pipeline.kernels import is_wanted

pytestmark = pytest.mark.skipif(not is_wanted(), reason="kernels are forked on Linux alone")

TORTURE = [
    "!echo shell; echo err >&2",
    "%%bash\necho bash; exit 0",
    "%%bash\nexit 3",
    "import os, sys\nimport time\nos.system('echo system'); time.sleep(0.5)",
    "print('to stderr', file=sys.stderr); print('to stdout')",
    "os.write(1, b'raw'); sys.__stdout__.write('raw too'); sys.__stdout__.flush(); time.sleep(0.5)",
    "import asyncio\nawait asyncio.sleep(0.01)\n'awaited'",
    "pending = asyncio.sleep(0)\ntry:\n    asyncio.run(pending)\nfinally:\n    pending.close()",
    "from IPython.display import SVG, clear_output, display, update_display\n"
    "display('first', display_id='one'); update_display('second', display_id='one')",
    "print('gone'); clear_output(wait=True); print('stays')",
    "import threading\nthread = threading.Thread(target=print, args=('of a thread',)); thread.start(); thread.join()",
    "import warnings\nwarnings.warn('careful'); warnings.warn('careful', DeprecationWarning)",
    "import logging\nlogging.warning('logged'); logging.getLogger('x').error('logged too'); logging.info('not shown')",
    'SVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>\')',
    "input('asked: ')",
    "import multiprocessing\n"
    "def squared(number):\n    return number**2\n"
    "with multiprocessing.get_context('fork').Pool(2) as pool:\n    print(pool.map(squared, range(5)))",
    "1 + 1",
    "Out[max(Out)], _, In[-1]",
    "%%time\nsum(range(1000))",
    "def broken(depth):\n    return 1 / 0 if depth == 0 else broken(depth - 1)\nbroken(3)",
    "import signal, subprocess\n"
    "deaf = subprocess.Popen([sys.executable, '-c', 'import signal, time; "
    "signal.signal(signal.SIGINT, signal.SIG_IGN); print(1, flush=True); time.sleep(60)'], stdout=subprocess.PIPE)\n"
    "deaf.stdout.read(1), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), "
    "signal.getsignal(signal.SIGPIPE), signal.getsignal(signal.SIGCHLD)",
    "os.kill(os.getpid(), signal.SIGINT)",
    "subprocess.run(['cat'], capture_output=True, timeout=5).stdout, sys.stdin.read(), sys.stdin.isatty()",
    "subprocess.run([sys.executable, '-c', 'import sys, os; print(sorted(os.environ), sys.path)'],"
    " capture_output=True, text=True).stdout",
    "sys.argv[0], sys.orig_argv[1:4], sys.path, sys.flags, os.getcwd(), sys.executable, "
    "sys.warnoptions, sys.getrecursionlimit()",
    "sorted(os.environ), os.environ.get('MPLBACKEND'), os.environ.get('OPENBLAS_NUM_THREADS')",
    "import resource\n"
    "[resource.getrlimit(getattr(resource, name)) for name in sorted(dir(resource)) if name.startswith('RLIMIT')]",
    "os.getsid(0) == os.getpid() == os.getpgid(0), sorted(os.sched_getaffinity(0)), os.umask(0o22), os.nice(0)",
    "signal.pthread_sigmask(signal.SIG_BLOCK, []), sys.stdout.encoding, sys.__stdout__.encoding, sys.__stderr__.errors",
    "__name__, sys.modules['__main__'].__dict__ is globals(), 'stabkit.pipeline' in sys.modules",
    "import stabkit\nhasattr(stabkit, 'pipeline')",
    "import matplotlib\nmatplotlib.get_backend(auto_select=False), sorted(matplotlib.rcParams.items(), key=str)",
    "import matplotlib.pyplot as plt\nimport numpy as np\n"
    "figure, axes = plt.subplots(); axes.plot(np.arange(9) ** 2); plt.show(); matplotlib.get_backend()",
    "%config InlineBackend.figure_formats = ['png', 'retina']\nplt.bar(range(3), range(3));",
    "from matplotlib.figure import Figure\nfigure = Figure(); figure.add_subplot().scatter([1, 2], [3, 4]); figure",
    "import pandas as pd\n"
    "frame = pd.DataFrame({'x': np.linspace(0, 1, 5), 'y': list('abcde')}); display(frame); frame.style.format()",
    "from pandas._config.config import _global_config\nstr(_global_config)",
    "rng = np.random.default_rng(7); np.random.seed(1); import random; random.seed(1)\n"
    "rng.random(3), np.random.random(3), random.random()",
    "matrix = np.random.default_rng(0).random((300, 300)); float((matrix @ matrix @ matrix).sum()).hex()",
    "from threadpoolctl import threadpool_info\nsorted({info['num_threads'] for info in threadpool_info()})",
    "import locale, time\nlocale.getlocale(), locale.getpreferredencoding(), time.tzname, sys.getfilesystemencoding()",
    "import gc\ngc.isenabled(), gc.get_threshold()",
    "sorted(set(map(type, logging.getLogger().handlers)), key=str), logging.getLogger().level",
    "import duckdb\nduckdb.sql('select 42 as x').df()",
    "import pyarrow as pa\npa.table({'x': [1, 2]})",
    "get_ipython().history_manager.hist_file, get_ipython().profile",
    "from IPython.utils import io\nwith io.capture_output() as taken:\n    print('taken')\ntaken.stdout",
    "%who_ls",
    "exec('raise SystemExit(0)')",
]
# A plain kernel's outputs differ between two runs in these, and only in these.
VARYING = [
    (r"0x[0-9a-f]{6,}", "0xADDRESS"),
    (r"ipykernel_\d+", "ipykernel_PID"),
    (r"(CPU times|Wall time): .*", r"\1"),
    (r"stabkit-\w+", "stabkit-FOLDER"),
    (r"T_[0-9a-f]{5}", "T_STYLE"),
    (r"/tmp\w+\.json", "CONNECTION"),
]


def outputs_of(notebook):
    """Return each code cell's outputs as text, what varies between two plain runs taken out."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown = json.dumps(cell.outputs, sort_keys=True)
            for pattern, instead in VARYING:
                shown = re.sub(pattern, instead, shown)
            found.append((cell.source, shown))
    return found


def plainly(path, folder):
    """Return a notebook as papermill's own engine leaves it, whatever it raised."""
    output = path.with_suffix(".out.ipynb")
    with contextlib.suppress(papermill.PapermillExecutionError):
        papermill.execute_notebook(str(path), str(output), kernel_name="python3", cwd=str(folder), progress_bar=False)
    node = nbformat.read(output, 4)
    node.cells = [cell for cell in node.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    return node


@pytest.fixture
def torture(notebook):
    path = notebook(*TORTURE, name="torture.ipynb")
    node = nbformat.read(path, 4)
    for cell in node.cells:
        cell.metadata["tags"] = ["raises-exception"]
    nbformat.write(node, path)
    return path


def test_a_tortured_kernel_answers_as_a_plain_one(torture, tmp_path, monkeypatch):
    for name in ("MPLBACKEND", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    warm = execute_notebook(torture, folder=tmp_path)

    pairs = zip(outputs_of(warm.notebook), outputs_of(plainly(torture, tmp_path)), strict=True)
    assert [(ours, theirs) for ours, theirs in pairs if ours != theirs] == []
    assert "ZeroDivisionError" in str(warm.notebook)
    assert str(warm.notebook).count("image/png") >= 3
