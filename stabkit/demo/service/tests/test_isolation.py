def test_messages_are_kept_apart(client):
    client.post("/chat", json={"user_id": "ann", "message": "mine"})
    client.post("/chat", json={"user_id": "bob", "message": "his"})
    store = client.app.state.service.store
    assert store.messages("ann") == ["mine"]
    assert store.messages("bob") == ["his"]


def test_events_go_to_their_user_alone(client):
    with client.websocket_connect("/ws") as ann, client.websocket_connect("/ws") as bob:
        bob.send_json({"user_id": "bob", "message": "hello"})
        assert {bob.receive_json()["user_id"] for _ in range(5)} == {"bob"}
        service = client.app.state.service
        assert len(service.recipients("bob")) == 1
        ann.send_json({"user_id": "ann", "message": "hello"})
        assert {ann.receive_json()["user_id"] for _ in range(5)} == {"ann"}
        assert len(service.recipients("ann")) == 1


def test_old_messages_are_forgotten(client):
    store = client.app.state.service.store
    for number in range(store.keep + 20):
        store.add("ann", "main", str(number))
    assert len(store.messages("ann")) == store.keep


def test_closed_connection_is_forgotten(client, ask):
    ask("hello", user_id="eve")
    assert client.app.state.service.recipients("eve") == []
