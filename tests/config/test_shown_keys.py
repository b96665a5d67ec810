"""What a page shows of the configuration: values of listed keys alone."""

import json

from stabkit.config import HIDDEN, Config
from stabkit.config.shown_keys import SHOWN_KEYS

SECRET = "c4nary"
SETTINGS = {
    "http": {
        "api": {
            "url": f"http://127.0.0.1/x?token={SECRET}", "headers": {"X-Trace": SECRET}, "body_text": SECRET, "rate": 5,
            "headers_command": {"Authorization": ["pass", "show", SECRET]}, "expect_match": SECRET,
            "expect_headers": {"X": SECRET}, "expect_json": {"a": SECRET}, "headers_env": {"X-Key": "SHOP_KEY"},
        },
        "form": {"url": "http://127.0.0.1/", "form": {"user": SECRET}},
        "json": {"url": "http://127.0.0.1/", "json_body": {"user": [SECRET]}},
    },
    "websocket": {
        "events": {
            "url": "ws://127.0.0.1/", "send": [{"json": {"a": SECRET}}, {"text": SECRET}], "subprotocols": [SECRET],
        },
    },
    "tests": {"unit": {"command": ["run", SECRET], "rerun_command": ["run", SECRET], "environment": {"A": SECRET}}},
    "scans": {"lint": {"command": ["run", SECRET]}},
    "accepted": [{"risk": "API", "reason": f"password={SECRET}1", "owner": "ann", "until": "2026-12-01"}],
}  # fmt: skip


def test_no_command_body_variable_or_header_is_shown():
    shown = Config.model_validate(SETTINGS).shown()
    assert SECRET not in json.dumps(shown)
    api = shown["http"]["api"]
    assert api["rate"] == 5
    assert api["body_text"] == api["expect_match"] == api["headers"]["X-Trace"] == HIDDEN
    assert api["headers_env"] == {"X-Key": "SHOP_KEY"}
    assert shown["tests"]["unit"]["command"] == HIDDEN
    assert shown["tests"]["unit"]["environment"] == {"A": HIDDEN}
    assert shown["websocket"]["events"]["send"][1]["text"] == HIDDEN


def test_the_list_names_keys_that_exist():
    from stabkit import config
    from stabkit.config import acceptances, conditions, readiness, settings, sources, targets

    modules = (acceptances, conditions, readiness, settings, sources, targets, config)
    for name, keys in SHOWN_KEYS.items():
        model = next(getattr(module, name) for module in modules if hasattr(module, name))
        assert set(keys) <= set(model.model_fields), name
