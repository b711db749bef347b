"""Gold tables as SQL: their tables, views for analysts and questions, in every dialect."""

from tools.deploy.sql.written import documents

__all__ = ["documents"]
