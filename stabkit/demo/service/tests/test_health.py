from chat_service import __version__


def test_service_is_healthy(client):
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "healthy"


def test_service_tells_its_version(client):
    assert client.get("/health").json()["version"] == __version__


def test_accounts_are_healthy(client):
    assert client.get("/auth/health").json()["database"] == "connected"


def test_accounts_tell_the_environment(client):
    assert client.get("/auth/health").json()["environment"] == "test"
