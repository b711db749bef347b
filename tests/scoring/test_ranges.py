"""The contract's ranges hold in the files themselves, whoever runs them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.scoring.cold_start import build_cold_start
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of, schema_of
from customer_segmentation.scoring.ranges import are_within, spans
from customer_segmentation.segmentation.cold_start import ColdStartModel
from customer_segmentation.segmentation.scaling import Scaling
from customer_segmentation.serving.validation import Contract, ReadCustomer
from tests.marketing import COLUMNS, FEATURES, SCHEMA, numeric_columns
from tests.scoring.example import make_segmenter

Matrix = NDArray[np.float64]
# All that a record may hold, dates and categories included.
NUMERIC = numeric_columns([*COLUMNS, AS_OF])
PLAIN = ("income", "recency_days", "web_visits_month", "complained", "responded")
EVERYTHING = (*PLAIN, *FEATURES)
# Column -> values just outside and just inside of what it may be, at the snapshot of 2014-06-30.
WRONG = {
    "income": [-5.0, -5e-324, 1e12 + 1.0, np.inf, -np.inf, np.nan],
    "year_birth": [2200.0, 1997.0, 1913.0, 1960.5],
    "kids_home": [0.5, -1.0, 1e6 + 1.0, 1e-300],
    "spend_wines": [-0.01, 1.0000001e12],
    "accepted_campaign_1": [2.0, -1.0, 0.5],
    "education": [5.0, -1.0, 1.5],
    "marital_status": [5.0, -1.0],
    "enrolled_year": [1999.0, 2015.0, 2012.5],
    "enrolled_day": [0.0, 367.0, 1.5],
    "as_of_year": [0.0, 2013.5, 1970.0],
    "as_of_day": [0.0, 367.0],
}
RIGHT = {
    "income": [0.0, 5e-324, 0.1, 1e12],
    "year_birth": [1996.0, 1914.0],
    "kids_home": [0.0, 1.0, 1e6],
    "spend_wines": [0.0, 0.01, 1e12],
    "accepted_campaign_1": [0.0, 1.0],
    "education": [0.0, 4.0],
    "marital_status": [0.0, 4.0],
    "enrolled_year": [2000.0, 2014.0],
    "enrolled_day": [1.0, 365.0],
    "as_of_year": [2014.0, 2030.0],
    "as_of_day": [181.0, 365.0],
}


def whole_segmenter() -> onnx.ModelProto:
    """A segmenter that reads every column."""
    draw, count = np.random.default_rng(0), len(EVERYTHING)
    numbers = (draw.uniform(1.0, 2.0, count) for _ in range(3))
    base = make_segmenter()
    components = np.linalg.qr(draw.normal(size=(count, count)))[0][:, :4]
    return build_segmenter(
        replace(
            base,
            scaling=Scaling(EVERYTHING, *numbers),
            projection=replace(base.projection, components=components),
            centroids=draw.normal(size=(3, 4)),
        )
    )


def cold_start() -> onnx.ModelProto:
    features = ("income", "age", "partnered", "education_phd", "kids_home")
    count = len(features)
    return build_cold_start(
        ColdStartModel(
            features=features,
            caps=np.full(count, 9e4),
            means=np.zeros(count),
            deviations=np.ones(count),
            weights=np.ones((3, count)),
            intercepts=np.zeros(3),
            names=make_segmenter().names,
            segmenter_version="0123456789ab",
            schema=SCHEMA,
            provenance={},
            metrics={},
        )
    )


MODELS = {"segmenter": whole_segmenter(), "cold_start": cold_start()}


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    """As anybody would run the file."""
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


SESSIONS = {kind: session(model) for kind, model in MODELS.items()}


def a_row(columns: list[str], **changed: float) -> Matrix:
    usual = {"income": 5e4, "year_birth": 1960.0, "as_of_year": 2014.0, "as_of_day": 181.0}
    usual |= {"enrolled_year": 2012.0, "enrolled_day": 100.0} | changed
    return np.array([[usual.get(name, 1.0) for name in columns]])


def answers(kind: str, row: Matrix) -> dict[str, Any]:
    names = [output.name for output in SESSIONS[kind].get_outputs()]
    return {
        n: v[0] for n, v in zip(names, SESSIONS[kind].run(names, {"customers": row}), strict=True)
    }


def cases(values: dict[str, list[float]]) -> list[tuple[str, str, float]]:
    return [
        (kind, column, value)
        for kind, model in MODELS.items()
        for column, several in values.items()
        for value in several
        if column in metadata_of(model)["columns"]
    ]


@pytest.mark.parametrize(("kind", "column", "value"), cases(WRONG))
def test_a_number_that_the_contract_refuses_is_as_one_that_is_missing(
    kind: str, column: str, value: float
) -> None:
    said = metadata_of(MODELS[kind])
    row = a_row(said["columns"], **{column: value})
    for name, found in answers(kind, row).items():
        assert found == -1 or np.isnan(found), name
    assert not are_within(row, said["columns"], spans_of(said)).any()


@pytest.mark.parametrize(("kind", "column", "value"), cases(RIGHT))
def test_a_number_that_the_contract_takes_is_answered(kind: str, column: str, value: float) -> None:
    said = metadata_of(MODELS[kind])
    row = a_row(said["columns"], **{column: value})
    found = answers(kind, row)
    assert found["segment"] >= 0
    assert not any(np.isnan(value) for value in found.values())
    assert are_within(row, said["columns"], spans_of(said)).all()


def spans_of(said: dict[str, Any]) -> Any:
    return spans(said["columns"], schema_of(said))


def test_the_segmenter_of_these_tests_reads_every_column() -> None:
    assert {*metadata_of(MODELS["segmenter"])["columns"]} == {*NUMERIC}


def test_the_file_and_the_api_refuse_the_same_records() -> None:
    contract = Contract(metadata_of(MODELS["segmenter"]))
    said = metadata_of(MODELS["segmenter"])
    base: dict[str, Any] = dict.fromkeys(contract.rules, 1)
    base |= {"customer_id": "a", "education": "phd", "marital_status": "single"}
    base |= {"enrolled_on": "2012-04-09", "year_birth": 1960}
    draw = np.random.default_rng(0)
    taken = 0
    for _ in range(300):
        record = dict(base)
        name = str(draw.choice([n for n, rule in contract.rules.items() if rule.kind == "number"]))
        record[name] = float(
            draw.choice([-1, 0, 0.5, 1, 2, 1900, 1914, 1990, 1996, 1997, 1e6, 1e12])
        )
        read = contract.read(json.loads(json.dumps(record)), "$")
        row = a_row(said["columns"], **{"enrolled_day": 100.0, name: record[name]})
        is_answered = bool(answers("segmenter", row)["segment"] >= 0)
        assert is_answered is isinstance(read, ReadCustomer), (name, record[name])
        taken += is_answered
    assert 0 < taken < 300
