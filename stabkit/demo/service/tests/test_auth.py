from chat_service.auth import new_token, sign, verify


def test_signature_is_verified():
    assert verify("ann", sign("ann", "key"), "key")


def test_foreign_signature_is_refused():
    assert not verify("ann", sign("bob", "key"), "key")


def test_tokens_are_long():
    assert len(new_token()) == 32
