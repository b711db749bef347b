"""Records scored by Spark's own expressions have the artifact's answers, every one."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import onnx
import polars as pl
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.sources.messages.decoding import Decoder
from customer_segmentation.streaming.scoring import answers_of
from customer_segmentation.streaming.settings import Topics
from customer_segmentation.streaming.spark.batch import KAFKA
from customer_segmentation.streaming.spark.decoding import _Message
from customer_segmentation.streaming.spark.realtime import answered
from customer_segmentation.streaming.state import CustomerState
from tests.marketing import SCHEMA
from tests.scoring.example import make_segmenter
from tests.streaming.home import shop

pytestmark = pytest.mark.spark

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "customers.csv"
DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - Spark's own, in UTC
TOPICS = Topics()


@pytest.fixture(scope="module")
def artifact() -> onnx.ModelProto:
    return build_segmenter(make_segmenter())


def records() -> list[bytes]:
    """The shipped sample's customers as JSON: numbers as numbers, days as ISO has them."""
    found = []
    with SAMPLE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            day = datetime.strptime(row["Dt_Customer"], "%d-%m-%Y")  # noqa: DTZ007 - a day
            record: dict[str, Any] = {**row, "Dt_Customer": day.date().isoformat()}
            record["Income"] = float(row["Income"]) if row["Income"] else None
            record["MntWines"] = float(row["MntWines"])
            record["Complain"] = row["Complain"] == "1"
            found.append(json.dumps(record).encode())
    return found


def sent(spark: Any, values: list[bytes], artifact: onnx.ModelProto) -> list[Any]:
    rows = [(b"sent", value, "events", 0, n, DAY) for n, value in enumerate(values)]
    found = answered(spark.createDataFrame(rows, KAFKA), SCHEMA, artifact, TOPICS)
    return [row.asDict(recursive=True) for row in found.collect()]


def test_every_record_of_the_sample_has_the_answer_of_the_small_runner(
    spark: Any, artifact: onnx.ModelProto, tmp_path: Path
) -> None:
    values = records()
    broken = [b"{", values[0].replace(b'"Year_Birth": "', b'"Year_Birth": "x')]

    found = sent(spark, [*values, *broken], artifact)

    told = [message for message in found if message["topic"] == "answers"]
    answers = {message["key"].decode(): json.loads(message["value"]) for message in told}
    decoded = Decoder("json").decode([_Message(n, None, value) for n, value in enumerate(values)])
    with CustomerState(tmp_path / "state.sqlite", SCHEMA) as state:
        events = pl.DataFrame(decoded.rows).select(pl.exclude("^landed__.*$"))
        step = state.apply(events, {})
    expected = answers_of(step.customers, artifact).with_columns(pl.col("as_of").cast(pl.String))
    assert len(expected) == len(answers) > 1_000
    for row in expected.iter_rows(named=True):
        answer = answers[row["customer_id"]]
        assert answer.pop("margin") == pytest.approx(row.pop("margin"), abs=1e-9)
        assert answer | {"as_of": row["as_of"][:10]} == row | {"as_of": row["as_of"][:10]}
    letters = [message for message in found if message["topic"] == "dead_letters"]
    assert len(letters) + len(told) == len(values) + len(broken)
    first, last = min(letters, key=lambda m: m["value"]), letters[-1]
    assert first["value"] == b"{"
    assert last["key"] == b"sent"
    why = {header["key"]: header["value"].decode() for header in last["headers"]}
    assert json.loads(why["dead-letter-reasons"]) == ["year_birth: not a number"]
    assert why["dead-letter-offset"] == str(len(values) + 1)


def test_order_lines_are_refused(spark: Any, artifact: onnx.ModelProto) -> None:
    with pytest.raises(UserError, match="order lines"):
        answered(spark.createDataFrame([], KAFKA), shop(), artifact, TOPICS)
