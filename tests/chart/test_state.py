import subprocess
import sys

from stabkit.chart import settings_file


def test_settings_file_is_the_working_folders_where_it_has_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MATPLOTLIBRC", raising=False)
    assert settings_file() != str(tmp_path / "matplotlibrc")

    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 3\n")

    assert settings_file().endswith("matplotlibrc")
    assert (tmp_path / "matplotlibrc").samefile(settings_file())


def test_drawing_once_leaves_pyplot_and_the_settings_alone():
    source = (
        "import sys, matplotlib\n"
        "from stabkit.chart import choose_backend, draw_once\n"
        "read = lambda: [matplotlib.rcParams._get(name) for name in matplotlib.rcParams]; before = read()\n"
        "draw_once(); print('matplotlib.pyplot' in sys.modules, before == read())\n"
        "choose_backend('svg'); import matplotlib.pyplot as plt; print(plt.get_backend())"
    )

    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["False", "True", "svg"], done.stderr
