import pytest

from stabkit.errors import ConfigError, StabkitError, StoreError, UnknownRunError, nearest


def test_error_says_what_where_and_what_to_do():
    error = ConfigError(
        "Unknown key 'roudns'.", where="stabkit.toml, key collect.roudns", hint="Did you mean 'rounds'?"
    )
    assert str(error) == "stabkit.toml, key collect.roudns: Unknown key 'roudns'. Did you mean 'rounds'?"
    assert isinstance(error, StabkitError)


def test_unknown_run_names_the_known_ones_and_the_nearest():
    error = UnknownRunError("v1.5", ["v1.4", "v1.3"])
    assert "No run 'v1.5'." in str(error)
    assert "v1.4, v1.3" in str(error)
    assert "stabkit runs" in str(error)
    assert isinstance(error, StoreError)


def test_many_known_runs_are_cut():
    assert "and 15 more" in str(UnknownRunError("x", [f"run-{i}" for i in range(20)]))


@pytest.mark.parametrize(("word", "expected"), [("roudns", "rounds"), ("zzz", None), ("", None)])
def test_nearest(word, expected):
    assert nearest(word, ["rounds", "requests"]) == expected
