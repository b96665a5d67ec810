"""The generated history that the tests of the report use too."""

from tests.report.conftest import history, steady_store, worse_store  # noqa: F401
