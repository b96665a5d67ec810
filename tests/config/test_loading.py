import pytest

from stabkit.config import find_config, load_config, write_example
from stabkit.errors import ConfigError


def test_empty_file_is_all_defaults(load):
    config = load("")
    assert config.collect.rounds == 20
    assert config.conditions == ()


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("[colect]\nrounds = 1", "colect", "collect"),
        ("[collect]\nroudns = 1", "collect.roudns", "rounds"),
        ('[http.api]\nurl = "http://h"\nrequets = 1', "http.api.requets", "requests"),
        ('[websocket.chat]\nurl = "ws://h"\n[websocket.chat.event]\nrequird = []', "websocket.chat.event", "required"),
        ('[[condition]]\nname = "a"\nkind = "latency"\nmargn = 1', "condition.0.margn", "margin"),
    ],
)
def test_unknown_key_names_the_nearest(load, text, key, hint):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert key in caught.value.where
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "[http.api]\nrequests = 1",
        '[http.api]\nurl = "http://h"\nrequests = 0',
        '[http.api]\nurl = "http://h"\nrate = "fast"',
        "[tests.unit]",
        '[tests.unit]\ncommand = ["a"]\nfiles = ["b"]',
        "[resources.api]\npid = 1\nport = 2",
        '[[condition]]\nname = "a"\nkind = "speed"',
        '[[condition]]\nname = "a"\nkind = "latency"\n[[condition]]\nname = "a"\nkind = "latency"',
        "x = [",
        "\x00",
    ],
)
def test_wrong_value_is_a_clear_error(load, text):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert "stabkit.toml" in caught.value.where


def test_all_faults_are_told_at_once(load):
    with pytest.raises(ConfigError, match="Also"):
        load("[collect]\nrounds = 0\nseed = 'x'")


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ('[http]\nurl = "http://h"', "A table is needed here.", "Each has a name, which you choose: [http.NAME]"),
        ('[[tests]]\nfiles = ["a"]', "A table is needed here.", "Each has a name, which you choose: [tests.NAME]"),
        ('[condition]\nname = "a"', "A list is needed here.", "[[condition]]"),
        ('[tests.unit]\ncommand = "a --token=hunter2"', "A list is needed here.", "Each word by itself: ["),
        ('[tests.unit]\nfiles = "a b.xml"', "A list is needed here.", 'Such as: ["first", "second"]'),
        (
            '[http.a]\nurl = "http://h"\nobjective = "p95"',
            "A table is needed here.",
            "objective = { below_ms = ..., quantile = ... }",
        ),
        ('[websocket.a]\nurl = "ws://h"\nevent = 1', "A table is needed here.", "keys below: [websocket.a.event]"),
        ('[http.a]\nurl = "http://h"\nrequests = 0', "It has to be greater than or equal to 1, and is 0.", "Correct"),
    ],
)
def test_a_value_of_another_shape_is_told_with_the_shape_that_fits(load, text, what, hint):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert caught.value.what == what
    assert hint in caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_missing_file_points_to_init(tmp_path):
    with pytest.raises(ConfigError, match="stabkit init"):
        load_config(tmp_path / "none.toml")


def test_binary_file_is_no_traceback(tmp_path):
    path = tmp_path / "stabkit.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match=r"This is a folder.*stabkit\.toml"):
        load_config(tmp_path)


def test_nearest_file_is_found_upwards(tmp_path):
    (tmp_path / "stabkit.toml").touch()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_config(deep) == tmp_path / "stabkit.toml"


def test_example_loads_and_is_never_overwritten(tmp_path):
    path = write_example(tmp_path / "stabkit.toml")
    assert load_config(path).http["backend"].requests == 50
    with pytest.raises(ConfigError, match="exists already"):
        write_example(path)


def test_every_commented_line_of_the_example_is_valid(tmp_path):
    lines = write_example(tmp_path / "stabkit.toml").read_text().splitlines()
    code = [line[2:] if line.startswith("# ") and ("=" in line or line.startswith("# [")) else line for line in lines]
    full = tmp_path / "full.toml"
    full.write_text("\n".join(code))
    config = load_config(full)
    assert config.websocket["chat"].event.required == ("type", "id", "timestamp")
    assert config.condition[0].tail_margin == 0.2


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ('[tests.unit]\ncommand = "pytest -q"', "A list is needed here.", '["pytest", "-q"]'),
        ('[[condition]]\nname = "a"\nkind = "latncy"', "There is no kind 'latncy'.", "Did you mean 'latency'?"),
        ("[http.api\nurl = 3", "Not valid TOML", "in brackets: [http.api]"),
        (
            '[http.a]\nurl = "ftp://h"',
            "with http:// or https://, this one with ftp://.",
            "Such as http://host:port/path",
        ),
        ('[project]\ndata = "http://h/x"', "A store is a folder, or s3://bucket/prefix.", "Correct this value."),
        ('[project]\ndata = "a\\u0000"', "No folder is called so", "Correct this value."),
        ('[http.a]\nurl = "h:1/x"', "begins here with http:// or https://, this one does not.", "Such as http://"),
        ('[http.a]\nurl = "http://h"\nbaseline_url = "ws://h"', "with ws://.", "It belongs into [websocket.NAME]"),
        ('[websocket.a]\nurl = "https://h"', "with ws:// or wss://, this one with https://.", "into [http.NAME]"),
        ('[prometheus.a]\nurl = "tcp://h"\nquery = "up"', "with http:// or https://, this one with tcp://.", "Such as"),
        ('[http.a]\nurl = "https://h"\nproxy = "socks5://h"', "with http://, this one with socks5://.", "Such as"),
    ],
)
def test_a_wrong_value_is_said_in_words_and_with_a_remedy(load, text, what, hint):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert what in caught.value.what
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
    ],
    ids=["mark", "utf-16", "utf-16 big", "crlf", "mark and crlf"],
)
def test_what_editors_of_windows_write_is_read(tmp_path, encode):
    file = tmp_path / "stabkit.toml"
    file.write_bytes(encode('[project]\nname = "shöp"\n'))
    assert load_config(file).project.name == "shöp"
