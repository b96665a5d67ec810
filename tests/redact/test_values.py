"""Secrets by their value: what is remembered, and what would spoil ordinary text."""

import pytest

from stabkit.redact import redact_text, remember, remember_environment, secret_parts


@pytest.mark.parametrize("value", ["test", "password", "postgres", "8080", "4711", "12345"])
def test_a_plain_word_is_not_remembered(value):
    remember(value)
    assert redact_text(f"{value} is a word") == f"{value} is a word"
    assert redact_text(f"{value} is what was sent", secret_parts(value)) == "*** is what was sent"


def test_the_environment_gives_its_secrets_and_nothing_else():
    remember_environment(
        {
            "SHOP_TOKEN": "c4nary-0001", "DATABASE_URL": "postgres://ann:c4nary-0002@db/shop", "LANG": "de_DE.UTF-8",
            "PGPASSFILE": "/home/ann/.pgpass", "XDG_SESSION_TYPE": "wayland", "SSH_AUTH_SOCK": "/run/agent.0001",
            "PWD": "/work/shop-1", "API_KEY": "SHOP_API_KEY", "DB_PASSWORD": "postgres", "AUTH_TOKEN": "",
            "MAX_TOKEN": "4096",
        }
    )  # fmt: skip
    said = "c4nary-0001 c4nary-0002 /home/ann/.pgpass wayland /run/agent.0001 /work/shop-1 SHOP_API_KEY postgres 4096"
    assert redact_text(said) == said.replace("c4nary-0001", "***").replace("c4nary-0002", "***")
