"""A bundle is refused whose metadata state what cannot be: types, sizes, and what they mean."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.description import describe_bundle
from tests.scoring.example import make_segmenter
from tests.security.promotion import promoted, read, refused, signed


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def changed(metadata: dict[str, Any], path: str, value: Any) -> Any:
    """A block of the metadata with one value changed; the path's first part names the block."""
    block, *places = path.split(".")
    copied = json.loads(json.dumps(metadata[block]))
    if not places:
        return value
    inner = copied
    for place in places[:-1]:
        inner = inner[int(place) if isinstance(inner, list) else place]
    last = places[-1]
    inner[int(last) if isinstance(inner, list) else last] = value
    return copied


LONG = "k" * 100_000
SEGMENTER: list[tuple[str, Any]] = [
    ("kind", "other"),
    ("columns", "income"),
    ("columns", []),
    ("columns.0", "salary"),
    ("columns.0", "as_of_year"),
    ("columns.0", 7),
    ("outputs", ["segment"]),
    ("outputs.0", "Segment"),
    ("segments", {}),
    ("segments", [{"key": "s0", "name": "One"}]),
    ("segments", [{"key": f"s{n}", "name": f"S {n}"} for n in range(4)]),
    ("segments.0.key", "s1"),
    ("segments.0.name", "Segment 1"),
    ("segments.0.key", LONG),
    ("segments.0.key", "s0\r\nset-cookie: a=b"),
    ("segments.0.key", ""),
    ("segments.0.name", "Segment\x1b[2J"),
    ("segments.0.name", "Segment \u202e0"),
    ("segments.0.name", LONG),
    ("segments.0.name", None),
    ("segments.0.more", 1),
    ("codes", {}),
    ("codes.product", ["wines"]),
    ("codes.product.0", "<script>"),
    ("contract", []),
    ("contract.4.minimum", 1e13),
    ("contract.4.minimum", float("nan")),
    ("contract.4.maximum", float("inf")),
    ("contract.4.maximum", "1"),
    ("contract.4.kind", "text"),
    ("contract.4.kind", "date"),
    ("contract.4.name", "salary"),
    ("contract.4.name", "year_birth"),
    ("contract.2.categories", []),
    ("contract.2.categories", [f"c{n}" for n in range(10_000)]),
    ("contract.2.categories.0", "phd"),
    ("customers", {"as_of": "2014-06-30"}),
    ("customers.as_of", "soon"),
    ("customers.enrolled_from", "2024-01-01"),
    ("customers.age", {"minimum": 90, "maximum": 18}),
    ("customers.aliases.Income", "salary"),
    ("customers.aliases", {f"a{n}": "income" for n in range(5_000)}),
    ("customers.aliases", {LONG: "income"}),
    ("customers.date_formats", ["%A"]),
    ("customers.missing_values", ["x" * 10_000]),
    ("customers.flags", {"x" * 10_000: 1}),
    ("customers.unknown_categories", ["x" * 10_000]),
    ("customers.ignored_signs", [f"x{chr(n)}" for n in range(0x4E00, 0x5300)]),
    ("scaling.features.0", "age"),
    ("scaling.features.0", "salary"),
    ("scaling.caps", [1.0]),
    ("scaling.caps.0", float("nan")),
    ("scaling.means.0", True),
    ("scaling.means.0", 1e300),
    ("scaling.deviations.0", -1.0),
    ("scaling.deviations.0", 0.0),
    ("components", [[1.0]]),
    ("components.0", [1.0]),
    ("components.0.0", 99.0),
    ("centroids", [[0.0] * 5]),
    ("centroids.0", [0.0]),
    ("centroids.0.0", float("-inf")),
    ("centroids", [[0.0] * 1000] * 1000),
    ("learned", {}),
    ("learned.unknown", {}),
    ("learned.affluence_tier.income_thresholds", [1.0, 2.0, 3.0]),
    ("learned.affluence_tier.income_thresholds", 1.0),
    ("learned.product.means", [1.0]),
    ("learned.product.spreads.0", 0.0),
    ("learned.likely_to_spend.potential_thresholds", [1.0] * 1000),
    ("learned.offer.min_likely_to_spend", "75"),
    ("provenance", [0] * 1_000_000),
    ("provenance", {"deep": nested(900)} | {"more": LONG * 3}),
]


