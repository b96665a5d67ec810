"""What a page is about: runs that bear the date of their release say when they were measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

import stabkit
from stabkit.config import Config
from stabkit.report.sections import history_subject
from stabkit.schema import Evidence
from stabkit.store import new_run, open_store

RELEASED = datetime(2020, 8, 9, 12, tzinfo=UTC)
MEASURED = datetime(2026, 11, 30, 23, 50, tzinfo=UTC)


def stored(folder, *, finished: tuple[datetime, ...]):
    store = open_store(folder / "data", create=True)
    checks = pd.DataFrame({"target": ["api"], "check": ["status"], "outcome": ["pass"]})
    for number, end in enumerate(finished):
        started = RELEASED + timedelta(days=100 * number) if end == MEASURED else end - timedelta(minutes=5)
        store.append(
            new_run(label=f"v{number}", started_at=started, finished_at=end, collection_id="one"),
            Evidence.of(checks=checks),
        )
    return store


@pytest.fixture
def later(tmp_path):
    return stored(tmp_path, finished=(MEASURED, MEASURED))


def test_the_head_of_a_report_says_when_its_runs_were_measured(later):
    report = stabkit.stability_report("v0", "v1", data=str(later.root))
    subject = report.verdict().subject
    assert subject.note == "measured on 30\xa0Nov\xa02026, and dated earlier"
    assert subject.at == (RELEASED + timedelta(days=100)).isoformat()
    assert subject.until is None


def test_the_method_tells_both_times(later):
    report = stabkit.stability_report("v0", "v1", data=str(later.root))
    shown = str(report.evidence_and_method()._repr_html_())
    assert "Dated" in shown
    assert "Measured" in shown
    assert "9\xa0Aug\xa02020" in shown
    assert "30\xa0Nov\xa02026" in shown


def test_the_head_of_a_history_says_it_too(later):
    assert history_subject(later.runs(), Config()).note == (
        "2 runs, v0 to v1 · measured on 30\xa0Nov\xa02026, and dated earlier"
    )


def test_a_run_that_was_measured_when_it_began_says_nothing(tmp_path):
    store = stored(tmp_path, finished=(MEASURED - timedelta(days=1), MEASURED - timedelta(days=2)))
    report = stabkit.stability_report("v1", "v0", data=str(store.root))
    assert report.verdict().subject.note is None
    assert "Dated" not in str(report.evidence_and_method()._repr_html_())
    assert history_subject(store.runs(), Config()).note == "2 runs, v1 to v0"
