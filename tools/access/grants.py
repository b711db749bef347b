"""The same rights as GRANTs of Unity Catalog, where each environment is a catalog."""

from __future__ import annotations

from collections.abc import Iterator

from tools.access.places import environment, tables
from tools.access.policies import Names
from tools.access.roles import declared

_ENVIRONMENT = "databricks"
_INTRODUCTION = """\
-- The rights of deploy/access/roles.yml in Unity Catalog, written by `make docs`.
-- Catalogs, schemas and volumes are made first, tables by a first run: docs/deploy_databricks.md.
"""
# The root of an environment's files that holds a layer, in place of tables.
_ROOTS = {"landed": "landed", "models": "models", "reporting": "data", "records": "data"}


def unity_catalog(names: Names) -> str:
    """All grants, a statement a line."""
    access, lines = declared(), [_INTRODUCTION]
    for catalog in access.environments:
        for role in access.roles:
            if access.readable(role, catalog):
                lines += [
                    f"GRANT {privileges} ON {securable} TO `{principal}`;"
                    for principal in names.of([role])
                    for securable, privileges in granted(role, catalog)
                ]
                lines.append("")
    return "\n".join(lines)


def granted(role: str, catalog: str) -> Iterator[tuple[str, str]]:
    """Each thing that a role has privileges on, with them."""
    access = declared()
    layers = access.readable(role, catalog)
    is_writer = role in access.writers(catalog)
    used = {layer: list(_tables(layer)) for layer in layers}
    volumes = sorted({volume(catalog, layer) for layer in layers if layer in _ROOTS})
    schemas = {name.split(".")[0] for names in used.values() for name in names}
    schemas |= {name.split(".")[1] for name in volumes}
    yield f"CATALOG {catalog}", "USE CATALOG"
    for schema in sorted(schemas):
        # A schema whose every table is of one layer is granted whole, before there is a table.
        held = {layer for layer in access.layers for name in _tables(layer) if _is_in(name, schema)}
        is_whole = held and held <= set(layers)
        reads = ", SELECT" if is_whole else ""
        writes = ", CREATE TABLE, MODIFY" if is_writer else ""
        yield f"SCHEMA {catalog}.{schema}", f"USE SCHEMA{reads}{writes}"
        if not is_whole:
            named = (name for names in used.values() for name in names if _is_in(name, schema))
            for name in sorted(named):
                yield f"TABLE {catalog}.{name}", "SELECT"
    for name in volumes:
        yield f"VOLUME {name}", "READ VOLUME, WRITE VOLUME" if is_writer else "READ VOLUME"


def _tables(layer: str) -> Iterator[str]:
    """The tables of a layer, as `schema.table`; an export is a file."""
    for table in tables()[layer]:
        entry = environment(_ENVIRONMENT).entry(table)
        if "database" in entry:
            yield f"{entry['database']}.{entry['table']}"


def _is_in(table: str, schema: str) -> bool:
    return table.startswith(f"{schema}.")


def volume(catalog: str, layer: str) -> str:
    """The volume that holds the files of a layer, as `catalog.schema.volume`."""
    root = environment(_ENVIRONMENT).roots[_ROOTS[layer]]
    _, _, _, schema, name, *_ = root.split("/")
    return f"{catalog}.{schema}.{name}"
