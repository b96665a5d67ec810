import pytest
from starlette.testclient import TestClient

from chat_service.app import create_app
from chat_service.settings import Settings


@pytest.fixture
def client():
    with TestClient(create_app(Settings("test", 0.1, 0.1, 0.1))) as client:
        yield client


@pytest.fixture
def ask(client):
    def ask(text, user_id="ann"):
        with client.websocket_connect("/ws") as socket:
            socket.send_json({"user_id": user_id, "message": text})
            return [socket.receive_json() for _ in range(5)]

    return ask
