import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.redact import is_secret_name, redact_text, redact_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ann:pw@host:8443/x", "https://host:8443/x"),
        ("https://tok3n@host/x", "https://host/x"),
        ("wss://host/ws?access_token=abc&page=2", "wss://host/ws?access_token=***&page=2"),
        ("https://host/x?q=1", "https://host/x?q=1"),
        ("https://host/x#access_token=abc&state=2", "https://host/x#access_token=***&state=2"),
        ("https://host/x#frag", "https://host/x#frag"),
        ("https://[::1", "https://[::1"),
        ("not a url", "not a url"),
    ],
)
def test_redact_url(url, expected):
    assert redact_url(url) == expected


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "password", "client_secret", "Cookie", "sessionid"])
def test_secret_names(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["page", "Accept", "user", "Content-Type"])
def test_plain_names(name):
    assert not is_secret_name(name)


@given(
    secret=st.text("abcdefghijklmnop0123456789", min_size=6, max_size=20),
    text=st.text("QRSTUVWXYZ -./", max_size=50),
)
def test_given_secrets_never_survive(secret, text):
    assert secret not in redact_text(f"{text}{secret}{text} https://u:{secret}@h/ {secret}", [secret])


def test_a_password_may_hold_at_signs():
    assert redact_text("GET https://ann:p@ss@host/x, mail a@b") == "GET https://host/x, mail a@b"
    assert redact_text("GET https://host:80?mail=a@b and https://host/?q=a@b") == (
        "GET https://host:80?mail=a@b and https://host/?q=a@b"
    )


def test_longer_secret_first():
    assert redact_text("abcdef", ["abcd", "abcdef"]) == "***"
