"""Labels in words, who has none, and what each segment is like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import narwhals as nw
import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.label_generation.nodes import (
    list_unsegmented,
    profile_segments,
    score_customers,
)
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.scoring.scorer import Scorer
from tests.pipelines.calling import call
from tests.scoring.example import draw_customers, make_segmenter

Engine = Callable[..., Any]
Records = Callable[[Any], list[dict[str, Any]]]
DAY = datetime(2014, 6, 30, tzinfo=UTC).replace(tzinfo=None)
KEYS = ["s0", "s1", "s2"]
# Of all decisions but likely_to_spend, the same answers for everybody.
ANSWERS = {
    "affluence_tier": "modest",
    "waits_for_offers": "no",
    "product": "wines",
    "channel": "web",
    "offer": "newsletter",
}


@pytest.fixture(scope="module")
def artifact() -> onnx.ModelProto:
    return build_segmenter(make_segmenter())


@pytest.fixture(scope="module")
def silver() -> dict[str, list[Any]]:
    """200 customers in reverse order of their keys; the last one's income is missing."""
    drawn: dict[str, list[Any]] = draw_customers(200).drop(columns="as_of_year").to_dict("list")
    drawn["income"][-1] = None
    keys = [f"c{row:03}" for row in reversed(range(200))]
    return {"customer_id": keys, "as_of": [DAY] * 200, **drawn}


@pytest.fixture
def scored(
    silver: dict[str, list[Any]], artifact: onnx.ModelProto, frame_of: Engine
) -> nw.DataFrame:
    table = call(score_customers, silver_customers=frame_of(silver), artifact=artifact)
    return nw.from_native(table).lazy().collect()


def test_every_customer_has_one_row_by_key(
    scored: nw.DataFrame, silver: dict[str, list[Any]]
) -> None:
    assert scored["customer_id"].to_list() == sorted(silver["customer_id"])
    assert set(scored["as_of"].to_list()) == {DAY}


def test_every_label_is_told_in_words(
    scored: nw.DataFrame, silver: dict[str, list[Any]], artifact: onnx.ModelProto
) -> None:
    scorer = Scorer(artifact.SerializeToString())
    by_key = pd.DataFrame(silver | {"as_of_year": [2014.0] * 200}).sort_values("customer_id")
    matrix = by_key[list(scorer.columns)].to_numpy(dtype=np.float64)
    answers = scorer.score(np.ascontiguousarray(matrix))
    words = {"segment": KEYS, "runner_up": KEYS} | scorer.metadata["codes"]
    assert {*words} >= {"segment", "runner_up", *ANSWERS}
    for name, labels in words.items():
        told = [labels[code] if code >= 0 else "unsegmented" for code in answers[name]]
        assert scored[name].to_list() == told
        assert len(set(told)) > 2
    named = [f"Segment {code}" if code >= 0 else "unsegmented" for code in answers["segment"]]
    assert scored["segment_name"].to_list() == named
    assert scored["segment_id"].to_list() == answers["segment"].tolist()
    for name in ("margin", "likely_to_spend"):
        found = scored[name].cast(nw.Float64).to_numpy()
        np.testing.assert_allclose(found, answers[name], rtol=1e-9)


def test_a_row_that_cannot_be_scored_is_unsegmented_in_every_label(
    scored: nw.DataFrame, silver: dict[str, list[Any]]
) -> None:
    (row,) = scored.filter(nw.col("customer_id") == silver["customer_id"][-1]).rows(named=True)
    for name in ("segment", "segment_name", "runner_up", *ANSWERS):
        assert row[name] == "unsegmented"
    assert row["segment_id"] == -1
    assert pd.isna(row["margin"])
    assert pd.isna(row["likely_to_spend"])
    assert scored["segment"].to_list().count("unsegmented") == 1


def test_every_row_says_which_artifact_scored_it(
    scored: nw.DataFrame, artifact: onnx.ModelProto
) -> None:
    assert set(scored["artifact_version"].to_list()) == {metadata_of(artifact)["version"]}


@pytest.mark.spark
def test_spark_tells_the_same_of_every_customer(
    silver: dict[str, list[Any]], artifact: onnx.ModelProto, records_of: Records, spark: Any
) -> None:
    of_pandas, of_spark = (
        pd.DataFrame(records_of(call(score_customers, silver_customers=table, artifact=artifact)))
        for table in (pd.DataFrame(silver), spark.createDataFrame(pa.table(silver)))
    )
    pd.testing.assert_frame_equal(of_spark, of_pandas, rtol=1e-9)


def test_no_customers_are_scored_to_no_rows(
    silver: dict[str, list[Any]], artifact: onnx.ModelProto, frame_of: Engine
) -> None:
    nobody = frame_of(silver)[:0]
    table = call(score_customers, silver_customers=nobody, artifact=artifact)
    scored = nw.from_native(table).lazy().collect()
    assert len(scored) == 0
    assert {"segment", "offer", "artifact_version"} <= {*scored.columns}


def test_the_unsegmented_are_listed_by_row_with_every_reason(
    artifact: onnx.ModelProto, frame_of: Engine, records_of: Records
) -> None:
    quarantine = frame_of(
        {
            "row_number": [9, 2, 5],
            "customer_id": ["7", None, "7"],
            "reasons": ["income: missing; education: unknown", "customer_id: missing", "x"],
            "Income": ["", "1", "2"],
            "as_of": [DAY] * 3,
        }
    )
    table = call(list_unsegmented, silver_quarantine=quarantine, artifact=artifact)
    listed = records_of(table)
    assert [row["row_number"] for row in listed] == [2, 5, 9]
    assert [row["customer_id"] for row in listed] == [None, "7", "7"]
    assert listed[2]["reasons"] == "income: missing; education: unknown"
    assert {row["segment"] for row in listed} == {"unsegmented"}
    assert {row["artifact_version"] for row in listed} == {metadata_of(artifact)["version"]}
    assert "Income" not in listed[0]


