"""Where the server under test answers: ``--base-url``."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Ask for the address of the server."""
    parser.addoption("--base-url", required=True, help="the server under test, such as http://127.0.0.1:8001")


@pytest.fixture(scope="session")
def http(pytestconfig: pytest.Config) -> Iterator[httpx.Client]:
    """Yield a client of the server; redirects are answers like any other."""
    with httpx.Client(base_url=pytestconfig.getoption("--base-url"), trust_env=False, timeout=20) as client:
        yield client
