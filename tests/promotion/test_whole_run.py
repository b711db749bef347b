"""A champion stays where a part that it has would be replaced by one that is worse than none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.bundles.bundle import (
    COLD_START,
    MODELS,
    RESPONSE,
    SEGMENTER,
    StoredBundle,
)
from customer_segmentation.promotion.bundling import differing_answers
from customer_segmentation.promotion.whole_run import candidate_bundle, is_whole, why_kept
from customer_segmentation.scoring.cold_start import build_no_cold_start
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from tests.promotion.example import MADE, a_bundle, models_of
from tests.scoring.example import make_segmenter
from tests.serving.example import write_bundle

WELL: dict[str, Any] = {"expected_spend_r2": 0.7}
MODEL: dict[str, Any] = {"cold_start": {"models": {}}}
WORSE: dict[str, Any] = {"cold_start": {"left_out": "noise", "is_worse_than_none": True}}


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> StoredBundle:
    return a_bundle(tmp_path_factory.mktemp("champion"))


def without_parts() -> StoredBundle:
    segmenter = build_segmenter(replace(make_segmenter(), decisions=("affluence_tier",)))
    cold_start = build_no_cold_start("the source has nothing of it", metadata_of(segmenter))
    models = {
        SEGMENTER: segmenter.SerializeToString(deterministic=True),
        COLD_START: cold_start.SerializeToString(deterministic=True),
    }
    found = candidate_bundle(models, {}, {})
    assert found
    return found


@pytest.mark.parametrize("r2", [-16.7, -0.01])
def test_it_stays_where_the_expected_spend_is_worse_than_none(
    champion: StoredBundle, r2: float
) -> None:
    kept = why_kept(champion, {"expected_spend_r2": r2}, MODEL)
    assert kept.startswith(f"The champion {champion.about['artifact_version']} stays: ")
    assert f"expected spend (out-of-fold R2 of {r2:.2f})" in kept
    assert kept.endswith("--params=promotion.even_if_worse=true")
    assert "\n" not in kept


def test_it_stays_where_the_cold_start_model_is_worse_than_none(champion: StoredBundle) -> None:
    assert "cold-start model" in why_kept(champion, WELL, WORSE)


def test_it_stays_where_the_response_model_is_worse_than_none(champion: StoredBundle) -> None:
    noise = MODEL | {"response": {"left_out": "noise", "is_worse_than_none": True}}
    assert "its response model would be worse than none" in why_kept(champion, WELL, noise)
    assert not why_kept(without_parts(), WELL, noise)


@pytest.mark.parametrize("r2", [0.7, 0.01, None])
def test_it_is_replaced_where_nothing_is_worse_than_none(
    champion: StoredBundle, r2: float | None
) -> None:
    left_out = {"cold_start": {"left_out": "no inputs", "is_worse_than_none": False}}
    for supervised in (MODEL, left_out):
        assert not why_kept(champion, {"expected_spend_r2": r2}, supervised)


def test_it_is_replaced_where_it_lacks_the_part_too() -> None:
    assert not why_kept(without_parts(), {"expected_spend_r2": -16.7}, WORSE)


def test_models_that_do_not_belong_together_are_no_bundle(tmp_path: Path) -> None:
    three, four = models_of(tmp_path / "3", 3), models_of(tmp_path / "4", 4)
    for name in (COLD_START, RESPONSE):
        assert candidate_bundle({**three, name: four[name]}, {}, {}) is None


def test_a_bundle_with_a_network_for_new_customers_takes_its_answers_along(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, quantised=True)
    found = candidate_bundle({name: (folder / name).read_bytes() for name in MODELS}, MADE, {})
    assert found
    regression = a_bundle(tmp_path / "other")
    assert differing_answers(found) == (0, differing_answers(regression)[1])
    # The answers of one are not those of the other.
    swapped = {**found.files, COLD_START: regression.files[COLD_START]}
    assert differing_answers(StoredBundle(swapped))[0] > 0


def test_a_run_of_some_steps_is_not_whole() -> None:
    selections = (
        *("pipeline_names", "tags", "node_names", "from_nodes", "to_nodes"),
        *("from_inputs", "to_outputs", "namespaces", "only_missing_outputs"),
    )
    whole = dict.fromkeys(selections)
    assert is_whole(whole)
    assert not any(is_whole({**whole, name: ["one"]}) for name in selections)
