def test_messages_are_kept_apart(client):
    client.post("/chat", json={"user_id": "ann", "message": "mine"})
    client.post("/chat", json={"user_id": "bob", "message": "his"})
    store = client.app.state.service.store
    assert store.messages("ann") == ["mine"]
    assert store.messages("bob") == ["his"]


def test_events_go_to_their_user_alone(client):
    service = client.app.state.service
    with client.websocket_connect("/ws") as ann, client.websocket_connect("/ws") as bob:
        bob.send_json({"user_id": "bob", "thread_id": "plans", "message": "hello"})
        assert {bob.receive_json()["user_id"] for _ in range(5)} == {"bob"}
        ann.send_json({"user_id": "ann", "thread_id": "plans", "message": "hello"})
        assert {ann.receive_json()["user_id"] for _ in range(5)} == {"ann"}
        assert len(service.recipients("bob", "plans")) == 1
        assert len(service.recipients("ann", "plans")) == 1


def test_two_windows_follow_one_thread(client):
    question = {"user_id": "ann", "thread_id": "plans", "message": "hello"}
    with client.websocket_connect("/ws") as desk, client.websocket_connect("/ws") as phone:
        desk.send_json(question)
        first = [desk.receive_json() for _ in range(5)]
        phone.send_json(question)
        on_phone = [phone.receive_json() for _ in range(5)]
        on_desk = [desk.receive_json() for _ in range(5)]
        assert on_phone[0]["run_id"] == on_desk[0]["run_id"]
        assert first[0]["run_id"] != on_desk[0]["run_id"]


def test_old_messages_are_forgotten(client):
    store = client.app.state.service.store
    for number in range(store.keep + 20):
        store.add("ann", "main", str(number))
    assert len(store.messages("ann")) == store.keep


def test_closed_connection_is_forgotten(client, ask):
    ask("hello", user_id="eve")
    assert client.app.state.service.connections == {}
