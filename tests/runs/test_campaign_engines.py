"""A plan is the same on every engine, and prod's table holds it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import polars.selectors as cs
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from customer_segmentation.bundles.bundle import RESPONSE
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.datasets.contacts import ContactsDataset
from customer_segmentation.datasets.delta_table import DeltaTableDataset
from customer_segmentation.datasets.history_parts import HistoryPartsDataset
from customer_segmentation.datasets.polars_table import PolarsTableDataset
from customer_segmentation.pipelines.campaign_planning import create_pipeline
from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.sources.optional import OptionalSource
from customer_segmentation.tables.history import History
from tests.campaigns.made import campaign, offer
from tests.marketing import SCHEMA
from tests.runs.project import Project
from tests.runs.tables import in_one_form, read_table
from tests.tables.declared import require_declared

pytestmark = pytest.mark.spark

# Offers compete, some are for some answers only, and limits bind.
PARAMETERS: CampaignParameters = campaign(
    hold_out=0.1,
    budget=400.0,
    shares={"low_spend": {"least": 0.02}},
    offers={
        "voucher": offer(purpose="e_mail", among={"offer": ["discount", "newsletter"]}),
        "letter": offer(5.0, 14.0, purpose="post", answer_factor=1.2, most=30),
    },
)


INPUTS = "gold_campaign_inputs"
# Of two plans that say the same, at other times.
WHEN = ["recorded_at", "run_id"]


def planned(project: Project, load: Callable[[str], Any], keep: Any, inputs: Any) -> None:
    """Run the pipeline on tables that are loaded so, and save the plan, and what was known."""
    champion = BundleStore(str(project.root / "data" / "models"), "dev").champion()
    assert champion
    given = {
        "silver_customers": load("silver/customers"),
        "gold_segments": load("gold/segments"),
        "response_champion": read_model(champion.files[RESPONSE]),
        "consents": OptionalSource(
            place=str(project.root / "data" / "sample" / "consents.csv")
        ).load(),
        "contacts": ContactsDataset(filepath=str(project.root / "data" / "none")).load(),
        "latest_calibration": None,
        "recorded_campaign_inputs": History((), {}.__getitem__, datetime.now(UTC), "run 1"),
        "params:customers": SCHEMA,
        "params:campaign_planning": PARAMETERS,
    }
    catalog = DataCatalog.from_config({"{name}": {"type": "MemoryDataset", "copy_mode": "assign"}})
    for name, value in given.items():
        catalog[name] = MemoryDataset(value, copy_mode="assign")
    catalog["gold_campaign"], catalog[INPUTS] = keep, inputs
    SequentialRunner().run(create_pipeline().to_outputs("gold_campaign", INPUTS), catalog)


def test_pandas_polars_and_spark_plan_the_same(
    quick_run: Project, spark: Any, tmp_path: Path
) -> None:
    data = quick_run.root / "data"
    kept, known = MemoryDataset(copy_mode="assign"), MemoryDataset(copy_mode="assign")
    kept._release = known._release = lambda: None  # type: ignore[method-assign]
    planned(quick_run, lambda name: pd.read_parquet(data / f"{name}.parquet"), kept, known)
    inputs = in_one_form(known.load(), ["customer_id"]).drop(columns=WHEN)
    assert 0 < inputs["input_income"].notna().sum() <= len(inputs)
    expected = in_one_form(kept.load(), ["customer_id"])
    assert expected["is_contacted"].sum() > 50
    assert set(expected["offer"]) == {"", "voucher", "letter"}
    lazily = PolarsTableDataset(
        filepath=str(tmp_path / "polars" / "gold" / "campaign.parquet"), table="gold_campaign"
    )
    parts = HistoryPartsDataset(
        filepath=str(tmp_path / "polars" / "gold" / "campaign_inputs"),
        table=INPUTS,
        engine="polars",
    )
    planned(quick_run, lambda name: pl.scan_parquet(data / f"{name}.parquet"), lazily, parts)
    delta = DeltaTableDataset(
        filepath=str(tmp_path / "spark" / "gold" / "campaign"), table="gold_campaign"
    )

    def in_spark(name: str) -> Any:
        # Spark has no nanoseconds, which pandas writes.
        table = pl.read_parquet(data / f"{name}.parquet")
        return spark.createDataFrame(table.cast({cs.datetime(): pl.Datetime("us")}).to_arrow())

    appended = DeltaTableDataset(
        filepath=str(tmp_path / "spark" / "gold" / "campaign_inputs"), table=INPUTS
    )
    planned(quick_run, in_spark, delta, appended)
    for engine in ("polars", "spark"):
        found = read_table(str(tmp_path / engine), "gold_campaign")
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)
        chosen = expected.loc[expected["offer"] != "", "customer_id"]
        said = read_table(str(tmp_path / engine), INPUTS)
        assert said["customer_id"].tolist() == chosen.tolist()
        said = said.drop(columns=WHEN)
        pd.testing.assert_frame_equal(said, inputs, check_dtype=False)
        require_declared(str(tmp_path / engine), "gold_campaign", INPUTS)
    days = {str(value) for value in delta.load().select("as_of", "campaign_day").first()}
    assert days == {"2014-06-30 00:00:00"}
