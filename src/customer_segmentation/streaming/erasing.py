"""One customer in the state of a stream, and how they are erased from its file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from customer_segmentation.streaming.store import BESIDE, held

# In the file from the moment that somebody is removed until no page holds them.
_MARK = "erasing"


def is_state(place: str, state: Path) -> bool:
    """Whether a place is the state's file, or what SQLite keeps beside it."""
    return place in {str(state), *(f"{state}{ending}" for ending in BESIDE)}


def traces(place: Path, customer: str) -> int:
    """How often a state holds a customer, or may hold one whose erasure was cut short.

    Raises:
        UserError: A stream runs on it.
    """
    with held(place) as file:
        if file is None or not _holds_customers(file):
            return 0
        rows = file.execute("SELECT count(*) FROM customers WHERE key = ?", (customer,))
        marks = file.execute("SELECT count(*) FROM about WHERE name = ?", (_MARK,))
        return int(rows.fetchone()[0]) + int(marks.fetchone()[0])


def erase(place: Path, customer: str) -> None:
    """Remove a customer, and write the file anew: free pages and the log hold old rows.

    The last change of the state cannot be taken back any more: it may hold them.

    Raises:
        UserError: A stream runs on it.
    """
    with held(place) as file:
        if file is None:
            return
        run = file.execute
        run("BEGIN IMMEDIATE")
        run("INSERT OR REPLACE INTO about VALUES (?, '')", (_MARK,))
        run("DELETE FROM customers WHERE key = ?", (customer,))
        run("DELETE FROM about WHERE name IN ('undo', 'meta_before')")
        run("COMMIT")
        run("VACUUM")
        run("PRAGMA wal_checkpoint(TRUNCATE)")
        run("DELETE FROM about WHERE name = ?", (_MARK,))
        run("PRAGMA wal_checkpoint(TRUNCATE)")


def _holds_customers(file: sqlite3.Connection) -> bool:
    names = {
        name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    return {"customers", "about"} <= names
