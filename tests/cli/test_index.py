"""The index command: what it prints, and what one bad file changes."""

import json


def put(place, verdict, code):
    result = {"schema": 1, "notebook": "n", "title": "Shop", "verdict": verdict, "exit_code": code, "sections": []}
    place.write_text(json.dumps(result))


def test_index_names_what_it_cannot_read_and_lists_the_rest(stabkit, folder):
    put(folder / "good.json", "regressed", 1)
    (folder / "package.json").write_text("{}")
    assert stabkit("index", ".") == (0, "index.html\n", "left out, no result of a report: package.json\n")
    (folder / "cut.json").write_text('{"schema": 1, "verd')
    code, out, err = stabkit("index", ".", "--format", "json")
    assert code == json.loads(out)["exit_code"] == 2
    assert [one["file"] for one in json.loads(out)["reports"]] == ["good.json"]
    assert "error: cut.json: It is not whole JSON" in err
    assert "hint: Make these reports again" in err
    for number in range(7):
        put(folder / f"later {number}.json", "fine", 0)
    code, _, err = stabkit("index", ".")
    assert (code, err.count("error:")) == (2, 5)
    assert "hint: And 3 more." in err
