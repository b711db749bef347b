"""A customer gets the same answer in whatever way they are asked for.

The ways: the pipelines' nodes on pandas and Polars, `POST /v1/segments` one by one and as a list,
in canonical names and in the published file's, `POST /invocations`, `mlflow models serve`, and the
artifact called directly. What a batch quarantines the API refuses, and the other way round, but for
what only one of them can tell: in a file everything is text and a blank is a mistake; in JSON a
number is no text, and null is left out. (Keys of two rows are compared in a file alone.)
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import narwhals as nw
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from customer_segmentation.customers.quarantine import (
    ROW_NUMBER,
    CheckedCustomers,
    check_customers,
    map_headers,
)
from customer_segmentation.customers.reading import Reading, settle
from customer_segmentation.pipelines.label_generation.nodes import score_customers
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.validation import Contract, ReadCustomer
from tests.marketing import COLUMNS, canonical_columns, numeric_columns, numeric_expressions
from tests.serving.process import start
from tests.serving.sent_customers import (
    ODD_CELLS,
    SentCustomer,
    sent_customer,
    sent_customers,
    with_headers,
)
from tools.ports import free_port

FEW = settings(max_examples=5, derandomize=True)
Answers = list[dict[str, Any]]
Bronze = Callable[..., Any]


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(bundle / "segmenter.onnx")


# Of the session, since pytest orders tests by engine and would start it anew between modules.
@pytest.fixture(scope="session")
def mlflow(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Serve the bundle's segmenter by MLflow's own command."""
    folder = tmp_path_factory.mktemp("mlflow")
    written = [sys.executable, "-m", "customer_segmentation.scoring.mlflow_model"]
    options = ["--artifact", bundle, "--out", folder / "model"]
    subprocess.run([*written, *options], check=True, timeout=120)  # noqa: S603 - our own command
    programs = Path(sys.executable).parent
    port = free_port()
    command: list[str | Path] = [programs / "mlflow", "models", "serve", "--model-uri", "model"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    # It starts uvicorn by its name.
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    server = start(
        command, folder, port=port, ready="/ping", environment=environment, seconds=180.0
    )
    try:
        with httpx.Client(base_url=server.url, timeout=60.0) as connected:
            yield connected
    finally:
        server.stop()


def checked(
    sent: list[SentCustomer],
    bronze_of: Bronze,
    engine: Callable[..., Any],
    parameters: Schema,
    needed: Iterable[str],
) -> tuple[CheckedCustomers, Reading]:
    cells = [one.cells for one in sent]
    bronze = nw.from_native(bronze_of(cells, engine)).lazy()
    mapped = map_headers(cells[0], parameters)
    reading = settle(bronze, mapped, parameters)
    return check_customers(bronze, reading, needed), reading


def in_words(codes: dict[str, Any], scorer: Scorer) -> dict[str, Any]:
    """An answer in numbers, as a batch and the API tell it."""
    keys = [segment["key"] for segment in scorer.metadata["segments"]]
    words = scorer.metadata["codes"] | {"segment": keys, "runner_up": keys}
    return {name: words[name][v] if name in words else v for name, v in codes.items()}


def chosen(answers: Answers, names: tuple[str, ...]) -> Answers:
    return [{name: answer[name] for name in names} for answer in answers]


def records_of_matrix(columns: tuple[str, ...], matrix: NDArray[np.float64]) -> Answers:
    return [dict(zip(columns, row, strict=True)) for row in matrix.tolist()]


@FEW
@given(sent=sent_customers(20))
def test_every_way_gives_the_same_answer(  # noqa: PLR0913, PLR0917 - each way is a fixture
    sent: list[SentCustomer],
    client: httpx.Client,
    mlflow: httpx.Client,
    scorer: Scorer,
    bundle: Path,
    bronze_of: Bronze,
    frame_of: Callable[..., Any],
    customer_parameters: Schema,
) -> None:
    sent = sorted(sent, key=lambda one: one.cells[KEY])
    artifact = onnx.load(bundle / "segmenter.onnx")
    needed = canonical_columns(scorer.columns)
    customers = checked(sent, bronze_of, frame_of, customer_parameters, needed)[0].customers()
    scored = nw.from_native(score_customers(nw.to_native(customers), artifact)).lazy().collect()
    batch = chosen(list(scored.iter_rows(named=True)), scorer.outputs)

    records = [one.record for one in sent]
    matrix = np.array(
        [[{AS_OF + "_year": 2014.0, **r}[c] for c in scorer.columns] for r in records]
    )
    direct = records_of_answers(scorer.score(matrix.astype(np.float64)))
    assert [in_words(answer, scorer) for answer in direct] == batch

    for names in (records, [with_headers(record) for record in records]):
        listed = client.post("/v1/segments", json=names).raise_for_status().json()
        assert chosen(listed, scorer.outputs) == batch
        one = client.post("/v1/segments", json=names[0]).raise_for_status().json()
        assert one == listed[0]
    assert [answer[KEY] for answer in listed] == [record[KEY] for record in records]

    for body in forms(scorer.columns, matrix):
        here = client.post("/invocations", **body).raise_for_status().json()
        there = mlflow.post("/invocations", **body).raise_for_status().json()
        assert here["predictions"] == direct
        # pandas reads a cell of CSV to the last bit but one.
        assert_equal(there["predictions"], direct, exactly="json" in body)
        assert types_of(here) == types_of(there)


def records_of_answers(found: dict[str, NDArray[Any]]) -> Answers:
    columns = [values.tolist() for values in found.values()]
    return [dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True)]