@pytest.mark.parametrize(("path", "value"), SEGMENTER, ids=lambda part: str(part)[:40])
def test_a_segmenter_that_states_nonsense_is_refused(
    bundle: Path, tmp_path: Path, path: str, value: Any
) -> None:
    model = read(bundle)
    block = changed(metadata_of(model), path, value)
    model = signed(model, **{path.partition(".")[0]: block})
    told = refused(promoted(bundle, tmp_path / "champion", model))
    assert told.startswith("segmenter.onnx is ")


COLD_START: list[tuple[str, Any]] = [
    ("kind", "segmenter"),
    ("outputs.1", "probability_other"),
    ("segments.0.name", "Another"),
    ("features.0", "salary"),
    ("weights.0.0", float("nan")),
    ("weights", [[0.0]]),
    ("weights.0.0", 0.5),
    ("intercepts", [0.0]),
    ("deviations.0", -1.0),
    ("caps.0", None),
    ("segmenter_version", "0" * 12),
    ("segmenter_version", "x\n"),
    ("contract.4.maximum", 5.0),
    ("customers.as_of", "2015-06-30"),
    ("metrics", {"log_loss": float("nan")}),
]


@pytest.mark.parametrize(("path", "value"), COLD_START, ids=lambda part: str(part)[:40])
def test_a_cold_start_model_that_states_nonsense_is_refused(
    bundle: Path, tmp_path: Path, path: str, value: Any
) -> None:
    model = read(bundle, "cold_start")
    block = changed(metadata_of(model), path, value)
    model = signed(model, **{path.partition(".")[0]: block})
    told = refused(promoted(bundle, tmp_path / "champion", model, "cold_start"))
    assert told.startswith("cold_start.onnx")


READ = (
    *("kind", "columns", "outputs", "segments", "codes", "contract", "customers", "scaling"),
    *("components", "centroids", "learned", "provenance"),
)


@pytest.mark.parametrize("key", READ)
def test_a_segmenter_that_leaves_out_what_is_read_is_refused(
    bundle: Path, tmp_path: Path, key: str
) -> None:
    model = signed(read(bundle), **{key: None})
    told = refused(promoted(bundle, tmp_path / "champion", model))
    assert told.startswith("segmenter.onnx is ")


def test_metadata_are_plain_json_and_stand_once(bundle: Path, tmp_path: Path) -> None:
    twice = read(bundle)
    entry = twice.metadata_props.add()
    entry.key, entry.value = "customer_segmentation.kind", '"cold_start"'
    assert "twice" in refused(promoted(bundle, tmp_path / "twice", twice))
    foreign = read(bundle)
    entry = foreign.metadata_props.add()
    entry.key, entry.value = "ort_config", '{"session_options": {}}'
    assert "of another tool" in refused(promoted(bundle, tmp_path / "foreign", foreign))
    doubled = read(bundle)
    (entry,) = (e for e in doubled.metadata_props if e.key.endswith(".provenance"))
    entry.value = '{"as_of": "2014-06-30", "as_of": "2015-06-30"}'
    assert "no plain JSON" in refused(promoted(bundle, tmp_path / "doubled", doubled))


def test_a_bundle_of_odd_numbers_can_be_described(bundle: Path, tmp_path: Path) -> None:
    """Numbers that agree with one another may still be past every calendar."""
    segmenter = make_segmenter()
    scaling = replace(
        segmenter.scaling,
        features=("tenure_days", *segmenter.scaling.features[1:]),
        means=np.full(5, 1e15),
    )
    shares = {"means": [0.0] * 6, "spreads": [1.0] * 6}
    learned = {**segmenter.learned, "product": shares}
    model = build_segmenter(replace(segmenter, scaling=scaling, learned=learned))
    champion = Champion(str(promoted(bundle, tmp_path / "champion", model)))
    described = describe_bundle(champion.current, None)
    assert described.segments[0].customer["enrolled_on"] == "2000-01-01"
