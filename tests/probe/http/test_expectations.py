"""What answers owe: statuses, headers, bodies, schemas; what is sent, and who says the secrets."""

import json
import sys

import pytest
from pydantic import ValidationError

from stabkit.config import HttpTarget
from stabkit.errors import ConfigError

HEADERS = "Content-Type: application/json; charset=utf-8\r\nX-Version: 1.5.2\r\n"


@pytest.mark.parametrize(
    ("name", "wanted", "outcome", "words"),
    [
        ("content-type", "^application/json", "pass", None),
        ("X-VERSION", r"^1\.5\.", "pass", None),
        ("x-version", r"^2\.", "fail", "round 0, request 0: '1.5.2'"),
        ("x-version", True, "pass", None),
        ("x-frame-options", True, "fail", "round 0, request 0: absent"),
        ("x-frame-options", ".", "fail", "absent"),
        ("server", False, "pass", None),
        ("x-version", False, "fail", "'1.5.2'"),
    ],
)
def test_headers(serve, answering, http_answer, probe_http, check_of, name, wanted, outcome, words) -> None:
    evidence = probe_http(serve(answering(http_answer(headers=HEADERS))).url(), expect_headers={name: wanted})
    row = check_of(evidence, f"header {name}")
    assert row["outcome"] == outcome
    assert words is None or words in row["detail"]
    assert evidence["samples"]["ok"].all()  # its time was measured all the same


@pytest.mark.parametrize(
    ("body", "settings", "outcome", "words"),
    [
        (b"version 1.5.2", {"expect_match": r"version \d+\.\d+"}, "pass", None),
        (b"version x", {"expect_match": r"version \d+"}, "fail", "matches nothing in the body"),
        (b'{"a": [{"b": 1}]}', {"expect_json": {"$.a[0].b": 1}}, "pass", None),
        (b'{"a": []}', {"expect_json": {"$.a[0].b": 1}}, "fail", "$.a[0].b is missing"),
    ],
)
def test_bodies(serve, answering, http_answer, probe_http, check_of, body, settings, outcome, words) -> None:
    row = check_of(probe_http(serve(answering(http_answer(body))).url(), **settings), "body")
    assert row["outcome"] == outcome
    assert words is None or words in row["detail"]


def test_an_equal_body_of_another_charset_is_judged_anew(serve, answering, http_answer, probe_http, check_of) -> None:
    def answer(number: int, _request: bytes) -> bytes:
        return http_answer(
            "ü".encode("latin-1"), headers="Content-Type: text/plain; charset=latin-1\r\n" * (number % 2)
        )

    row = check_of(probe_http(serve(answering(answer)).url(), expect_text="ü", requests=4), "body")
    assert row["observed"] == "2 of 4 requests"


def test_schema(tmp_path, serve, answering, http_answer, probe_http, check_of) -> None:
    schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
    (tmp_path / "answer.json").write_text(json.dumps(schema))

    def outcome(body: bytes) -> dict:
        url = serve(answering(http_answer(body))).url()
        return check_of(probe_http(url, root=tmp_path, expect_schema="answer.json"), "schema")

    assert outcome(b'{"id": 1}')["outcome"] == "pass"
    assert "$.id: 'x' is not of type 'integer'" in outcome(b'{"id": "x"}')["detail"]
    assert "not JSON" in outcome(b"<html>")["detail"]
    (tmp_path / "answer.json").write_text(json.dumps({"$ref": "https://elsewhere.example/x.json"}))
    assert outcome(b"{}")["outcome"] == "not_checked"
    with pytest.raises(ConfigError) as caught:
        probe_http("http://127.0.0.1/", root=tmp_path, expect_schema="none.json")
    assert caught.value.where == "http.api.expect_schema"


def test_several_statuses(serve, answering, http_answer, probe_http, check_of) -> None:
    def answer(number: int, _request: bytes) -> bytes:
        return http_answer(status=("200 OK", "204 No Content", "500 Broken")[number], body=b"")

    evidence = probe_http(serve(answering(answer)).url(), expect_status=[200, 204])
    assert evidence["samples"]["ok"].tolist() == [True, True, False]
    assert check_of(evidence, "status")["expected"] == "200 or 204"
    assert evidence["samples"]["error"].iloc[2] == "HTTP 500, expected 200 or 204"


@pytest.mark.parametrize(
    ("settings", "body", "media_type"),
    [
        ({"json_body": {"n": "ä"}}, '{"n":"ä"}'.encode(), b"application/json"),
        ({"form": {"q": "a b", "n": "1"}}, b"q=a+b&n=1", b"application/x-www-form-urlencoded"),
        ({"body_text": "<x/>", "headers": {"content-type": "text/xml"}}, b"<x/>", b"text/xml"),
        ({"body_file": "body.bin"}, b"\x00\x01", b"application/octet-stream"),
        ({"body_env": "SECRET_BODY"}, b"pin=123456", b"application/octet-stream"),
    ],
)
def test_what_is_sent(tmp_path, serve, answering, http_answer, probe_http, monkeypatch, settings, body, media_type):
    (tmp_path / "body.bin").write_bytes(b"\x00\x01")
    monkeypatch.setenv("SECRET_BODY", "pin=123456")
    seen: list[bytes] = []

    def answer(_number: int, request: bytes) -> bytes:
        seen.append(request)
        return http_answer(request, status="409 Conflict")

    evidence = probe_http(serve(answering(answer)).url(), root=tmp_path, method="POST", expect_text="x", **settings)
    head, _, sent = seen[0].partition(b"\r\n\r\n")
    assert sent == body
    assert b"content-type: " + media_type in head.lower()
    assert head.lower().count(b"content-type") == 1
    for name in evidence:
        assert "123456" not in evidence[name].to_csv()


