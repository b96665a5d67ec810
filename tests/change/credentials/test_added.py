"""Which secrets a range adds; each fake one is put together when the test runs, so that this file holds none."""

from __future__ import annotations

import base64
import random
import string
from pathlib import Path

import pytest

from stabkit.change.credentials import answer_credentials
from stabkit.change.facts import Answer
from stabkit.change.git import Git
from stabkit.change.ranges import read_changes
from stabkit.change.snapshots import Snapshots
from tests.change.repositories import Repository

Files = dict[str, str | bytes | None]
_RANDOM = random.Random(7)


def made(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "a1B2"[: 4 if alphabet == string.ascii_letters + string.digits else 0] + "".join(
        _RANDOM.choices(alphabet, k=length - (4 if alphabet == string.ascii_letters + string.digits else 0))
    )


def hexadecimal(length: int) -> str:
    return made(length, "0123456789abcdef")


def capitals(length: int) -> str:
    return made(length, string.ascii_uppercase + "234567")


def private_key(kind: str) -> str:
    return f"-----BEGIN {kind}" + f"PRIVATE KEY-----\n{made(64)}\n{made(64)}\n-----END {kind}PRIVATE KEY-----\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


def answer(repository: Repository, before: Files, after: Files) -> Answer:
    base, head = repository.write("before", before), repository.write("after", after)
    git = Git(repository.folder)
    return answer_credentials(Snapshots(git, base, head, read_changes(git, base, head)))


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("AWS access key", "AKIA" + capitals(16)),
        ("GitHub token", "ghp" + "_" + made(36)),
        ("GitHub token", "gho" + "_" + made(36)),
        ("GitHub token", "ghs" + "_" + made(36)),
        ("GitHub token", "github" + "_pat_" + made(22) + "_" + made(59)),
        ("GitLab token", "glpat" + "-" + made(20)),
        ("Slack token", "xoxb" + "-123456789012-" + made(24)),
        (
            "Slack webhook",
            "https://hooks.slack" + ".com/services/T" + capitals(8) + "/B" + capitals(8) + "/" + made(24),
        ),
        ("Stripe key", "sk" + "_live_" + made(24)),
        ("Stripe key", "rk" + "_live_" + made(24)),
        ("Google key", "AI" + "za" + made(35)),
        ("Azure key", "Account" + "Key=" + made(86) + "=="),
        ("npm token", "npm" + "_" + made(36)),
        ("PyPI token", "pypi" + "-AgE" + made(80)),
        ("SendGrid key", "SG" + "." + made(22) + "." + made(43)),
        ("Twilio key", "SK" + hexadecimal(32)),
        ("OpenAI key", "sk" + "-" + made(48)),
        ("OpenAI key", "sk" + "-proj-" + made(48)),
        ("Anthropic key", "sk" + "-ant-api03-" + made(80)),
        ("Hugging Face token", "hf" + "_" + made(34)),
        ("Telegram token", "123456789" + ":AA" + made(33)),
        ("Discord token", "M" + made(23) + "." + made(6) + "." + made(30)),
        ("Mailgun key", "key" + "-" + hexadecimal(32)),
        ("DigitalOcean token", "dop" + "_v1_" + hexadecimal(64)),
        ("Databricks token", "dapi" + hexadecimal(32)),
        ("Vault token", "hvs" + "." + made(24)),
        ("age key", "AGE-SECRET" + "-KEY-1" + capitals(58)),
        ("private key", private_key("RSA ")),
        ("private key", private_key("")),
        ("private key", private_key("OPENSSH ")),
        ("private key", private_key("EC ").replace("\n", "\\n")),
    ],
)
def test_what_has_the_form_of_a_secret(repository: Repository, kind: str, secret: str) -> None:
    found = answer(repository, {"a.py": "x = 1\n"}, {"a.py": f'x = 1\n\nvalue = """{secret}"""\n'})
    assert [(f.what, f.path, f.line, f.change, f.noun, f.proven, f.scope) for f in found.facts] == [
        (kind, "a.py", 3, "added", "secret", True, "production")
    ]
    assert (found.facts[0].before, found.facts[0].after, found.outcome, found.examined) == (None, None, "fail", 1)
    assert secret.strip()[:30] not in str(found.row())


@pytest.mark.parametrize(
    ("kind", "path", "text"),
    [
        ("AWS secret key", "a.ini", "aws_secret_access_key = " + made(40)),
        (
            "Google service account key",
            "key.json",
            '{"type": "service_account", "private_key": "' + private_key("").replace("\n", "\\n") + '"}',
        ),
    ],
)
def test_secrets_beside_their_names(repository: Repository, kind: str, path: str, text: str) -> None:
    found = answer(repository, {"b.py": ""}, {path: text})
    assert [(f.what, f.proven) for f in found.facts] == [(kind, True)]


