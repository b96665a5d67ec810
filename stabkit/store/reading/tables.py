"""The evidence tables of a store by their names: what :meth:`.Store.read` gives, for those who explore."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeAlias

import pandas as pd

__all__ = ["TableReading"]

_Runs: TypeAlias = Sequence[str] | str | None
_Moment: TypeAlias = datetime | date | str | None


class TableReading(ABC):
    """A method for each evidence table; all take what :meth:`read` takes after the name of the table.

    ``runs`` are references (``"v1.5"``, ``"latest"``), one or several, or None for the whole history; ``columns`` are
    those that are read, None all of them; ``since`` and ``until`` bound the time, ``until`` excluded, in UTC.
    """

    @abstractmethod
    def read(
        self,
        table: str,
        runs: _Runs = None,
        columns: Sequence[str] | None = None,
        *,
        since: _Moment = None,
        until: _Moment = None,
    ) -> pd.DataFrame:
        """Return one table, of some runs or all, in the order it was stored."""

    def samples(
        self,
        runs: _Runs = None,
        columns: Sequence[str] | None = None,
        *,
        since: _Moment = None,
        until: _Moment = None,
    ) -> pd.DataFrame:
        """Return the table ``samples``: a row is one request, message or reading, warm-up and failures too.

        Parameters
        ----------
        runs, columns, since, until
            As of :meth:`read`.

        Raises
        ------
        UsageError, StoreError
            As of :meth:`read`.

        Examples
        --------
        >>> from stabkit.store import open_store
        >>> sorted(open_store("data/sample").samples("v1.5")["target"].unique())
        ['auth', 'backend', 'chat', 'events']
        """
        return self.read("samples", runs, columns, since=since, until=until)

    def tests(
        self,
        runs: _Runs = None,
        columns: Sequence[str] | None = None,
        *,
        since: _Moment = None,
        until: _Moment = None,
    ) -> pd.DataFrame:
        """Return the table ``tests``: a row is one attempt of one test case.

        Parameters
        ----------
        runs, columns, since, until
            As of :meth:`read`.

        Raises
        ------
        UsageError, StoreError
            As of :meth:`read`.
        """
        return self.read("tests", runs, columns, since=since, until=until)

    def findings(
        self,
        runs: _Runs = None,
        columns: Sequence[str] | None = None,
        *,
        since: _Moment = None,
        until: _Moment = None,
    ) -> pd.DataFrame:
        """Return the table ``findings``: a row is one finding of a scan, suppressed ones among them.

        Parameters
        ----------
        runs, columns, since, until
            As of :meth:`read`.

        Raises
        ------
        UsageError, StoreError
            As of :meth:`read`.
        """
        return self.read("findings", runs, columns, since=since, until=until)

    def scans(
        self,
        runs: _Runs = None,
        columns: Sequence[str] | None = None,
        *,
        since: _Moment = None,
        until: _Moment = None,
    ) -> pd.DataFrame:
        """Return the table ``scans``: a row is one scan by one tool: what it looked at, and whether it ended.

        Parameters
        ----------
        runs, columns, since, until
            As of :meth:`read`.

        Raises
        ------
        UsageError, StoreError
            As of :meth:`read`.
        """
        return self.read("scans", runs, columns, since=since, until=until)

    def checks(
        self,
        runs: _Runs = None,
        columns: Sequence[str] | None = None,
        *,
        since: _Moment = None,
        until: _Moment = None,
    ) -> pd.DataFrame:
        """Return the table ``checks``: a row is one expectation about one target, and whether it held.

        Parameters
        ----------
        runs, columns, since, until
            As of :meth:`read`.

        Raises
        ------
        UsageError, StoreError
            As of :meth:`read`.
        """
        return self.read("checks", runs, columns, since=since, until=until)

    def changes(
        self,
        runs: _Runs = None,
        columns: Sequence[str] | None = None,
        *,
        since: _Moment = None,
        until: _Moment = None,
    ) -> pd.DataFrame:
        """Return the table ``changes``: a row is one changed file of a git range, with the facts of its risk.

        Parameters
        ----------
        runs, columns, since, until
            As of :meth:`read`.

        Raises
        ------
        UsageError, StoreError
            As of :meth:`read`.
        """
        return self.read("changes", runs, columns, since=since, until=until)

    def sources(
        self,
        runs: _Runs = None,
        columns: Sequence[str] | None = None,
        *,
        since: _Moment = None,
        until: _Moment = None,
    ) -> pd.DataFrame:
        """Return the table ``sources``: a row is one input file or probe, and what was read of it.

        Parameters
        ----------
        runs, columns, since, until
            As of :meth:`read`.

        Raises
        ------
        UsageError, StoreError
            As of :meth:`read`.
        """
        return self.read("sources", runs, columns, since=since, until=until)

    def coverage(
        self,
        runs: _Runs = None,
        columns: Sequence[str] | None = None,
        *,
        since: _Moment = None,
        until: _Moment = None,
    ) -> pd.DataFrame:
        """Return the table ``coverage``: a row is one file in one coverage report.

        Parameters
        ----------
        runs, columns, since, until
            As of :meth:`read`.

        Raises
        ------
        UsageError, StoreError
            As of :meth:`read`.
        """
        return self.read("coverage", runs, columns, since=since, until=until)
