"""On Spark nothing brings a table to the driver: only bounded samples, profiles and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.customers.generator import write
from tests.runs.project import make_project

pytestmark = pytest.mark.spark

CUSTOMERS = 6_000
SAMPLE = 1_000
# A sample's size is expected, not exact; a profile has a row a segment and measure.
BOUND = 1_300
COLLECTING = ("collect", "toArrow", "toPandas", "take", "head", "tail")


class UnboundedCollectError(AssertionError):
    """More rows came to the driver than any sample has."""


@contextmanager
def no_unbounded_collect(bound: int) -> Iterator[list[int]]:
    """Fail on whatever brings more rows than the bound to Python; give the sizes that were seen."""
    from pyspark.sql.classic.dataframe import DataFrame  # noqa: PLC0415 - only with Spark

    seen: list[int] = []

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(frame: Any, *arguments: Any, **options: Any) -> Any:
            # What a method asks of another is seen there; here what came of it counts.
            found = method(frame, *arguments, **options)
            size = len(found) if hasattr(found, "__len__") else 1
            seen.append(size)
            if size > bound:
                message = f"{method.__name__} brought {size} rows to the driver: {frame.columns}"
                raise UnboundedCollectError(message)
            return found

        return call

    def refused(frame: Any, *_: Any, **__: Any) -> Any:
        message = f"toLocalIterator has no bound: {frame.columns}"
        raise UnboundedCollectError(message)

    with pytest.MonkeyPatch.context() as patch:
        for name in COLLECTING:
            patch.setattr(DataFrame, name, guarded(getattr(DataFrame, name)))
        patch.setattr(DataFrame, "toLocalIterator", refused)
        yield seen


@pytest.mark.parametrize("method", ["collect", "toArrow", "toPandas", "toLocalIterator"])
def test_the_guard_fails_on_a_collect_of_more_rows(spark: Any, method: str) -> None:
    rows = spark.range(BOUND + 1)
    with no_unbounded_collect(BOUND), pytest.raises(UnboundedCollectError):
        getattr(rows, method)()
    with no_unbounded_collect(BOUND) as seen:
        rows.limit(BOUND).toArrow()
    assert seen[-1] == BOUND


def test_a_whole_run_brings_only_samples_to_the_driver(
    spark: Any,  # noqa: ARG001 - the run's session
    tmp_path: Path,
    tracking: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = make_project(tmp_path / "project", tracking)
    write(tmp_path / "source", CUSTOMERS, seed=2, file_rows=2_500)
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(tmp_path / "source"))
    sizes = ("clustering.coreset_rows", "eda.sample_rows", "supervised_training.sample_rows")
    quick = "clustering.k.most=4,clustering.k.bootstraps=2,clustering.k.starts=3"
    sampled = ",".join(f"{size}={SAMPLE}" for size in sizes)
    with no_unbounded_collect(BOUND) as seen:
        result = project.run(
            "--env=prod", f"--params={sampled},{quick},clustering.refinement_passes=2"
        )
    assert result.exit_code == 0, result.output
    # The samples did come, through the guard.
    assert max(seen) > SAMPLE / 2