def forms(columns: tuple[str, ...], matrix: NDArray[np.float64]) -> list[dict[str, Any]]:
    """The bodies that both servers take."""
    records = records_of_matrix(columns, matrix)
    text = io.StringIO()
    csv.writer(text).writerows([columns, *matrix.tolist()])
    return [
        {"json": {"dataframe_split": {"columns": columns, "data": matrix.tolist()}}},
        {"json": {"dataframe_records": records}},
        {"json": {"inputs": records}},
        {"json": {"inputs": {name: matrix[:, i].tolist() for i, name in enumerate(columns)}}},
        {"content": text.getvalue(), "headers": {"content-type": "text/csv"}},
    ]


def assert_equal(found: Answers, expected: Answers, *, exactly: bool) -> None:
    if exactly:
        assert found == expected
        return
    for left, right in zip(found, expected, strict=True):
        assert left["margin"] == pytest.approx(right["margin"], abs=1e-12)
        assert left | {"margin": 0.0} == right | {"margin": 0.0}


def types_of(answer: dict[str, Any]) -> list[list[tuple[str, type]]]:
    return [[(name, type(v)) for name, v in row.items()] for row in answer["predictions"]]


def test_a_missing_number_gives_no_segment_here_and_there(
    client: httpx.Client, mlflow: httpx.Client, scorer: Scorer
) -> None:
    row = [None, *([1.0] * (len(scorer.columns) - 1))]
    body = {"dataframe_split": {"columns": scorer.columns, "data": [row]}}
    here = client.post("/invocations", json=body).json()["predictions"]
    text = mlflow.post("/invocations", json=body).raise_for_status().text
    # The one difference: NaN is no JSON.
    assert "NaN" in text
    there = json_with_nan(text)
    assert here == there
    assert (here[0]["segment"], here[0]["margin"]) == (-1, None)


def json_with_nan(text: str) -> Answers:
    answers: Answers = json.loads(text, parse_constant=lambda _: None)["predictions"]
    return answers


def test_the_api_refuses_what_a_batch_that_needs_every_column_quarantines_and_nothing_else(
    client: httpx.Client,
    bronze_of: Bronze,
    frame_of: Callable[..., Any],
    customer_parameters: Schema,
) -> None:
    sent = [sent_customer(seed, [odd]) for seed, odd in enumerate(ODD_CELLS)]
    rows, reading = checked(sent, bronze_of, frame_of, customer_parameters, COLUMNS)
    quarantined = rows.quarantined(reading, COLUMNS).collect()
    reasons = {row[ROW_NUMBER] - 1: row["reasons"] for row in quarantined.iter_rows(named=True)}
    records = [one.record for one in sent]
    answers = client.post("/v1/segments?partial=true", json=records).raise_for_status().json()
    disagreements = [
        (odd, reasons.get(number), answer)
        for number, (odd, answer) in enumerate(zip(ODD_CELLS, answers, strict=True))
        if ("errors" in answer) != (number in reasons)
    ]
    assert disagreements == []


@FEW
@given(sent=sent_customers(60, odd=2))
def test_every_column_is_read_as_a_batch_reads_it(
    sent: list[SentCustomer],
    scorer: Scorer,
    bronze_of: Bronze,
    frame_of: Callable[..., Any],
    customer_parameters: Schema,
) -> None:
    columns = numeric_columns([*COLUMNS, AS_OF])
    contract = Contract(scorer.metadata | {"columns": columns})
    silver = checked(sent, bronze_of, frame_of, customer_parameters, COLUMNS)[0].customers()
    expressions = numeric_expressions([*COLUMNS, AS_OF])
    numbers = silver.select(KEY, **expressions).sort(KEY).collect()
    expected = {row[KEY]: row for row in numbers.iter_rows(named=True)}
    read = [contract.read(one.record, "$") for one in sent]
    found = {
        one.customer_id: {KEY: one.customer_id, **one.numbers}
        for one in read
        if isinstance(one, ReadCustomer)
    }
    assert found == expected
