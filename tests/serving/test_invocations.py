"""`/ping` and `/invocations` of a real server: what is answered, and what is refused and why."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from customer_segmentation.scoring.mlflow_model import example_customer
from customer_segmentation.scoring.scorer import Scorer
from tests.scoring.example import draw_customers
from tests.serving.process import serving

Row = list[float | None]


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(bundle / "segmenter.onnx")


@pytest.fixture(scope="module")
def columns(scorer: Scorer) -> list[str]:
    return list(scorer.columns)


@pytest.fixture(scope="module")
def rows(columns: list[str]) -> list[Row]:
    """Give customers, the second of whom has no income."""
    drawn: list[Row] = draw_customers(4, seed=5)[columns].to_numpy().tolist()
    drawn[1][columns.index("income")] = None
    return drawn


@pytest.fixture(scope="module")
def expected(scorer: Scorer, rows: list[Row]) -> list[dict[str, Any]]:
    found = scorer.score(np.array(rows, dtype=np.float64))
    answers = [
        dict(zip(found, row, strict=True))
        for row in zip(*(values.tolist() for values in found.values()), strict=True)
    ]
    return [{name: None if v != v else v for name, v in a.items()} for a in answers]  # noqa: PLR0124 - NaN


def as_csv(columns: list[str], rows: list[Row]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue()


def invoke(client: httpx.Client, body: Any) -> httpx.Response:
    headers = {"content-type": "application/json"}
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return client.post("/invocations", content=content, headers=headers)


def invoke_csv(client: httpx.Client, body: str | bytes, kind: str = "text/csv") -> httpx.Response:
    return client.post("/invocations", content=body, headers={"content-type": kind})


def test_ping_says_that_the_server_is_ready(client: httpx.Client) -> None:
    answer = client.get("/ping")
    assert (answer.status_code, answer.json()) == (200, {})


def test_every_form_of_json_gets_the_answers_of_the_artifact(
    client: httpx.Client, columns: list[str], rows: list[Row], expected: list[dict[str, Any]]
) -> None:
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    lists = {name: [record[name] for record in records] for name in columns}
    backwards = [row[::-1] for row in rows]
    for body in (
        {"dataframe_split": {"columns": columns, "data": rows}},
        {"dataframe_split": {"columns": columns, "index": [7, 5, 3, 1], "data": rows}},
        {"dataframe_split": {"columns": columns[::-1], "data": backwards}},
        {"dataframe_records": records},
        {"dataframe_records": [records[0], without(records[1], "income"), *records[2:]]},
        {"inputs": rows},
        {"inputs": {"customers": rows}},
        {"inputs": lists},
        {"inputs": records},
    ):
        answer = invoke(client, body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["predictions"] == expected


def test_csv_gets_them_in_any_order_and_spelling(
    client: httpx.Client, columns: list[str], rows: list[Row], expected: list[dict[str, Any]]
) -> None:
    plain = as_csv(columns, rows)
    for body in (
        plain,
        as_csv(columns[::-1], [row[::-1] for row in rows]),
        plain.replace("\r\n", "\n\n"),
        "\ufeff" + plain,
        plain.replace("income", " income "),
        # A batch reads these as missing too.
        as_csv(columns, [["NA" if v is None else v for v in row] for row in rows]),  # type: ignore[misc]
        as_csv(columns, [[v if v is None else f" +{v!r} " for v in row] for row in rows]),  # type: ignore[misc]
    ):
        answer = invoke_csv(client, body, "text/csv; charset=utf-8; header=present")
        assert answer.status_code == 200, answer.text
        assert answer.json()["predictions"] == expected


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def test_the_snapshot_s_day_is_the_artifact_s_where_it_is_left_out(
    client: httpx.Client, scorer: Scorer
) -> None:
    customer = example_customer(scorer)
    left_out = without(customer, "as_of_year")
    first = invoke(client, {"dataframe_records": [customer]}).json()
    assert first["predictions"][0]["segment"] >= 0
    assert invoke(client, {"dataframe_records": [left_out]}).json() == first
    later = customer | {"as_of_year": 2044.0}
    assert invoke(client, {"dataframe_records": [later]}).json() != first


def test_no_rows_have_no_answers(client: httpx.Client, columns: list[str]) -> None:
    body = {"dataframe_split": {"columns": columns, "data": []}}
    assert invoke(client, body).json() == {"predictions": []}
    assert invoke_csv(client, as_csv(columns, [])).json() == {"predictions": []}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "not JSON"),
        (b"\xff", "not JSON"),
        ("[" * 100_000, "got `array`"),
        ('{"inputs":' + "[" * 100_000, "$.inputs[0]"),
        ("[1]", "a body is an object with exactly one of dataframe_split"),
        ("{}", "this one has none"),
        ('{"inputs": [[NaN]]}', "a missing number is null"),
        ('{"inputs": [[1e999]]}', "out of range - at `$.inputs[0][0]`"),
        ('{"instances": []}', "unknown field `instances`"),
        ('{"dataframe_records": [], "inputs": []}', "dataframe_records and inputs"),
        ('{"inputs": [[1, 2]]}', "row 0 has 2 values and not 16"),
        ('{"inputs": [5]}', "got `int` - at `$.inputs[0]`"),
        ('{"inputs": [[1], {}]}', "lists and objects"),
        ('{"inputs": {"income": [1], "customers": []}}', "inputs has customers and `income`"),
        ('{"inputs": {"income": [1], "year_birth": [1, 2]}}', "different lengths: [1, 2]"),
        ('{"inputs": {"income": ["1"]}}', "got `str` - at `$.inputs.income[0]`"),
        ('{"dataframe_records": []}', "columns missing: `income`"),
        ('{"dataframe_records": [{"income": true}]}', "at `$.dataframe_records[0].income`"),
        ('{"dataframe_records": [{"wealth": 1}]}', "unknown field `wealth`"),
        ('{"dataframe_split": {"columns": ["income"], "data": [[1]]}}', "missing: `year_birth`"),
        ('{"dataframe_split": {"columns": ["a", "a"], "data": []}}', "given twice: `a`"),
        ('{"dataframe_split": {"columns": ["income"], "data": [[1], [1, 2]]}}', "row 1 has 2"),
    ],
)
def test_wrong_json_is_refused_with_what_is_wrong(
    client: httpx.Client, body: str | bytes, said: str
) -> None:
    answer = invoke(client, body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("rich", "row 0, income: `rich` is not a finite number"),
        ("1_000", "`1_000`"),
        ("inf", "`inf`"),
        ("nan", "`nan`"),
        ("1e999", "`1e999`"),
        ("\u0663", "`\u0663`"),
        ("1,2", "row 0 has 17 values and not 16"),
        ('"1', "not CSV in UTF-8"),
    ],
)
def test_wrong_csv_is_refused_with_the_row_and_the_column(
    client: httpx.Client, columns: list[str], rows: list[Row], cell: str, said: str
) -> None:
    head, _, rest = as_csv(columns, rows[:1]).partition("\r\n")
    line = ",".join([cell, *rest.strip().split(",")[1:]])
    answer = invoke_csv(client, f"{head}\n{line}\n".encode())
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("body", ["", "\n\n", "income\n1\n", "income,wealth\n1,2\n", b"\xff\xfe"])
def test_csv_that_is_no_table_of_the_model_is_refused(
    client: httpx.Client, body: str | bytes
) -> None:
    answer = invoke_csv(client, body)
    assert answer.status_code == 400, answer.text
    assert "CSV" in answer.json()["detail"] or "columns" in answer.json()["detail"]


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "text/csv; header=absent", "application/json; charset=utf-16"]
)
def test_another_media_type_is_refused(client: httpx.Client, kind: str) -> None:
    answer = invoke_csv(client, "{}", kind)
    assert answer.status_code == 415, answer.text
    assert "text/csv with a header" in answer.json()["detail"]


def test_ten_times_as_many_rows_as_customers_are_taken_and_counted(
    bundle: Path, tmp_path: Path, columns: list[str]
) -> None:
    row = draw_customers(1)[columns].to_numpy().tolist()[0]
    with (
        serving(bundle, tmp_path, "--max-customers", "2") as server,
        httpx.Client(base_url=server.url) as client,
    ):
        assert len(invoke(client, {"inputs": [row] * 20}).json()["predictions"]) == 20
        nobody = invoke(client, {"inputs": [[None] * len(row)]}).json()["predictions"]
        assert (nobody[0]["segment"], nobody[0]["margin"]) == (-1, None)
        answer = invoke(client, {"inputs": [row] * 21})
        assert answer.status_code == 413
        assert "21 rows; at most 20 per request" in answer.json()["detail"]
        counts = client.get("/metrics").text
    assert 'segmentation_answers_total{model="segmenter",segment="unsegmented"} 1.0' in counts


def test_behind_a_gateway_it_listens_everywhere_and_asks_for_no_key(
    bundle: Path, tmp_path: Path, columns: list[str]
) -> None:
    row = draw_customers(1)[columns].to_numpy().tolist()[0]
    options = ("--host", "0.0.0.0", "--behind-gateway")  # noqa: S104 - as in SageMaker's container
    with serving(bundle, tmp_path, *options) as server, httpx.Client(base_url=server.url) as client:
        assert client.get("/ping").status_code == 200
        assert len(invoke(client, {"inputs": [row]}).json()["predictions"]) == 1
