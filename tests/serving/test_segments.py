"""`POST /v1/segments` of a real server: what is answered, in which order, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from customer_segmentation.scoring.scorer import Scorer
from tests.serving.example import a_customer, a_new_customer

SEGMENTS = "/v1/segments"


def test_a_customer_is_answered_with_every_decision_of_the_artifact(
    client: httpx.Client, bundle: Path
) -> None:
    customer = a_customer()
    answer = client.post(SEGMENTS, json=customer).raise_for_status().json()
    scorer = Scorer(bundle / "segmenter.onnx")
    row = np.array([[customer.get(name, 2014.0) for name in scorer.columns]], dtype=np.float64)
    found = {name: values[0].item() for name, values in scorer.score(row).items()}
    codes = scorer.metadata["codes"]
    expected: dict[str, Any] = {
        name: codes[name][value] if name in codes else value for name, value in found.items()
    }
    keys = [segment["key"] for segment in scorer.metadata["segments"]]
    expected["segment"], expected["runner_up"] = keys[found["segment"]], keys[found["runner_up"]]
    said = {"artifact_version": scorer.version, "model": "segmenter"}
    named = {"segment_name": scorer.metadata["segments"][found["segment"]]["name"]}
    assert answer == expected | said | named


def test_a_list_is_answered_in_its_order_with_the_ids_that_were_sent(client: httpx.Client) -> None:
    customers = [
        a_customer() | {"customer_id": name, "spend_wines": spend}
        for name, spend in (("b", 0.0), ("a", 1000.0), ("c", 50.0))
    ]
    answers = client.post(SEGMENTS, json=customers).raise_for_status().json()
    assert [answer["customer_id"] for answer in answers] == ["b", "a", "c"]
    alone = [client.post(SEGMENTS, json=customer).json() for customer in customers]
    assert answers == alone


def test_a_slash_at_the_paths_end_changes_nothing(client: httpx.Client) -> None:
    answers = [client.post(path, json=a_customer()) for path in (SEGMENTS, f"{SEGMENTS}/")]
    assert answers[0].raise_for_status().json() == answers[1].raise_for_status().json()


def test_an_empty_list_has_no_answers(client: httpx.Client) -> None:
    assert client.post(SEGMENTS, json=[]).raise_for_status().json() == []


def test_a_customer_without_purchases_is_answered_by_the_cold_start_model(
    client: httpx.Client,
) -> None:
    answer = client.post(SEGMENTS, json=a_new_customer()).raise_for_status().json()
    assert answer["model"] == "cold_start"
    assert sum(answer["probabilities"].values()) == pytest.approx(1.0)
    assert answer["segment"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert "margin" not in answer


def test_zero_purchases_are_not_absent_purchases(client: httpx.Client) -> None:
    bought = {n: 0 for n in a_customer() if n.startswith(("spend_", "purchases_", "web_"))}
    answer = client.post(SEGMENTS, json=a_customer() | bought).raise_for_status().json()
    assert answer["model"] == "segmenter"


def test_every_wrong_field_is_named_with_what_is_accepted(client: httpx.Client) -> None:
    wrong = a_customer() | {"income": -1, "kids_home": 0.5, "agee": 3, "spend_wines": "12"}
    refused = client.post(SEGMENTS, json=[a_customer(), wrong])
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    errors = {error["path"]: error for error in refused.json()["errors"]}
    assert set(errors) == {"$[1].income", "$[1].kids_home", "$[1].agee", "$[1].spend_wines"}
    assert errors["$[1].income"]["problem"] == "negative"
    assert errors["$[1].income"]["accepted"] == "a number from 0 to 1000000000000"
    assert errors["$[1].kids_home"]["problem"] == "not a whole number"
    assert errors["$[1].spend_wines"]["problem"] == "not a number"


def test_partial_answers_the_right_customers_beside_the_errors_of_the_wrong_ones(
    client: httpx.Client,
) -> None:
    customers = [a_customer(), {"income": 1}, a_new_customer()]
    found = client.post(SEGMENTS, params={"partial": "true"}, json=customers)
    first, second, third = found.raise_for_status().json()
    assert first == client.post(SEGMENTS, json=a_customer()).json()
    assert {error["problem"] for error in second["errors"]} == {"missing"}
    assert third["model"] == "cold_start"


def test_the_day_of_a_record_counts_before_the_artifacts(client: httpx.Client) -> None:
    older = a_customer() | {"as_of": "2030-01-01"}
    assert (
        client.post(SEGMENTS, json=older).json() != client.post(SEGMENTS, json=a_customer()).json()
    )
    young = a_customer() | {"year_birth": 2010, "as_of": "2030-01-01"}
    assert client.post(SEGMENTS, json=young).status_code == 200
    assert client.post(SEGMENTS, json=a_customer() | {"year_birth": 2010}).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"income": NaN}', 400),
        (b'{"income": Infinity}', 400),
        (b'{"income": 1e999}', 400),
        (b'{"income": 1' + b"0" * 400 + b"}", 422),
        (b"[" * 100_000, 400),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, 400),
        (b'{"education": "\xff\xfe"}', 400),
        (b"\xff\xfe{}", 400),
        (b"null", 422),
        (b'"text"', 422),
        (b"[[]]", 422),
        (b"[1, 2]", 422),
    ],
)
def test_what_is_no_record_is_refused(client: httpx.Client, body: bytes, status: int) -> None:
    refused = client.post(SEGMENTS, content=body)
    assert refused.status_code == status
    assert refused.json()["detail"]


def test_of_a_repeated_key_the_last_counts(client: httpx.Client) -> None:
    body = httpx.Request("POST", "http://x", json=a_customer()).content
    repeated = b'{"income": -5, ' + body[1:]
    assert (
        client.post(SEGMENTS, content=repeated).json() == client.post(SEGMENTS, content=body).json()
    )


@pytest.mark.parametrize("query", ["explain=yes", "explain=", "everything=true", "partial=1"])
def test_a_query_that_is_not_known_is_refused(client: httpx.Client, query: str) -> None:
    refused = client.post(f"{SEGMENTS}?{query}", json=a_customer())
    assert refused.status_code == 400
    assert "explain and partial" in refused.json()["detail"]


def test_more_customers_than_a_request_takes_are_sent_to_jobs(client: httpx.Client) -> None:
    refused = client.post(SEGMENTS, json=[{}] * 1001)
    assert refused.status_code == 413
    assert "POST /v1/jobs" in refused.json()["detail"]


def test_an_explanation_tells_the_pulls_and_a_change_that_moves_the_customer(
    client: httpx.Client,
) -> None:
    customers = [a_customer() | {"income": income} for income in range(10_000, 110_000, 10_000)]
    asked = {"explain": "true"}
    answers = client.post(SEGMENTS, params=asked, json=customers).raise_for_status().json()
    changes = []
    for customer, answer in zip(customers, answers, strict=True):
        explanation = answer.pop("explanation")
        assert answer == client.post(SEGMENTS, json=customer).json()
        assert explanation["against"] == answer["runner_up"]
        assert len(explanation["pulls"]) == 5
        if (change := explanation["smallest_change"]) != "none":
            changes.append(change)
            moved = client.post(SEGMENTS, json=customer | {change["field"]: change["to"]}).json()
            assert moved["segment"] == answer["runner_up"]
    assert changes


def test_only_a_few_customers_are_explained_at_once(client: httpx.Client) -> None:
    asked = {"explain": "true"}
    refused = client.post(SEGMENTS, params=asked, json=[a_customer()] * 21)
    assert refused.status_code == 413
    assert "at most 20 are explained" in refused.json()["detail"]
