"""pandas, Polars and Spark learn one artifact from the same rows, whatever the schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import pytest

from customer_segmentation.schema.file import read_schema
from customer_segmentation.sources.dataset import READERS
from tests.marketing import FOLDER
from tests.runs.tables import TOLERANCE, in_one_form
from tools.engines import ARTIFACT, run_on
from tools.generator.any_schema import write

TABLES = ["silver_customers", "silver_quarantine", "gold_features"]


@pytest.mark.spark
@pytest.mark.parametrize("name", ["wholesale", "hillstrom"])
def test_engines_agree_on_every_table_and_the_artifact(
    name: str,
    tmp_path: Path,
    spark: Any,  # noqa: ARG001 - the session that its engine uses
) -> None:
    path, file = FOLDER / f"{name}.yml", tmp_path / "rows.csv"
    write(file, path, 600)
    schema = read_schema(path)
    wanted = [*TABLES, ARTIFACT]
    pandas, *others = (run_on(engine, file, schema, wanted) for engine in READERS)
    for other in others:
        assert other[ARTIFACT] == pandas[ARTIFACT]
        for table in TABLES:
            pd.testing.assert_frame_equal(
                as_pandas(other[table]),
                as_pandas(pandas[table]),
                check_dtype=False,
                rtol=TOLERANCE,
                atol=TOLERANCE,
            )


def as_pandas(table: Any) -> pd.DataFrame:
    frame = nw.from_native(table).lazy().collect(backend="pandas").to_native()
    return in_one_form(frame, ["customer_id"])
