"""Read the tables of another environment in a run, and only read them: SEGMENTATION_READ_FROM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kedro.framework.project import pipelines
from kedro.io import AbstractDataset, CatalogConfigResolver
from kedro.pipeline import Pipeline

from customer_segmentation.datasets.pending import place_of
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.flow import SOURCE, WHOLE, ancestors, is_parameter
from customer_segmentation.lineage.ledger import Ledger, ledger_place, read_ledger
from customer_segmentation.pipeline_registry import CHAMPION
from customer_segmentation.promotion.at_end import VERDICT
from customer_segmentation.s3_errors import store_error

READ_FROM = "SEGMENTATION_READ_FROM"
# It names the data of the run in MLflow, whether or not a step reads it.
_ACCOUNT = "row_accounting"
# What an environment promotes, compares its own with and adds to is never another's.
_OWN = {
    *("bundles", "bundles_below", CHAMPION, "recorded_history"),
    *("monitoring_before", "monitoring_hours"),
}
_POLARS = "customer_segmentation.datasets.polars_table.PolarsTableDataset"
DELTA = "delta"
# The globals that are places; only databricks has the last.
_ROOTS = ("data", "tables", "models", "landed")
# How each type of table is stored, and what it can read of another environment.
STORED = {
    "pandas.ParquetDataset": "parquet",
    _POLARS: "parquet",
    "customer_segmentation.datasets.delta_table.DeltaTableDataset": DELTA,
}
_READS = {"pandas.ParquetDataset": {"parquet"}, _POLARS: {"parquet", DELTA}}


@dataclass(frozen=True)
class Environment:
    """An environment of the configuration, with absolute places.

    Attributes:
        name: Its folder in `conf`.
        roots: Its globals that are places.
        catalog: Its entries and patterns.
    """

    name: str
    roots: Mapping[str, str]
    catalog: CatalogConfigResolver

    @classmethod
    def of(
        cls, name: str, roots: Mapping[str, Any], catalog: dict[str, Any], project: Path
    ) -> Environment:
        """An environment from its configuration, whose paths are relative to the project."""
        anchored = {key: _anchored(roots[key], project) for key in _ROOTS if key in roots}
        found = CatalogConfigResolver(
            _with_anchored(catalog, project),
            default_runtime_patterns=WholeFilesCatalog.default_runtime_patterns,
        )
        return cls(name, anchored, found)

    def entry(self, dataset: str) -> dict[str, Any]:
        """What its catalog says of a dataset; empty if it is not kept."""
        found: dict[str, Any] = self.catalog.resolve_pattern(dataset)
        return {} if str(found.get("type", "")).endswith("MemoryDataset") else found

    @property
    def ledger(self) -> str:
        """The place of its ledger."""
        return ledger_place(self.roots)

    def folders(self) -> Iterator[str]:
        """The folders that its runs write to."""
        yield _as_place(self.roots["models"])
        for dataset in {*pipelines[WHOLE].datasets()} - _OWN:
            if not is_parameter(dataset) and (place := _written(self.entry(dataset))):
                yield place.rpartition("/")[0]


def borrow(
    lender: Environment, pipeline: Pipeline, catalog: WholeFilesCatalog
) -> tuple[dict[str, AbstractDataset[Any, Any]], Ledger]:
    """The inputs that a run does not make, as another environment has them, and its ledger of them.

    A table is read by the type of this environment, so that steps run on its engine; models and
    small files have one type everywhere.

    Args:
        lender: The other environment.
        pipeline: What is to run.
        catalog: Of the run.

    Raises:
        UserError: The run promotes, or reads nothing of an environment; the other one has not all
            of it, or is being published; this engine cannot read its tables.
    """
    wanted = {name for name in pipeline.inputs() if not is_parameter(name)} - _OWN - {SOURCE}
    if VERDICT in pipeline.all_outputs():
        raise UserError(
            f"a promotion is judged by this environment's own customers: unset {READ_FROM}, which "
            f"is {lender.name}"
        )
    if not wanted:
        raise UserError(
            f"{READ_FROM} is {lender.name}, and this run reads no table that it does not make: "
            f"unset it, or choose steps with --pipelines"
        )
    names = wanted | ({_ACCOUNT} - pipeline.all_outputs())
    lent = {name: _lent(name, lender, catalog) for name in sorted(names)}
    try:
        ledger = read_ledger(lender.ledger)
        missing = [name for name in sorted(wanted) if not lent[name].exists()]
    except UserError:
        raise
    except Exception as error:
        raise store_error(error, lender.roots["tables"]) from error
    if ledger.publishing:
        raise UserError(
            f"{lender.name} is publishing the outputs of a run, or that run was killed meanwhile: "
            f"run again when it has ended, or after the next run in {lender.name}"
        )
    if missing:
        environment = f"kedro run --env={lender.name}"
        raise UserError(
            f"{lender.name} has no {', '.join(missing)} yet: run {environment} where it is run, or "
            f"unset {READ_FROM}"
        )
    read = lent.keys() | ancestors(lent)
    known = {name: entry for name, entry in ledger.entries.items() if name in read}
    return lent, Ledger(known, ledger.parameters)


def refuse_writes(
    lender: Environment, pipeline: Pipeline, catalog: WholeFilesCatalog, ledger: str
) -> None:
    """Refuse a run that would write where the environment that it reads from keeps its own.

    Args:
        lender: The other environment.
        pipeline: What is to run.
        catalog: Of the run.
        ledger: Place of the run's own ledger.

    Raises:
        UserError: Names the first such output.
    """
    places = {name: place_of(catalog.get(name)) for name in sorted(pipeline.all_outputs())}
    theirs = sorted(set(lender.folders()))
    for name, place in {"lineage.json": ledger, **places}.items():
        folder = next((each for each in theirs if place and _is_in(place, each)), "")
        if folder or place == lender.ledger:
            raise UserError(
                f"this run reads from {lender.name}, and would write {name} to {place}, which is "
                f"{lender.name}'s. Nothing was run: give this environment roots of its own"
            )


def _lent(name: str, lender: Environment, catalog: WholeFilesCatalog) -> AbstractDataset[Any, Any]:
    own: dict[str, Any] = catalog.config_resolver.resolve_pattern(name)
    theirs = lender.entry(name)
    kind, stored = str(own.get("type")), STORED.get(str(theirs.get("type")), "")
    if kind == theirs.get("type"):
        config = theirs
    elif stored in _READS.get(kind, ()):
        place = _as_place(theirs["filepath"])
        config = {**own, "filepath": place} | ({"file_format": stored} if kind == _POLARS else {})
        if stored == DELTA and find_spec("deltalake") is None:
            raise UserError(
                f"{lender.name}'s Delta tables need one more package: pip install deltalake"
            )
    else:
        raise UserError(
            f"{name} of {lender.name} cannot be read here: {READ_FROM} takes dev and staging for "
            "each other, and prod for staging. Run with another --env, or unset it"
        )
    unchecked = {key: value for key, value in config.items() if key != "validator"}
    return AbstractDataset.from_config(name, unchecked)


def _written(entry: Mapping[str, Any]) -> str:
    path = entry.get("landing") or entry.get("dataset", entry).get("filepath")
    return _as_place(str(path)) if path else ""


def _is_in(place: str, folder: str) -> bool:
    return f"{place}/".startswith(f"{folder}/")


def _as_place(path: str) -> str:
    return path.replace("s3a://", "s3://", 1).rstrip("/")


def _anchored(path: str, project: Path) -> str:
    return path if "://" in path else (project / path).as_posix()


def _with_anchored(config: Any, project: Path) -> Any:  # noqa: ANN401 - any YAML
    """A catalog's configuration with absolute paths, as Kedro itself makes them."""
    if not isinstance(config, dict):
        return config
    return {
        key: _anchored(value, project)
        if key in {"filepath", "landing"} and isinstance(value, str) and value
        else _with_anchored(value, project)
        for key, value in config.items()
    }
