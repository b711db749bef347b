"""A query of DuckDB's that can be given up."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


class CancelledError(Exception):
    """A query was cancelled, or took too long."""


class Query:
    """A query that may be cancelled from another thread, before and while it runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._is_cancelled = False

    def run(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
        """Run it.

        Raises:
            CancelledError: It was cancelled.
        """
        import duckdb  # noqa: PLC0415 - few requests need it

        with self._lock:
            if self._is_cancelled:
                raise CancelledError
            self._cursor = cursor
        try:
            return cursor.execute(sql)
        except (duckdb.InterruptException, duckdb.CatalogException) as error:
            # Or the consent of its day was dropped for that of newer ones.
            raise CancelledError from error
        finally:
            with self._lock:
                self._cursor = None

    def cancel(self) -> None:
        """Stop it; it need not have begun."""
        with self._lock:
            self._is_cancelled = True
            if self._cursor is not None:
                self._cursor.interrupt()
