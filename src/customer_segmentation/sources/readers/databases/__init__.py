"""Relational databases: tables read whole or by what changed, and PostgreSQL's log of changes."""

from customer_segmentation.sources.readers.databases.changes import PostgresChangesReader
from customer_segmentation.sources.readers.databases.reader import DatabaseReader

__all__ = ["DatabaseReader", "PostgresChangesReader"]
