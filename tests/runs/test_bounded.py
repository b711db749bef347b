"""On Spark nothing brings a table to the driver: only bounded samples, profiles and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from customer_segmentation.scoring.scorer import Scorer
from tests.runs.project import Project
from tests.runs.tables import TABLES, TOLERANCE, read_table, rearranged, require_same_rows

pytestmark = pytest.mark.spark

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


def test_a_whole_run_brings_only_samples_to_the_driver_and_gives_what_dev_gives(
    spark: Any,  # noqa: ARG001 - the run's session
    new_project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of one run on Spark, whose rows come in other files and in another order than dev's."""
    new_project.make_quick()
    sizes = ("clustering.coreset_rows", "eda.sample_rows", "supervised_training.sample_rows")
    sampled = "--params=clustering.refinement_passes=2," + ",".join(f"{s}={SAMPLE}" for s in sizes)
    in_dev = new_project.run(sampled)
    assert in_dev.exit_code == 0, in_dev.output
    data = new_project.root / "data"
    expected = {name: read_table(str(data), name) for name in TABLES}
    source = rearranged(data / "sample" / "customers.csv", tmp_path / "source")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(source))
    with no_unbounded_collect(BOUND) as seen:
        in_prod = new_project.run("--env=prod", sampled)
    assert in_prod.exit_code == 0, in_prod.output
    # The samples did come, through the guard.
    assert max(seen) > SAMPLE / 2
    require_same_rows(str(data / "prod"), expected)
    learned, again = (
        Scorer(root / "models" / "candidate" / "segmenter.onnx").metadata["centroids"]
        for root in (data, data / "prod")
    )
    np.testing.assert_allclose(again, learned, rtol=TOLERANCE)
