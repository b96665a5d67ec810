import pytest

from stabkit.config import load_config


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "stabkit.toml"
        path.write_text(text, encoding="utf-8")
        return load_config(path)

    return load
