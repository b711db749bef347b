"""Where the tables of each layer lie in each environment, as its catalog says."""

from __future__ import annotations

from functools import cache
from pathlib import Path, PurePosixPath

from kedro.framework.project import configure_project, pipelines

from customer_segmentation.reading_from import Environment
from customer_segmentation.schema.file import chosen_schema, read_schema
from customer_segmentation.settings import CONFIG_LOADER_ARGS, ConfigLoader
from customer_segmentation.tables.schemas import tables_of
from tools.access.roles import declared

CHECKOUT = Path(__file__).parents[2]


@cache
def environment(name: str) -> Environment:
    """An environment of the checkout's configuration."""
    loader = ConfigLoader(str(CHECKOUT / "conf"), name, **CONFIG_LOADER_ARGS)
    return Environment.of(name, loader["globals"], loader["catalog"], CHECKOUT)


@cache
def tables() -> dict[str, list[str]]:
    """The tables of each layer, by name in the catalog: those with a contract, and exports."""
    configure_project("customer_segmentation")
    exports = (name for name in pipelines["__default__"].datasets() if name.startswith("export_"))
    found: dict[str, list[str]] = {layer: [] for layer in declared().layers}
    for table in sorted({*tables_of(read_schema(chosen_schema(CHECKOUT / "conf"))), *exports}):
        found[declared().layer_of(table)].append(table)
    return found


def place(name: str, table: str) -> str:
    """The path of a table below an environment's root: a file, or a folder with a `/` behind."""
    found = environment(name)
    path = found.entry(table)["filepath"].removeprefix(found.roots["tables"]).strip("/")
    return path if PurePosixPath(path).suffix else f"{path}/"


def patterns(name: str, layers: list[str]) -> list[str]:
    """The paths below an environment's root that layers are, with `*` for any characters."""
    found: list[str] = []
    for layer in layers:
        found += declared().layers[layer].files
        for path in (place(name, table) for table in tables()[layer]):
            # Readers ask for a folder by its own name, to see that it is no file.
            found += [path.rstrip("/"), f"{path}*"] if path.endswith("/") else [path]
    return found