@pytest.mark.parametrize(
    ("kind", "path", "text"),
    [
        ("JSON web token", "a.py", "t = 'ey" + "J" + made(20) + ".ey" + "J" + made(30) + "." + made(30) + "'"),
        ("password in an address", "a.py", "url = 'postgres" + "://shop:" + "tr0ub4dor" + "@db.shop.internal/x'"),
        ("password", "a.py", "PASSWORD = " + "'S3cr3tV4lue!'"),
        ("password", "config.yml", "db_password: " + "S3cr3tV4lue!"),
        ("password", "deploy.env", "DB_PASSWORD=" + "S3cr3tV4lue!"),
        ("secret", "a.js", "const apiKey = " + "'" + made(32) + "';"),
        ("secret", "a.go", "apiSecret := " + '"' + made(32) + '"'),
        ("authorization header", "a.sh", "curl -H 'Authorization: Bearer " + made(32) + "'"),
        (
            "authorization header",
            "a.py",
            "h = {'Authorization': 'Basic " + base64.b64encode(b"ann:tr0ub4dor").decode() + "'}",
        ),
    ],
)
def test_what_looks_like_one_is_heuristic(repository: Repository, kind: str, path: str, text: str) -> None:
    found = answer(repository, {"b.py": ""}, {path: text + "\n"})
    assert [(f.what, f.line, f.proven) for f in found.facts] == [(kind, 1, False)]


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ghp" + "_" + "x" * 36,
        "PASSWORD = 'changeme'",
        "password = 'password123'",
        "token = '<token>'",
        "api_key = '${API_KEY}'",
        "api_key = os.environ['API_KEY']",
        "secret = '{{ secrets.value }}'",
        "password = 'your-password-here'",
        "token_name = 'access_token_2fa'",
        "password_field = 'newPassword1'",
        "url = 'postgres://user:pass@localhost/db'",
        "url = 'postgres://postgres:postgres@db:5432/x'",
        "url = 'https://user:" + "tr0ub4dor@www.example.com/'",
        "url = f'postgres://{user}:{password}@{host}/db'",
        "if '-----BEGIN PRIVATE " + "KEY-----' in text:",
        "-----BEGIN CERTIFICATE-----\n" + made(64),
        "-----BEGIN PUBLIC KEY-----\n" + made(64),
        "commit = '" + hexadecimal(40) + "'",
        "integrity = 'sha512-" + made(86) + "=='",
        "id = '123e4567-e89b-12d3-a456-426614174000'",
        "password = getpass.getpass('Password: ')",
        "class sk-fading-circle-container-element {}",
        '{"signing-secret-note": "Webhookを作成しました。署名シークレットを今すぐコピーしてください。"}',
        '{"password-hint": "Passwortรหัสผ่านต้องมี8ตัวอักษรขึ้นไป"}',
        "SECRET = '" + "A1b2C3d4E5" + "'  # pragma: allowlist secret",
    ],
)
def test_what_stands_for_a_secret_is_none(repository: Repository, text: str) -> None:
    found = answer(repository, {"b.py": ""}, {"a.py": text + "\n"})
    assert (found.outcome, found.facts) == ("pass", ())


def test_a_password_may_hold_letters_of_other_languages(repository: Repository) -> None:
    found = answer(repository, {"b.py": ""}, {"a.py": "password = 'Ünvergess" + "lich-7Ω'\n"})
    assert [fact.what for fact in found.facts] == ["password"]


def test_what_stood_there_before_is_not_added(repository: Repository) -> None:
    token = "ghp" + "_" + made(36)
    base: Files = {"a.py": f"t = '{token}'\n", "c.py": "x = 1\n"}
    assert answer(repository, base, {"a.py": f"# why\nu = 2; t = '{token}'\n"}).outcome == "pass"
    assert answer(repository, {}, {"a.py": "x = 1\n", "c.py": f"t = '{token}'\n"}).outcome == "pass"
    gone = answer(repository, {}, {"c.py": None})
    assert (gone.outcome, gone.examined, gone.why) == ("not_checked", 0, "no changed text files found")


def test_another_key_under_the_same_heading_is_new(repository: Repository) -> None:
    found = answer(repository, {"a.txt": private_key("RSA ")}, {"a.txt": private_key("RSA ")})
    assert [(f.what, f.line) for f in found.facts] == [("private key", 1)]


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("tests/test_a.py", "development"),
        ("docs/a.md", "development"),
        (".github/workflows/a.yml", "ci"),
        ("a.py", "production"),
    ],
)
def test_where_a_secret_stands(repository: Repository, path: str, scope: str) -> None:
    found = answer(repository, {"b.py": ""}, {path: "t: ghp" + "_" + made(36) + "\n"})
    assert [f.scope for f in found.facts] == [scope]


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        (".env", "PORT=80\n", "environment file"),
        ("deploy/id_rsa", "x\n", "private key file"),
        ("server.pem", "x\n", "private key file"),
        ("cert.p12", b"\0\1\2", "key store"),
        ("app.keystore", b"\0\1\2", "key store"),
        (".env.example", "PORT=80\n", None),
        (".env", "PORT=\n", None),
        ("public.pem", "-----BEGIN CERTIFICATE-----\nx\n", None),
        ("image.bin", b"\0ghp_" + b"a1B2" * 9, None),
    ],
)
def test_files_that_hold_secrets_by_their_name(
    repository: Repository, path: str, content: str | bytes, kind: str | None
) -> None:
    found = answer(repository, {"b.py": ""}, {path: content, "b.py": "x = 1\n"})
    assert [(f.what, f.path, f.proven) for f in found.facts] == ([(kind, path, False)] if kind else [])


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN PRIVATE KEY-----" * 50_000,
        b"password = '" * 100_000,
        b"eyJ" + b"a" * 1_000_000,
        b"a://b:" * 200_000,
        b"token=" + b"A" * 1_500_000,
        b"M" + b"a" * 24 + b"." * 1_000_000,
        b"\xff\xfe" * 100_000,
        b"-----BEGIN PRIVATE KEY-----" + b"Version:" * 100_000,
        b"-----BEGIN PRIVATE KEY-----" + b" " * 1_000_000,
        b"password" * 150_000,
    ],
)
def test_hostile_files_leave_an_answer(repository: Repository, content: bytes) -> None:
    assert answer(repository, {"b.py": ""}, {"a.py": content}).outcome in ("pass", "fail")


def test_a_file_too_large_to_read_is_named(repository: Repository) -> None:
    found = answer(repository, {"b.py": ""}, {"a.txt": "x\n" * 2_000_000})
    assert (found.outcome, found.why) == ("not_checked", "could not be read: a.txt")
