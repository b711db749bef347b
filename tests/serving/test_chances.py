"""`p_response` beside the segment: of every customer of the sample as the batch has it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import narwhals as nw
import numpy as np
import onnx
import polars as pl
import pytest

from customer_segmentation.bundles.bundle import MODELS
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing import nodes as preprocessing
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.table import score_table
from customer_segmentation.serving.answers import Answer
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.sources.dataset import SourceDataset
from tests.serving.example import a_customer, a_new_customer, who_may_answer

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "customers.csv"


@pytest.fixture(scope="module")
def opened(bundle: Path) -> Bundle:
    return Bundle(*((bundle / name).read_bytes() for name in MODELS))


@pytest.fixture(scope="module")
def silver(customer_parameters: Schema) -> pl.DataFrame:
    source = SourceDataset(filepath=str(SAMPLE), engine="polars").load()
    bronze = ingest_source(source, customer_parameters)
    reading = preprocessing.settle_reading(bronze, customer_parameters)
    checked = preprocessing.check_rows(bronze, reading, customer_parameters)
    made: pl.DataFrame = preprocessing._verdicts(checked).customers().collect().to_native()
    return made


def answered(opened: Bundle, *records: dict[str, Any]) -> list[Answer]:
    """The answers by the fast path, which are those of the careful one."""
    body = msgspec.json.encode(records)
    fast = opened.reader.fast(body, is_list=True)
    read = opened.reader.careful(body, len(records))
    careful = opened.answer([one for one in read if not isinstance(one, list)])
    if fast:
        reader, customers = fast
        assert opened.answer_matrix(reader.ids(customers), reader.matrix(customers)) == careful
    return careful


def test_every_customer_of_the_sample_has_the_probability_of_the_batch(
    opened: Bundle, bundle: Path, silver: pl.DataFrame
) -> None:
    names = [name for name in silver.columns if name in opened.contract.rules]
    records = [
        {
            name: value.date().isoformat() if hasattr(value, "date") else value
            for name, value in row.items()
            if value is not None
        }
        for row in silver.select(names).to_dicts()
    ]
    given = [one.p_response for one in answered(opened, *records)]
    scored = score_table(nw.from_native(silver.lazy()), onnx.load(bundle / "response.onnx"))
    expected = scored.collect().to_native()["p_response"].fill_nan(None).to_list()
    assert len(given) > 2_000
    assert 0 < given.count(None) < 10
    assert given == expected


def test_a_probability_needs_every_input_of_the_model_and_a_segment_none_of_them(
    opened: Bundle,
) -> None:
    whole = who_may_answer()
    others = [*whole.keys() - a_customer().keys()]
    lacking = [{n: v for n, v in whole.items() if n != other} for other in others]
    first, *rest = answered(opened, whole, *lacking)
    assert first.p_response is not None
    assert 0.0 < first.p_response < 1.0
    assert [one.p_response for one in rest] == [None] * len(others)
    assert {one.segment for one in rest} == {first.segment}
    # What is not told is left out of JSON.
    assert b"p_response" not in msgspec.json.encode(rest[0])


def test_whoever_has_bought_nothing_yet_has_no_probability(opened: Bundle) -> None:
    new = {n: v for n, v in who_may_answer().items() if n not in opened.contract.purchases}
    (answer,) = answered(opened, new | a_new_customer())
    assert (answer.model, answer.p_response) == ("cold_start", None)


def test_a_wrong_value_of_an_optional_input_is_refused(opened: Bundle) -> None:
    for name, value in (("accepted_campaign_1", 2), ("enrolled_on", date(2015, 1, 1))):
        body = msgspec.json.encode(who_may_answer() | {name: value})
        assert opened.reader.fast(body, is_list=False) is None
        (problems,) = opened.reader.careful(body, 1)
        assert isinstance(problems, list)
        assert [problem.path for problem in problems] == [f"$.{name}"]


def test_the_day_of_a_record_changes_what_depends_on_it(opened: Bundle) -> None:
    now, later = answered(opened, who_may_answer(), who_may_answer() | {"as_of": "2014-12-31"})
    assert now.p_response is not None
    assert later.p_response is not None
    assert not np.isclose(now.p_response, later.p_response)
