import pytest

from stabkit.config import doubtful_margins, load_config, misspelt_names
from stabkit.errors import ConfigError


def test_conditions_follow_from_what_is_declared(load):
    config = load(
        '[http.api]\nurl = "http://h"\nobjective = { below_ms = 150 }\n'
        '[tests.unit]\nfiles = ["a.xml"]\n[scans.ruff]\nfiles = ["r.sarif"]\n[resources.api]\npid = 1\n'
    )
    assert [condition.name for condition in config.conditions] == [
        "api response time",
        "api errors",
        "api contract",
        "api objective",
        "unit tests",
        "ruff findings",
        "api memory",
    ]


def test_declared_conditions_replace_the_derived_ones(load):
    config = load('[http.api]\nurl = "http://h"\n[[condition]]\nname = "only this"\nkind = "checks"\n')
    assert [condition.name for condition in config.conditions] == ["only this"]


def test_a_margin_meant_as_per_cent_is_doubted(load):
    kinds = {
        "a": ("latency", "tail_margin = 1.5"),
        "b": ("error_rate", "margin = 1"),
        "c": ("latency", "margin = 0.99"),
    }
    text = "".join(f'[[condition]]\nname = "{n}"\nkind = "{kind}"\n{key}\n' for n, (kind, key) in kinds.items())
    assert doubtful_margins(load(text)) == (
        "condition 'a': tail_margin = 1.5 allows 150 % more; 1.5 % is written 0.015",
        "condition 'b': margin = 1 allows 100 percentage points more; 1 percentage points is written 0.01",
    )


@pytest.mark.parametrize("key", ["margin", "tail_margin"])
def test_a_margin_of_five_is_refused(load, key):
    with pytest.raises(ConfigError, match=r"5 would allow 500 % more; a margin is a share: 5 % is 0\.05"):
        load(f'[[condition]]\nname = "c"\nkind = "latency"\n{key} = 5\n')


@pytest.mark.parametrize("margin", ["1e-300", "inf"])
def test_a_margin_that_no_evidence_can_decide_is_refused(load, margin):
    with pytest.raises(ConfigError, match="margin"):
        load(f'[[condition]]\nname = "c"\nkind = "latency"\nmargin = {margin}\n')


def test_hash_follows_content_not_place(tmp_path):
    hashes = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "stabkit.toml"
        path.write_text("[collect]\nrounds = 3\n")
        hashes.add(load_config(path).sha256)
    assert len(hashes) == 1


def test_names_that_are_nearly_declared_are_told(load):
    config = load(
        '[http.checkout]\nurl = "http://h"\n'
        '[[condition]]\nname = "checkout time"\nkind = "latency"\ntarget = "chekout"\n'
        '[[condition]]\nname = "imported"\nkind = "tests"\ntarget = "from-elsewhere"\n'
        '[[journeys]]\nname = "buy"\nguarded_by = ["checkout time", "checkout tme"]\n'
    )
    assert misspelt_names(config) == (
        "condition 'checkout time' judges 'chekout', which is not declared; did you mean 'checkout'?",
        "journey 'buy' is guarded by 'checkout tme', which is not declared; did you mean 'checkout time'?",
    )
    assert misspelt_names(load('[http.api]\nurl = "http://h"\n')) == ()


def test_what_a_page_shows_of_a_configuration_holds_no_secret(load):
    config = load(
        '[http.api]\nurl = "http://h/?api_key=hunter22&page=1"\nheaders_env = { Authorization = "TOKEN_OF_SHOP" }\n'
        'json_body = { user = "ann", inner = { password = "hunter22" } }\n'
        '[websocket.chat]\nurl = "ws://h/?token=hunter22"\nsend = [{ json = { secret = "hunter22" } }]\n'
        '[tests.unit]\ncommand = ["run", "http://ann:hunter22@h/", "{output}"]\n'
        'environment = { API_TOKEN = "hunter22" }\n'
    )
    shown = config.to_json()
    assert "hunter22" not in shown
    assert "page=1" in shown
    assert "TOKEN_OF_SHOP" in shown
    assert '"ann"' in shown
