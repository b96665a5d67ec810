"""Append-only runs as Parquet, read through DuckDB; the only room that touches the data folder."""

from stabkit.runs import new_run
from stabkit.store.checking import StoreCheck
from stabkit.store.compaction import GRACE, Compaction
from stabkit.store.opening import is_store, open_store, project_store
from stabkit.store.references import word_of
from stabkit.store.retention import Pruning
from stabkit.store.store import Store

__all__ = [
    "GRACE",
    "Compaction",
    "Pruning",
    "Store",
    "StoreCheck",
    "is_store",
    "new_run",
    "open_store",
    "project_store",
    "word_of",
]