@pytest.fixture
def features() -> dict[str, list[Any]]:
    """Four customers, in another order than their segments below."""
    return {
        "customer_id": ["d", "a", "b", "c"],
        "as_of": [DAY] * 4,
        "sample_key": [4, 1, 2, 3],
        "income": [40.0, 10.0, 20.0, 30.0],
        "education": [1.0, 0.0, 0.0, 0.0],
        "education_phd": [1.0, 0.0, 0.0, 0.0],
        "enrolled_year": [2013.0] * 4,
        "spend_total": [900.0, 0.0, 50.0, 50.0],
        "campaigns_accepted": [1.0, 0.0, 0.0, 0.0],
        "responded": [0.0] * 4,
        "kids_home": [0.0] * 4,
        "children": [0.0, 1.0, 2.0, 3.0],
    }


@pytest.fixture
def segments(artifact: onnx.ModelProto) -> dict[str, list[Any]]:
    """One customer of segment 0, and three of segment 1."""
    return {
        "customer_id": ["a", "b", "c", "d"],
        "segment": ["low", "low", "low", "high"],
        "segment_name": ["Low", "Low", "Low", "High"],
        "segment_id": [1, 1, 1, 0],
        "margin": [0.2, 0.4, 0.6, 0.8],
        "likely_to_spend": [0.0, 10.0, 20.0, 90.0],
        **{name: [label] * 4 for name, label in ANSWERS.items()},
        "offer": ["newsletter", "discount", "discount", "preview"],
        "artifact_version": [metadata_of(artifact)["version"]] * 4,
    }


@pytest.fixture
def profiles(
    features: dict[str, list[Any]],
    segments: dict[str, list[Any]],
    artifact: onnx.ModelProto,
    frame_of: Engine,
    records_of: Records,
) -> list[dict[str, Any]]:
    table = call(
        profile_segments,
        gold_features=frame_of(features),
        gold_segments=frame_of(segments),
        artifact=artifact,
    )
    return records_of(table)


def told(profiles: list[dict[str, Any]], segment: str, measure: str) -> tuple[Any, ...]:
    """Give mean, mean of the base, and index."""
    (row,) = (r for r in profiles if (r["segment"], r["measure"]) == (segment, measure))
    return row["mean"], row["base_mean"], row["index"]


@pytest.mark.parametrize(
    ("measure", "low", "high", "base"),
    [
        ("income", 20.0, 40.0, 25.0),
        ("spend_total", 100 / 3, 900.0, 250.0),
        ("children", 2.0, 0.0, 1.5),
        ("margin", 0.4, 0.8, 0.5),
        ("likely_to_spend", 10.0, 90.0, 30.0),
        ("offer=discount", 2 / 3, 0.0, 0.5),
        ("offer=newsletter", 1 / 3, 0.0, 0.25),
        ("offer=preview", 0.0, 1.0, 0.25),
        ("product=wines", 1.0, 1.0, 1.0),
    ],
)
def test_means_and_indices_are_those_computed_by_hand(
    profiles: list[dict[str, Any]], measure: str, low: float, high: float, base: float
) -> None:
    assert told(profiles, "low", measure) == pytest.approx((low, base, 100.0 * low / base))
    assert told(profiles, "high", measure) == pytest.approx((high, base, 100.0 * high / base))


def test_a_measure_that_is_0_in_the_base_has_no_index(profiles: list[dict[str, Any]]) -> None:
    assert told(profiles, "low", "responded") == (0.0, 0.0, None)
    assert told(profiles, "high", "product=gold") == (0.0, 0.0, None)


def test_segments_stand_in_the_order_of_their_ids_with_their_size(
    profiles: list[dict[str, Any]],
) -> None:
    found = [(r["segment_id"], r["segment_name"], r["customers"], r["share"]) for r in profiles]
    assert list(dict.fromkeys(found)) == [(0, "High", 1, 0.25), (1, "Low", 3, 0.75)]
    assert found == sorted(found)


def test_codes_values_of_categories_and_parts_of_dates_are_no_measures(
    profiles: list[dict[str, Any]], features: dict[str, list[Any]]
) -> None:
    measures = {row["measure"] for row in profiles if "=" not in row["measure"]}
    others = {"customer_id", "as_of", "sample_key", "education", "education_phd", "enrolled_year"}
    assert measures == features.keys() - others | {"margin", "likely_to_spend"}


def test_every_label_of_every_decision_is_a_measure_and_shares_sum_to_one(
    profiles: list[dict[str, Any]], artifact: onnx.ModelProto
) -> None:
    codes = metadata_of(artifact)["codes"]
    assert {*codes} == {*ANSWERS}
    for decision, labels in codes.items():
        shares = [told(profiles, "low", f"{decision}={label}")[0] for label in labels]
        assert sum(shares) == pytest.approx(1.0)


def test_segments_that_another_artifact_gave_are_refused(
    features: dict[str, list[Any]],
    segments: dict[str, list[Any]],
    artifact: onnx.ModelProto,
    frame_of: Engine,
) -> None:
    with pytest.raises(UserError, match=metadata_of(artifact)["version"]):
        call(
            profile_segments,
            gold_features=frame_of(features),
            gold_segments=frame_of(segments | {"artifact_version": ["another"] * 4}),
            artifact=artifact,
        )
