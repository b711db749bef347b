"""Why `/invocations` gives a row no segment."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest
from mlflow.deployments import PredictionsResponse

from customer_segmentation.scoring.mlflow_model import example_customer
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.invocations import explain_unsegmented
from customer_segmentation.serving.validation import Contract

NAN = float("nan")
DATES = ("as_of_year", "as_of_day", "enrolled_year", "enrolled_day")
OUTSIDE = "outside 2000-01-01 to the snapshot's day"


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(bundle / "segmenter.onnx")


def told(scorer: Scorer, changes: dict[str, float], *more: str) -> list[tuple[str, str]]:
    """What is wrong with the example customer, changed, for an artifact with more columns."""
    customer = {**example_customer(scorer), **dict.fromkeys(more, 1.0)}
    days = {"as_of_year": 2014.0, "as_of_day": 181.0, "enrolled_year": 2013.0, "enrolled_day": 99.0}
    customer |= {name: value for name, value in days.items() if name in customer} | changes
    contract = Contract({**scorer.metadata, "columns": list(customer)})
    matrix = np.array([list(customer.values())])
    (found,) = explain_unsegmented(contract, matrix, np.array([-1]))
    return [(problem.path, problem.problem) for problem in found.problems]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("income", NAN, "missing"),
        ("income", -5.0, "negative"),
        ("income", 1e13, "above 1000000000000"),
        ("year_birth", 2200.0, "age outside 18 to 100"),
        ("year_birth", 1893.0, "age outside 18 to 100"),
        ("year_birth", 1970.5, "not a whole number"),
        ("kids_home", 0.5, "not a whole number"),
        ("as_of_year", NAN, "missing"),
        ("as_of_year", 2014.5, "not a date"),
        ("as_of_day", 367.0, "not a date"),
        ("education", 5.0, "unknown category"),
        ("education", 0.5, "unknown category"),
        ("education", NAN, "missing"),
        ("enrolled_day", 0.0, OUTSIDE),
        ("enrolled_year", NAN, "missing"),
    ],
)
def test_each_rule_of_the_contract_is_told_by_its_column(
    scorer: Scorer, column: str, value: float, problem: str
) -> None:
    assert told(scorer, {}, "education", *DATES) == []
    assert told(scorer, {column: value}, "education", *DATES) == [(column, problem)]


@pytest.mark.parametrize("day", [(1999.0, 365.0), (2014.0, 182.0)])
def test_a_day_before_the_first_or_after_the_snapshot_is_told(
    scorer: Scorer, day: tuple[float, float]
) -> None:
    problems = told(scorer, dict(zip(DATES[2:], day, strict=True)), *DATES)
    assert problems == [(name, OUTSIDE) for name in DATES[2:]]


def test_a_year_of_birth_is_held_against_the_row_s_own_day(scorer: Scorer) -> None:
    assert told(scorer, {"year_birth": 2000.0}) == [("year_birth", "age outside 18 to 100")]
    assert told(scorer, {"year_birth": 2000.0, "as_of_year": 2026.0}) == []


def test_of_many_wrong_rows_each_has_a_reason(scorer: Scorer) -> None:
    matrix = np.full((1_000, len(scorer.columns)), NAN)
    found = explain_unsegmented(Contract(scorer.metadata), matrix, np.full(1_000, -1))
    counts = [len(row.problems) for row in found]
    assert (counts[0], counts[-1], min(counts)) == (len(scorer.columns), 1, 1)
    assert sum(counts) < 1_100


@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_rows_without_a_segment_are_named_beside_the_predictions(
    client: httpx.Client, scorer: Scorer, kind: str
) -> None:
    good = example_customer(scorer)
    rows = [good, {**good, "income": None, "kids_home": None}, good]
    if kind == "text/csv":
        lines = [",".join(str(v) for v in row.values()).replace("None", "") for row in rows]
        body = httpx.Request("POST", "/", content="\n".join([",".join(good), *lines])).content
    else:
        body = httpx.Request("POST", "/", json={"dataframe_records": rows}).content
    answer = client.post("/invocations", content=body, headers={"content-type": kind})
    assert [row["segment"] < 0 for row in answer.json()["predictions"]] == [False, True, False]
    (nobody,) = answer.json()["unsegmented"]
    assert nobody["row"] == 1
    assert nobody["problems"] == [
        {"path": "income", "problem": "missing", "accepted": "a number from 0 to 1000000000000"},
        {
            "path": "kids_home",
            "problem": "missing",
            "accepted": "a whole number from 0 to 1000000",
        },
    ]
    # What MLflow's own client makes of it.
    table = PredictionsResponse.from_json(answer.text).get_predictions()
    assert list(table.columns) == list(scorer.outputs)
    whole = client.post("/invocations", json={"dataframe_records": [good]})
    assert whole.json().keys() == {"predictions"}
