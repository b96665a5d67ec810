import pytest

from chat_service.agent import compose, summarize


def test_question_gets_an_answer(client):
    answer = client.post("/chat", json={"user_id": "ann", "message": "hello there"})
    assert answer.json() == {"reply": "You said: hello there (2 words)"}


@pytest.mark.parametrize("body", [{}, {"user_id": "ann"}, {"message": "hi"}, []])
def test_incomplete_question_is_refused(client, body):
    assert client.post("/chat", json=body).status_code == 422


def test_broken_json_is_refused(client):
    assert client.post("/chat", content=b"{").status_code == 422


@pytest.mark.parametrize(
    ("text", "answer"),
    [("", "Please say something."), ("  ", "Please say something."), ("one", "You said: one (1 word)")],
)
def test_compose(text, answer):
    assert compose(text) == answer


def test_long_text_is_cut_at_a_word():
    assert summarize("word " * 40, 20) == "word word word word ..."


def test_short_text_stays():
    assert summarize("short") == "short"
