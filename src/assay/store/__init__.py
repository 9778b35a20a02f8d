"""Where everything that must last is kept: rows, secrets, gateway keys, the chain of verdicts.

`open_database` and `migrate` come first. The shared tables' SQL is in `queries`, `keys` and `chain`; a subsystem keeps its own
tables in its own ``migrations/`` and ``queries.py``, written with `Sql`.
"""

from assay.store.backup import backup
from assay.store.database import Database, Row, Transaction, Write, open_database
from assay.store.lock import DataLock
from assay.store.migrate import migrate, pending
from assay.store.sql import Sql
from assay.store.vault import Secret, Vault

__all__ = [
    "DataLock",
    "Database",
    "Row",
    "Secret",
    "Sql",
    "Transaction",
    "Vault",
    "Write",
    "backup",
    "migrate",
    "open_database",
    "pending",
]
