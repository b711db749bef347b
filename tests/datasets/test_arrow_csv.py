"""A table as CSV: what a person and a BI tool read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from customer_segmentation.datasets.arrow_csv import ArrowCsvDataset

TABLE = pd.DataFrame(
    {
        "customer_id": ["1", "a,b"],
        "event_timestamp": pd.to_datetime(["2014-06-29", "2014-06-29"]),
        "income": [0.1 + 0.2, None],
    }
)


def test_numbers_are_exact_dates_are_days_and_cells_with_text_is_quoted(tmp_path: Path) -> None:
    ArrowCsvDataset(filepath=str(tmp_path / "sub" / "table.csv")).save(TABLE)
    assert (tmp_path / "sub" / "table.csv").read_text().splitlines() == [
        '"customer_id","event_timestamp","income"',
        '"1",2014-06-29,0.30000000000000004',
        '"a,b",2014-06-29,',
    ]


def test_it_loads_and_previews_what_was_saved(tmp_path: Path) -> None:
    dataset = ArrowCsvDataset(filepath=str(tmp_path / "table.csv"))
    assert not dataset.exists()
    dataset.save(TABLE)
    assert dataset.exists()
    assert dataset.load()["income"][0] == 0.1 + 0.2
    assert len(dataset.preview(1)["data"]) == 1
