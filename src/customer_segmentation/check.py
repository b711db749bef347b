"""Check in seconds what a run would make of a customer file, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kedro.framework.context import KedroContext
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.framework.project import pipelines, settings
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from customer_segmentation.customers.account import account_lines
from customer_segmentation.segmentation.headline import headline
from customer_segmentation.settings import named_path, setting
from customer_segmentation.sources.content import UTF8
from customer_segmentation.sources.dataset import SourceDataset

# The part of a run that finds the segments; its tables stay in memory.
_PIPELINES = ("ingestion", "preprocessing", "clustering")
_TOLD = ("row_accounting", "clustering_summary")


class _Kept(MemoryDataset):
    """Data that the runner does not release after its last use."""

    def _release(self) -> None:
        pass


def check_file(
    path: Path, env: str, configuration: Path, left_out: Path | None = None
) -> Iterator[str]:
    """The account that a run on the file would end with, line by line.

    Args:
        path: A file or a folder of customers.
        env: The environment whose parameters apply.
        configuration: The folder with the configuration of all environments.
        left_out: Where to write the rows that would be left out, with their reasons.

    Raises:
        UserError: A run would refuse the file; the lines known by then come first.
    """
    steps = sum((pipelines[name] for name in _PIPELINES), Pipeline([])).to_outputs(*_TOLD)
    source = SourceDataset(
        filepath=str(path),
        encoding=setting("SEGMENTATION_ENCODING", UTF8),
        sheet=setting("SEGMENTATION_SHEET"),
        customers=named_path("SEGMENTATION_CUSTOMERS"),
        customers_sheet=setting("SEGMENTATION_CUSTOMERS_SHEET"),
    )
    catalog = _in_memory(steps, source, env, configuration)
    quarantine = catalog["silver_quarantine"] = _Kept(copy_mode="assign")
    try:
        SequentialRunner().run(steps, catalog)
    finally:
        if left_out and quarantine.exists():
            quarantine.load().to_csv(left_out, index=False)
        if source.landed:
            yield from source.landed.lines()
        # `row_accounting` is missing if too many rows are left out.
        for name in ("row_counts", "row_accounting"):
            if catalog.exists(name):
                yield from account_lines(catalog.load(name), is_whole=True)
    accounting, summary = (catalog.load(name) for name in _TOLD)
    yield headline(summary, accounting["customers"])


def _in_memory(
    steps: Pipeline, source: SourceDataset, env: str, configuration: Path
) -> DataCatalog:
    """A catalog with the source and the parameters; everything made from them is in memory."""
    context = KedroContext(
        project_path=configuration.parent,
        config_loader=settings.CONFIG_LOADER_CLASS(
            conf_source=str(configuration), env=env, **settings.CONFIG_LOADER_ARGS
        ),
        env=env,
        package_name=Path(__file__).parent.name,
        # Without registered hooks: no lock, no tracking, no champion.
        hook_manager=_create_hook_manager(),
    )
    between = {"{name}": {"type": "MemoryDataset", "copy_mode": "assign"}}
    catalog = DataCatalog.from_config(between)
    # Kedro reads the configuration anew each time that it is asked for its catalog.
    configured = context.catalog
    for name in steps.inputs() - {"source"}:
        catalog[name] = configured.get(name)
    catalog["source"] = source
    return catalog
