"""A job on order lines: the customers that a batch run makes of them, and each line's end."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing import nodes
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.schema.file import read_schema
from tests.serving.jobs.posting import done, ended, fetched, post
from tests.serving.process import serving
from tests.serving.wholesale import write_bundle

SCHEMA = read_schema(Path(__file__).parents[3] / "conf" / "schemas" / "online_retail.yml")
HEADERS = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID")


def drawn() -> list[str]:
    """Lines of three kinds of customers; the last ones are repeated, too old, and nobody's."""
    draw = random.Random(3)  # noqa: S311 - no secret
    lines = []
    for customer in range(90):
        amount = (2, 20, 90)[customer % 3]
        for order in range(2 + customer % 3 * 4):
            day = f"2011-{draw.randint(1, 11):02}-{draw.randint(1, 28):02} 10:00:00"
            for article in "ABC"[: draw.randint(1, 3)]:
                price = f"{draw.randint(1, 5)}.{draw.randint(0, 99):02}"
                lines.append(f"{customer}{order},{article},{amount},{day},{price},{customer}")
    odd = ["9,A,1,2009-12-01 10:00:00,2,1", "8,A,1,2011-03-01 10:00:00,2,"]
    return [*lines, lines[0], *odd]


LINES = drawn()
TEXT = "\n".join([",".join(HEADERS), *LINES, ""])


@pytest.fixture(scope="module")
def silver(source_of: Callable[..., Any]) -> pd.DataFrame:
    """The customers that a batch run makes."""
    rows = [dict(zip(HEADERS, line.split(","), strict=True)) for line in LINES]
    bronze = ingest_source(source_of(rows, pd.DataFrame), SCHEMA)
    reading = nodes.settle_reading(bronze, SCHEMA)
    checked = nodes.check_rows(bronze, reading, SCHEMA)
    left_out = nodes.quarantine_rows(checked, reading, SCHEMA)
    counts = nodes.account_for_rows(bronze, checked, left_out, reading, SCHEMA)
    allowed = PreprocessingParameters(max_left_out=0.5)
    made: pd.DataFrame = nodes.keep_customers(checked, counts, SCHEMA, allowed)[0]
    return made


@pytest.fixture(scope="module")
def asked(silver: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Connect to a server of a bundle learned from these lines."""
    folder = tmp_path_factory.mktemp("lines")
    write_bundle(folder, nodes.compute_features(silver, SCHEMA), SCHEMA)
    with (
        serving(folder, tmp_path_factory.mktemp("server")) as site,
        httpx.Client(base_url=site.url, timeout=30.0) as connected,
    ):
        yield connected


def test_order_lines_become_one_answer_a_customer(
    asked: httpx.Client, silver: pd.DataFrame
) -> None:
    job = done(asked, TEXT)
    assert (job["rows"], job["rows_rejected"]) == (len(LINES), 2)
    used = len(LINES) - 3
    assert job["message"] == (
        f"{used:,} lines used for 90 customers, 2 left out (1 of them outside the window), "
        "1 repeats removed."
    )
    results = list(csv.DictReader(io.StringIO(fetched(asked, job, "results").decode())))
    records = silver.drop(columns=["as_of", "sample_key"]).to_dict("records")
    dates = [name for name, column in SCHEMA.columns.items() if column.kind == "date"]
    sent = [record | {name: str(record[name].date()) for name in dates} for record in records]
    alone = asked.post("/v1/segments", json=sent).raise_for_status().json()
    told = ("customer_id", "segment", "segment_name", "runner_up")
    assert [[row[name] for name in told] for row in results] == [
        [answer[name] for name in told] for answer in alone
    ]
    assert len({row["segment"] for row in results}) > 1
    rejected = list(csv.DictReader(io.StringIO(fetched(asked, job, "rejected").decode())))
    reasons = [row["reasons"] for row in rejected]
    assert reasons == [SCHEMA.window, "customer_id: missing"]


def test_a_file_of_neither_lines_nor_customers_is_refused_with_what_both_need(
    asked: httpx.Client,
) -> None:
    job = ended(asked, post(asked, "CustomerID,Quantity\n1,2\n").json())
    assert job["state"] == "failed"
    assert "`spend_bought`" in job["message"]
    assert "A file of order lines needs customer_id, ordered_on, " in job["message"]
