"""Append-only runs as Parquet, read through DuckDB; the only room that touches the data folder."""

from stabkit.runs import new_run
from stabkit.store.batches import check_writable
from stabkit.store.checking import StoreCheck
from stabkit.store.compaction import Compaction
from stabkit.store.folder import Store, open_store

__all__ = ["Compaction", "Store", "StoreCheck", "check_writable", "new_run", "open_store"]
