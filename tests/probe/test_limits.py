"""What protects the target: refusals before anything is sent, and an end in time."""

import pytest

from stabkit.collect.session import collect
from stabkit.config import CollectSettings, Config
from stabkit.errors import ConfigError
from stabkit.probe.limits import TimeLimit, check_limits


def config(target: dict, **limits: float) -> Config:
    return Config.model_validate({"http": {"api": {"url": "http://127.0.0.1:9/", **target}}, "collect": limits})


def everything(_kind: str, _name: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("target", "limits", "where", "words"),
    [
        ({"rate": 2_000}, {}, "http.api.rate", "above the limit of 1000"),
        ({"requests": 50_000}, {"rounds": 100}, "http.api", "above the limit of 1,000,000"),
        ({"requests": 60, "rate": 1}, {"rounds": 500}, "collect.max_minutes", "would take 500 minutes"),
        ({"requests": 60, "rate": 1}, {"rounds": 3, "max_minutes": 2}, "collect.max_minutes", "3 minutes, 2 are"),
    ],
)
def test_more_than_the_target_should_bear_is_refused(target, limits, where, words) -> None:
    with pytest.raises(ConfigError) as caught:
        check_limits(config(target, **limits), everything, rounds=limits.get("rounds", 10), sides=1, ends_early=False)
    assert caught.value.where == where
    assert words in str(caught.value)


def test_both_sides_and_listening_count_as_time() -> None:
    both = config({"requests": 60, "rate": 1, "baseline_url": "http://127.0.0.1:8/"}, max_minutes=3)
    check_limits(both, everything, rounds=2, sides=1, ends_early=False)
    with pytest.raises(ConfigError, match="4 minutes"):
        check_limits(both, everything, rounds=2, sides=2, ends_early=False)
    check_limits(both, everything, rounds=2, sides=2, ends_early=True)  # the number of rounds is then no plan
    socket = {"url": "ws://127.0.0.1:9/", "sessions": 1, "rate": 1, "listen_ms": 60_000}
    listening = Config.model_validate({"websocket": {"events": socket}, "collect": {"max_minutes": 5}})
    with pytest.raises(ConfigError, match="10 minutes"):
        check_limits(listening, everything, rounds=10, sides=1, ends_early=False)
    check_limits(listening, lambda kind, name: False, rounds=10, sides=1, ends_early=False)


def test_the_time_runs_from_the_first_question() -> None:
    now = iter([100.0, 159.0, 160.0])
    limit = TimeLimit(CollectSettings(max_minutes=1), clock=lambda: next(now))
    assert [limit(), limit(), limit()] == [False, False, True]
    assert limit.reached


def test_a_collection_that_ran_out_of_time_is_not_complete(serve, answering, http_answer) -> None:
    def slowly(_number: int, _request: bytes) -> bytes:
        import time

        time.sleep(0.05)
        return http_answer()

    server = serve(answering(slowly))
    # Planned in 0.2 s of 0.3; the target takes 0.5 s a round.
    one = {"url": server.url(), "requests": 10, "rate": 200, "connections": 1}
    settings = config(one, rounds=4, max_minutes=0.005)
    found = collect(settings, label="v1")
    samples = found.evidence["candidate"]["samples"]
    assert samples["round"].nunique() < 4
    assert not found.runs["candidate"]["complete"]
    sources = found.evidence["candidate"]["sources"]
    assert "max_minutes" in sources.loc[sources["status"] == "partial", "message"].iloc[0]


def test_refused_before_anything_is_sent(serve, answering, http_answer) -> None:
    server = serve(answering(http_answer()))
    with pytest.raises(ConfigError, match="above the limit"):
        collect(config({"url": server.url(), "rate": 500}, max_rate=100), label="v1")
    assert server.accepted == 0
