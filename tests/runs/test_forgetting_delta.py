"""A customer is erased from Delta: rows, old versions, change feed, and the log itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from customer_segmentation.lineage.ledger import read_ledger
from tests.runs.project import Project, make_project
from tests.runs.tables import read_table
from tests.runs.test_forgetting import forgotten, require_one_state, require_only_rows_gone

pytestmark = pytest.mark.spark

RUN = ("--env=prod", "--pipelines=ingestion,preprocessing")
NAMES = ("bronze_customers", "silver_customers", "silver_quarantine", "gold_features")
HISTORY = "gold_feature_history"


@pytest.fixture
def prod(
    tmp_path: Path,
    tracking: Path,
    monkeypatch: pytest.MonkeyPatch,
    spark: Any,
) -> tuple[Project, str]:
    """Tables of two runs, and the customer whose id every file's statistics begin with."""
    from pyspark.sql.functions import lit  # noqa: PLC0415 - imports PySpark

    project = make_project(tmp_path / "project", tracking)
    sample = project.root / "data" / "sample" / "customers.csv"
    header, *rows = sample.read_text().splitlines()[:200]
    customer = min(row.split("\t")[0] for row in rows)
    source = tmp_path / "customers.csv"
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(source))
    for row_of_theirs in ("58138", "58139"):
        sent = [_with_income(row, row_of_theirs) if _is(row, customer) else row for row in rows]
        source.write_text("\n".join([header, *sent]) + "\n")
        result = project.run(*RUN)
        assert result.exit_code == 0, result.output
        # Appended to, as a run does that has learned a segmenter.
        gold = project.root / "data" / "prod" / "gold"
        features = spark.read.format("delta").load(str(gold / "features"))
        stated = features.withColumn("recorded_at", lit(row_of_theirs))
        stated.write.format("delta").mode("append").save(str(gold / "feature_history"))
    return project, customer


def _is(row: str, customer: str) -> bool:
    return row.split("\t", maxsplit=1)[0] == customer


def _with_income(row: str, income: str) -> str:
    cells = row.split("\t")
    return "\t".join([*cells[:4], income, *cells[5:]])


def test_delta_forgets_a_customer_in_files_versions_and_log(prod: tuple[Project, str]) -> None:
    project, customer = prod
    root = project.root / "data" / "prod"
    before = {name: read_table(str(root), name) for name in (*NAMES, HISTORY)}
    assert len(DeltaTable(root / "silver" / "customers").history()) == 2
    assert holders(root, customer)
    told = forgotten(project, customer, "--env=prod").output
    assert "data/prod/silver/customers: " in told
    after = {name: read_table(str(root), name) for name in (*NAMES, HISTORY)}
    assert require_only_rows_gone(before, after, customer) == 5
    assert holders(root, customer) == []
    require_one_state(read_ledger(f"{root}/lineage.json"))
    # Spark merges into them, and delta-rs reads what it made.
    source = Path(project.root.parent / "customers.csv")
    kept = [row for row in source.read_text().splitlines() if not _is(row, customer)]
    source.write_text("\n".join(kept[:-10]) + "\n")
    result = project.run(*RUN)
    assert result.exit_code == 0, result.output
    silver = read_table(str(root), "silver_customers")
    assert len(silver) < len(after["silver_customers"])


def holders(root: Path, customer: str) -> list[Path]:
    """The files with the customer's id, found in another way than the command finds them."""
    return [path for path in root.rglob("*") if path.is_file() and _holds(path, customer)]


def _holds(path: Path, customer: str) -> bool:
    if path.suffix == ".parquet":
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
        ids = {str(x) for c in ("ID", "customer_id", "sent_ID") if c in frame for x in frame[c]}
        return customer in ids or f'"customer_id":"{customer}"' in frame.to_json(
            default_handler=str
        )
    if "_delta_log" in str(path) and path.suffix in {".json", ".crc"} and path.name[0] != ".":
        text = json.dumps(path.read_text()).replace("\\", "")
        return f'"customer_id":"{customer}"' in text or f'"ID":"{customer}"' in text
    return False
