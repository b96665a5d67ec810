"""What is masked by its shape, and the ordinary texts that are left alone."""

import base64
import json
import re
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from stabkit.redact import redact_text, secret_parts
from stabkit.redact.masking import suspects

CANARY = "c4nary-Sw0rdf1sh"
WEB_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c4naryS1gnature"
KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEc4naryMIIEc4naryMIIEc4nary\nc4naryMIIEc4nary==\n-----END RSA PRIVATE KEY-----"
)
LOGIN = base64.b64encode(f"ann:{CANARY}".encode()).decode()

SHAPES = [
    f"password={CANARY}",
    f"password: '{CANARY}'",
    f"Possible hardcoded password: '{CANARY}'",
    f'{{"user": "ann", "password": "{CANARY}"}}',
    f'"{{\\"password\\": \\"{CANARY}\\"}}"',
    f"{{'db_password': '{CANARY}', 'port': 5432}}",
    f"login(user='ann', password='{CANARY}')",
    f"login(user='ann', passwd=\"{CANARY}\")",
    f"DB_PASSWORD={CANARY} ./run",
    f"export API_TOKEN={CANARY}",
    f"api_key: {CANARY}",
    f"accessToken={CANARY}",
    f"clientSecret = '{CANARY}'",
    f"client_secret => '{CANARY}'",
    f"password=&#x27;{CANARY}&#x27;",
    f"&quot;token&quot;: &quot;{CANARY}&quot;",
    f"x-api-key: {CANARY}",
    f"Authorization: Bearer {CANARY}",
    f"authorization: token {CANARY}",
    f"got header 'Authorization': 'Bearer {CANARY}'",
    f"Authorization: Basic {LOGIN}",
    f"-H 'authorization: bearer {CANARY}'",
    f"Bearer {CANARY} was refused",
    f"Bearer%20{CANARY}",
    f"Cookie: theme=dark; sid={CANARY}",
    f"set-cookie: sid={CANARY}; Path=/",
    f"mysql --password {CANARY} shop",
    f"['mysql', '--password', '{CANARY}', 'shop']",
    f"curl -u ann:{CANARY} https://shop.example/",
    f"postgres://ann:{CANARY}@db.example/shop",
    f"git+https://{CANARY}@git.example/x.git",
    f"https://shop.example/x?token={CANARY}&page=2",
    f"https://shop.example/#access_token={CANARY}",
    f"GET /orders?api_key={CANARY} 500",
    f"https://shop.example/go?next=https%3A%2F%2Fx%2F%3Ftoken%3D{CANARY}",
    "AKIAC4NARYC4NARYC4NA",
    "ghp_c4naryC4NARYc4naryC4NARYc4naryC4NARY",
    "glpat-c4nary-C4NARYc4nary_1",
    "xoxb-c4nary-123456789012",
    "sk-ant-api03-c4naryC4NARYc4nary",
    WEB_TOKEN,
    KEY,
    KEY.replace("\n", "\\n"),
    KEY[:70],
]

ORDINARY = [
    "tests/test_tokens.py::test_token_is_refreshed[expired]",
    "test_login[token=expired]",
    "test_login[token=missing]",
    "test_login[password=too-short]",
    "test_password_reset_sends_mail",
    "shop.auth.TokenTests::test_secret_key_is_required",
    "tokens=4096",
    "max_tokens=128",
    "token_count: 12",
    "n_tokens: 1024",
    "tokenizer = Tokenizer('bert-base')",
    "SyntaxError: Unexpected token: '}' at line 3",
    "expected token ')' but got ';'",
    "KeyError: 'token'",
    "AssertionError: assert token == expected_token",
    "assert user.password is None",
    "password: must not be empty",
    '{"password": ["This field is required."]}',
    '{"password": "This field is required."}',
    "password=None",
    'token=""',
    "password = os.environ['DB_PASSWORD']",
    "token = get_token()",
    "self.token = token",
    "secret: ${SECRET}",
    "password=<hidden>",
    'Put it into an environment variable: headers_env = { "Authorization" = "VARIABLE" }.',
    'headers_env = { "X-Api-Key" = "SHOP_KEY" }',
    "Authorization header is missing",
    "Basic authentication failed",
    "bearer of news",
    "Bearer authentication is required",
    "basic usage: see below",
    "commit 4cc8c64f0d1e2a3b4c5d6e7f8091a2b3c4d5e6f7 broke it",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "123e4567-e89b-12d3-a456-426614174000",
    "request 123e4567-e89b-12d3-a456-426614174000 failed with 500",
    "E501 line too long (120 > 100 characters)",
    "CVE-2024-12345 in openssl 3.0.1",
    "numpy==1.26.4 → 2.1.0",
    "v1.5.0-rc.1+build.7",
    "src/auth/session.py:12:5",
    "20250914T122400Z-v1.5-hotfix-a1b2c3",
    "GET /orders?page=2&sort=price 200",
    "https://shop.example/orders?page=2",
    "https://shop.example/#section-2",
    "mail ann@shop.example",
    "git@github.com:org/repo.git",
    "ssh://github.com/org/repo.git",
    "passed in 2.31s",
    "compass=north",
    "bypass: true",
    "secretary: Ann",
    "authors: Ann, Bob",
    "public key: see docs",
    "primary key: id",
    "key=value",
    "keyboard: qwerty",
    "scikit-learn-intelex-configuration",
    "test_sk_learn_model_with_a_very_long_name_1",
    "The session was closed",
    "cookie banner is shown",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBg==\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZ\n-----END PUBLIC KEY-----",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "Ünïcödé, 中文",
    "",
    "a",
]


@pytest.mark.parametrize("text", SHAPES)
def test_a_secret_is_masked_by_its_shape(text):
    masked = redact_text(text)
    assert "***" in masked or "://" in text
    for part in (CANARY, LOGIN, "c4nary", "C4NARY"):
        assert part not in masked
    assert re.search(suspects(), text)


@pytest.mark.parametrize("text", SHAPES)
def test_what_is_masked_stays_as_it_is(text):
    once = redact_text(text)
    assert redact_text(once) == once
    marked = redact_text(text, apart=True)
    assert redact_text(marked, apart=True) == marked


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_left_alone(text):
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "secret", ["a/b+c d&e=1", 'say "hunter2" now', "it's-hunter2", "pässwörd-1", "back\\slash2", "<b>&12x", CANARY]
)
@pytest.mark.parametrize(
    "form",
    [
        str,
        lambda text: quote(text, safe=""),
        lambda text: quote(text, safe="/"),
        lambda text: quote(text, safe="").lower() if text.isascii() and text.islower() else quote(text),
        lambda text: re.sub(r"%..", lambda code: code[0].lower(), quote(text)),
        quote_plus,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps(json.dumps({"0": text})),
        repr,
        ascii,
        escape,
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(f"user:{text}".encode()).decode(),
        lambda text: base64.b64encode(f"xy{text}z".encode()).decode(),
        lambda text: text.encode().hex(),
    ],
)
def test_a_known_value_is_masked_in_every_form(secret, form):
    echoed = form(secret)
    masked = redact_text(f"you sent [{echoed}] to us", secret_parts(secret))
    assert "***" in masked
    core = max(re.findall(r"[a-z0-9]+", secret), key=len)
    assert core not in masked
    assert len(masked) < len(f"you sent [{echoed}] to us") or len(echoed) < 8


def test_an_id_keeps_what_tells_it_from_others():
    first, second = (redact_text(f"test_login[password=hunter{n}]", apart=True) for n in (2, 3))
    assert first != second
    assert first == redact_text("test_login[password=hunter2]", apart=True)
    assert "hunter" not in first + second