def test_what_cannot_be_sent(tmp_path, probe_http) -> None:
    for settings, key in (({"body_file": "none"}, "body_file"), ({"body_env": "NO_SUCH_VARIABLE"}, "body_env")):
        with pytest.raises(ConfigError) as caught:
            probe_http("http://127.0.0.1/", root=tmp_path, method="POST", **settings)
        assert caught.value.where == f"http.api.{key}"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"form": {}, "body_text": ""}, "give one body, not form and body_text"),
        ({"expect_match": "("}, "not a regular expression"),
        ({"expect_headers": {"x": "["}}, "not a regular expression"),
        ({"connections": 4, "requests": 3}, "4 connections cannot share 3 requests"),
        ({"connections": 65}, "less than or equal to 64"),
        ({"rate": 1e6}, "less than or equal to 5000"),
        ({"max_redirects": 21}, "less than or equal to 20"),
        ({"expect_status": []}, "one or more statuses"),
        ({"expect_status": 99}, "one or more statuses"),
        ({"http_version": "3"}, "'1.1' or '2'"),
    ],
)
def test_absurd_settings_are_refused(settings, words) -> None:
    with pytest.raises(ValidationError, match="1 validation error") as caught:
        HttpTarget(url="http://x/", **settings)
    assert words in str(caught.value)


def test_secrets_from_a_command(tmp_path, serve, answering, http_answer, probe_http) -> None:
    seen: list[bytes] = []

    def answer(_number: int, request: bytes) -> bytes:
        seen.append(request)
        return http_answer(b"you are Bearer hunter22", status="401 Unauthorized")

    script = tmp_path / "token.py"
    script.write_text("import pathlib; pathlib.Path('ran').open('a').write('x'); print('Bearer hunter22')")
    command = [sys.executable, "token.py"]
    url = serve(answering(answer)).url()
    evidence = probe_http(url, root=tmp_path, rounds=2, headers_command={"Authorization": command}, expect_text="no")
    assert all(b"Authorization: Bearer hunter22\r\n" in request for request in seen)
    assert (tmp_path / "ran").read_text() == "x"  # once, not for each request
    for name in evidence:
        assert "hunter22" not in evidence[name].to_csv()


@pytest.mark.parametrize(
    ("secret", "settings"),
    [
        ("Bearer hunter22", {"headers_env": {"Authorization": "SHOP_KEY"}}),
        ("Basic YW5uOmh1bnRlcjIy", {"headers_env": {"Authorization": "SHOP_KEY"}}),
        ("sid=hunter22; lang=en", {"headers_env": {"Cookie": "SHOP_KEY"}}),
        ('{"user": "ann", "password": "hunter22"}', {"body_env": "SHOP_KEY", "method": "POST"}),
        ("user=ann&password=hunter22", {"body_env": "SHOP_KEY", "method": "POST"}),
        ("-", {}),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "302 Found"])
def test_what_a_server_repeats_of_a_secret_is_in_no_row(
    serve, answering, http_answer, probe_http, monkeypatch, secret, settings, status
) -> None:
    monkeypatch.setenv("SHOP_KEY", secret)
    headers = (
        "Location: /login?next=%2Fback%3Fapi_key%3Dhunter22&hint=hunter22\r\n"
        "Set-Cookie: sid=n3wc00kie; HttpOnly\r\nX-Said: hunter22\r\n"
    )
    server = serve(answering(http_answer(b'{"said": "hunter22", "token": "n3wc00kie"}', status, headers)))
    evidence = probe_http(
        server.url(path="/?api_key=hunter22" if secret == "-" else "/"),
        expect_json={"token": "another"} if "2" in secret[:9] else {"said": "another"},
        expect_headers={"Set-Cookie": "Secure", "X-Said": "another", "Location": "another"},
        **settings,
    )
    assert evidence["checks"]["detail"].str.contains("***", regex=False).any()
    for name in evidence:
        told = evidence[name].to_csv()
        assert "hunter22" not in told, told
        assert "n3wc00kie" not in told, told


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; print('hunter22'); print('hunter22', file=sys.stderr); sys.exit(3)", "exit code 3"),
        ("pass", "it printed nothing"),
        ("print('a\\nb')", "cannot be sent"),
    ],
)
def test_a_command_that_fails_tells_nobody_what_it_printed(probe_http, code, words) -> None:
    with pytest.raises(ConfigError) as caught:
        probe_http("http://127.0.0.1/", headers_command={"X-Key": [sys.executable, "-c", code]})
    assert words in str(caught.value)
    assert "hunter22" not in str(caught.value)
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        probe_http("http://127.0.0.1/", headers_command={"X-Key": ["no-such-command-here"]})


@pytest.mark.parametrize(("wanted", "outcome"), [("1.2", "pass"), ("1.3", "fail")])
def test_tls_version(serve, answering, http_answer, authority, probe_http, check_of, wanted, outcome) -> None:
    import ssl

    context = authority.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server = serve(answering(http_answer()), context)
    evidence = probe_http(server.url(), ca_file=str(authority.ca_file), tls_min_version=wanted)
    row = check_of(evidence, "tls version")
    assert (row["outcome"], row["observed"], row["expected"]) == (outcome, "TLSv1.2", f"TLSv{wanted} or newer")
