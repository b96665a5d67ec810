"""Logins of WebSocket sessions: tokens from the environment reach the server and nothing else."""

import json

import pytest

from stabkit.errors import ConfigError
from tests.probe.websocket.test_websocket import measure, speak  # noqa: F401

TOKEN = "s3cr3t-tok-XYZ"


def echoing(seen):
    async def talk(connection) -> None:
        seen.append(connection.request.path)
        message = json.loads(await connection.recv())
        seen.append(message)
        await connection.send(json.dumps({"type": f"welcome {message.get('token')}", "echo": message}))
        await connection.close(4401, f"bad token {message.get('token')}")

    return talk


def kept(evidence) -> str:
    return json.dumps({name: frame.astype(str).to_dict("records") for name, frame in evidence.tables.items()})


@pytest.mark.parametrize(
    ("message", "variable"),
    [
        ({"json": {"op": "login"}, "json_env": {"token": "T"}}, TOKEN),
        ({"json_env": {"token": "T"}}, TOKEN),
        ({"json": {"token": "x"}, "json_env": "T"}, json.dumps({"token": TOKEN})),
        ({"json_env": "T"}, json.dumps({"token": TOKEN})),
        ({"text_env": "T"}, json.dumps({"token": TOKEN})),
        ({"text": json.dumps({"token": TOKEN})}, ""),
        ({"json": {"token": TOKEN}}, ""),
    ],
)
def test_a_token_is_sent_and_kept_nowhere(monkeypatch, speak, message, variable) -> None:  # noqa: F811
    monkeypatch.setenv("T", variable)
    seen: list = []
    event = {"required": ["type", "id"]}
    evidence = measure(speak(echoing(seen)).url(), send=[message], event=event, listen_ms=500)
    messages = [one for one in seen if isinstance(one, dict)]  # two sessions may be under way at once
    assert {message["token"] for message in messages} == {TOKEN}
    assert TOKEN not in kept(evidence)
    assert "***" in kept(evidence)


def test_a_token_in_the_query_is_kept_nowhere(monkeypatch, speak) -> None:  # noqa: F811
    monkeypatch.setenv("T", TOKEN)
    seen: list = []
    send = [{"json": {"op": "login"}}]
    evidence = measure(speak(echoing(seen)).url(), send=send, query_env={"ticket": "T"}, listen_ms=500)
    assert seen[0] == f"/?ticket={TOKEN}"
    assert TOKEN not in kept(evidence)


def test_a_token_as_a_subprotocol_is_kept_nowhere(monkeypatch, speak) -> None:  # noqa: F811
    monkeypatch.setenv("T", TOKEN)
    server = speak([{"type": "a"}], subprotocols=["chat"])
    evidence = measure(server.url(), subprotocols=["chat"], subprotocols_env=["T"], listen_ms=200)
    assert TOKEN in server.headers[0]["Sec-WebSocket-Protocol"]
    assert TOKEN not in kept(evidence)
    assert evidence["samples"]["ok"].all()


@pytest.mark.parametrize(
    "message",
    [
        {"json_env": {"token": "UNSET_T"}},
        {"text_env": "UNSET_T"},
        {"json_env": "UNSET_T"},
        {"text": "a", "json": 1},
        {},
    ],
)
def test_what_cannot_be_sent_is_said_before(message) -> None:
    with pytest.raises(ConfigError):
        measure("ws://127.0.0.1:9/", send=[message])


def test_the_variable_that_holds_no_json_is_named_without_its_value(monkeypatch) -> None:
    monkeypatch.setenv("T", TOKEN)
    with pytest.raises(ConfigError, match="'T' holds no JSON") as caught:
        measure("ws://127.0.0.1:9/", send=[{"json_env": "T"}])
    assert TOKEN not in str(caught.value)


def test_warm_up_sessions_are_in_no_sample(speak) -> None:  # noqa: F811
    server = speak([{"type": "a"}])
    evidence = measure(server.url(), warmup_sessions=3, sessions=2, listen_ms=300)
    assert len(server.headers) == 5
    assert len(evidence["samples"].query("metric == 'connect_time'")) == 2
