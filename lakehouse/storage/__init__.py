"""Where bytes live. The lake is a URL; nobody else opens a lake path."""

from lakehouse.storage.faults import FAULTS, fault_of, said, told
from lakehouse.storage.store import Entry, Store, StoreError, empty_store, local_path, open_folder, open_store

__all__ = ["FAULTS", "Entry", "Store", "StoreError", "empty_store", "fault_of", "local_path", "open_folder", "open_store", "said", "told"]
