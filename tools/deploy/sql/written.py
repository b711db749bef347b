"""All below `deploy/sql`, as it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tools.deploy.sql import local, tables
from tools.deploy.sql.dialects import DIALECTS, Dialect
from tools.deploy.sql.questions import questions, unanswered

_BY = "Written by `make deploy` of the schema that the project is configured with: docs/bi.md."


def documents() -> dict[str, str]:
    """Each file by its path below `deploy/`."""
    found = {
        "athena/tables_parquet.sql": tables.athena_parquet(),
        "athena/tables_delta.sql": tables.athena_delta(),
        "redshift/external_parquet.sql": tables.redshift_external(is_delta=False),
        "redshift/external_delta.sql": tables.redshift_external(is_delta=True),
        "redshift/manifests.sql": tables.delta_manifests(),
        "redshift/tables.sql": tables.created("redshift"),
        "redshift/load.sql": tables.redshift_load(),
        "databricks/comments.sql": tables.databricks_comments(),
        "postgresql/tables.sql": tables.created("postgresql"),
        "duckdb/views.sql": local.statements(),
    }
    for dialect in DIALECTS:
        if dialect != "duckdb":
            found[f"{dialect}/views.sql"] = tables.created_views(dialect)
        found[f"{dialect}/questions.sql"] = _questions(dialect)
    return {f"sql/{path}": _file(each) for path, each in found.items()}


def _questions(dialect: Dialect) -> Iterator[str]:
    for one in questions():
        yield f"-- {one.name}: {one.title}\n-- {one.about}.\n{one.sql(dialect)}"
    for name, why in unanswered().items():
        yield f"-- {name}: not answered, since {why}."


def _file(statements: Iterable[str]) -> str:
    """Statements of one line follow each other, the others stand apart."""
    whole = f"-- {_BY}"
    for one in statements:
        *_, last = one.splitlines()
        ended = one if last.startswith("-- ") else f"{one};"
        is_short = one == last and whole.endswith(";")
        whole += ("\n" if is_short else "\n\n") + ended
    return f"{whole}\n"
