"""A bundle is refused whose metadata state what cannot be: types, sizes, and what they mean."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import numpy as np
import pytest

from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.description import describe_bundle
from customer_segmentation.serving.openapi.customer import customer_schemas
from customer_segmentation.serving.validation import ReadCustomer
from tests.scoring.example import make_segmenter
from tests.security.promotion import promoted, read, refused, signed
from tests.serving.example import a_customer


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
    ("customers", []),
    ("customers", {"as_of": "2014-06-30"}),
    ("customers.as_of", "soon"),
    ("customers.as_of", "9999-12-31"),
    ("customers.more", 1),
    ("customers.columns.income.minimum", 1e13),
    ("customers.columns.income.minimum", float("nan")),
    ("customers.columns.income.maximum", float("inf")),
    ("customers.columns.income.maximum", "1"),
    # Tighter than what the graph accepts.
    ("customers.columns.income.maximum", 5.0),
    ("customers.columns.income.kind", "text"),
    ("customers.columns.income.kind", "date"),
    ("customers.columns.income.kind", "key"),
    ("customers.columns.year_birth.age", {"minimum": 90, "maximum": 18}),
    ("customers.columns.enrolled_on.earliest", "2024-01-01"),
    ("customers.columns.education.categories", {}),
    ("customers.columns.education.categories", {f"c{n}": [] for n in range(10_000)}),
    ("customers.columns.education.categories.basic", ["phd"]),
    ("customers.columns.income.headers", ["Year_Birth"]),
    ("customers.columns.income.headers", [f"a{n}" for n in range(5_000)]),
    ("customers.columns.income.headers", [LONG]),
    ("customers.columns.income.label", "income\x1b[2J"),
    ("customers.columns.income.description", "income\r\nset-cookie: a=b"),
    ("customers.money.unit", "\u202eeuros"),
    ("customers.date_formats", ["%A"]),
    ("customers.missing_values", ["x" * 10_000]),
    ("customers.flags", {"x" * 10_000: 1}),
    ("customers.unknown_categories", ["x" * 10_000]),
    ("customers.ignored_signs", [f"x{chr(n)}" for n in range(0x4E00, 0x6300)]),
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


MONEY = {"kind": "money"}


def formulas(**made: str) -> dict[str, dict[str, str]]:
    return {name: {"formula": text} for name, text in made.items()}


def chain(length: int, formula: str) -> dict[str, dict[str, str]]:
    """Features each of which is made of the one before."""
    before = ["income", *(f"h{n}" for n in range(length - 1))]
    return formulas(**{f"h{n}": formula.format(before=name) for n, name in enumerate(before)})


# What is added to the parts of a schema, and what is said of it.
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "a long formula": ({"features": formulas(h="income + " * 10_000 + "income")}, "longer than"),
    "many parts": ({"features": formulas(h=f"sum({', '.join(['income'] * 150)})")}, "100 parts"),
    "many steps": (
        {"features": formulas(h="income / (" * 30 + "income" + ")" * 30)},
        "300 steps",
    ),
    "deep": ({"features": formulas(h="(" * 900 + "income" + ")" * 900)}, "no line of arithmetic"),
    "open": ({"features": formulas(h="(" * 1_900)}, "no line of arithmetic"),
    "signs": ({"features": formulas(h="-" * 1_900 + "income")}, "100 parts"),
    "a function": ({"features": formulas(h="exec(income)")}, "not allowed"),
    "an attribute": ({"features": formulas(h="income.__class__")}, "not allowed"),
    "a lambda": ({"features": formulas(h="(lambda: income)()")}, "not allowed"),
    "a subscript": ({"features": formulas(h="income[0]")}, "not allowed"),
    "a power": ({"features": formulas(h="9**9**9**9 + income")}, "not allowed"),
    "a shift": ({"features": formulas(h="(1 << 99999999) * income")}, "not allowed"),
    "a text": ({"features": formulas(h="'a' * 99999999")}, "no number"),
    "a large number": ({"features": formulas(h="9" * 1_900 + " * income")}, "too large"),
    "a large product": ({"features": formulas(h="1e308 * 1e308 * income")}, "too large"),
    "a divisor of 0": ({"features": formulas(h="income / 0")}, "divides by 0"),
    "a divisor that comes to 0": ({"features": formulas(h="income / log(1)")}, "divides by 0"),
    "0 by 0": ({"features": formulas(h="0 / 0")}, "divides by 0"),
    "almost nothing": ({"features": formulas(h="income / 1e-300")}, "divides by 0"),
    "itself": ({"features": formulas(h="h + income")}, "not known"),
    "a later one": ({"features": formulas(h="i + income", i="income + 1")}, "not known"),
    "two lines": ({"features": formulas(h="income\n+ income")}, "no line of arithmetic"),
    "no character": ({"features": formulas(h="income\0")}, "no line of arithmetic"),
    "a long chain": ({"features": chain(1_500, "{before} + 1")}, "5000 words"),
    "nested sums": (
        {"features": chain(1_500, "sum({before}, {before}, {before}, {before})")},
        "5000 words",
    ),
    "a sum over a large group": (
        {
            "groups": {"g": {f"m{n}": "m" for n in range(2_000)}},
            "columns": {"x_{g}": MONEY},
            "features": formulas(h="sum(x_{g})"),
        },
        "at most 1000",
    ),
    "columns": ({"columns": {f"c{n}": MONEY for n in range(1_000)}}, "at most 1000"),
    "more columns": ({"columns": {f"c{n}": MONEY for n in range(5_000)}}, "5000 words"),
    "columns of patterns": (
        {
            "groups": {"g": {f"m{n}": "m" for n in range(1_000)}},
            "columns": {f"x{n}_{{g}}": MONEY for n in range(300)},
        },
        "at most 1000",
    ),
    "features of patterns": (
        {
            "groups": {"g": {f"m{n}": "m" for n in range(900)}},
            "columns": {"x_{g}": MONEY},
            "features": formulas(**{"y_{g}": "sum(x_{g})"}),
        },
        "at most 1000",
    ),
    "a name of a pattern": ({"columns": {"a(a+)+$": MONEY}}, "begin a name"),
    "a group of a pattern": ({"columns": {"x_{.*}": MONEY}}, "begin a name"),
    "a member of a pattern": ({"groups": {"product": {"(.*)+": "x"}}}, "begin a name"),
    "a name of two lines": ({"columns": {"x\n": MONEY}}, "begin a name"),
    "a long name": ({"columns": {"x" * 1_000: MONEY}}, "xxx"),
    "two groups": ({"columns": {"x_{product}_{channel}": MONEY}}, "one group"),
    "an unknown role": ({"roles": {"chief": "income"}}, "Extra inputs"),
    "a role of nothing": ({"roles": {"spend": "salary"}}, "no feature and no number"),
    "a role of a category": ({"roles": {"income": "education"}}, "no feature and no number"),
    "a role of no pattern": ({"roles": {"product": "spend_total"}}, "no pattern"),
    "a role of no group": ({"roles": {"product": "spend_{nothing}"}}, "no group"),
    "another role": ({"roles": {"income": "spend_total"}}, "contradicting"),
    "signs of numbers": ({"ignored_signs": ["(a+)+$", "[a-"]}, "signs or separators"),
    "outcomes": ({"segment_features": ["responded", "income"]}, "segments must not see"),
    "lines of nothing": (
        {"orders": {"window_days": 36_500, "time": "t", "columns": {}}},
        "no date",
    ),
}


def spoilt(customers: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """A schema with more in its parts."""
    copied = json.loads(json.dumps(customers))
    for key, more in parts.items():
        is_more = isinstance(more, dict) and isinstance(copied.get(key), dict)
        copied[key] = copied[key] | more if is_more else more
        if key == "groups":
            copied[key] = {
                name: customers[key].get(name, {}) | members
                for name, members in copied[key].items()
            }
    return copied


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_refused_in_one_line_and_at_once(
    bundle: Path, tmp_path: Path, name: str
) -> None:
    parts, why = HOSTILE[name]
    model = read(bundle)
    customers = spoilt(metadata_of(model)["customers"], parts)
    folder = promoted(bundle, tmp_path / "champion", signed(model, customers=customers))
    begun = process_time()
    told = refused(folder)
    # Each takes a tenth of it.
    assert process_time() - begun < 1.0
    assert told.startswith("segmenter.onnx is refused: the artifact ")
    assert re.search(why, told), told


# What is odd, and means what it says.
HARMLESS: dict[str, dict[str, Any]] = {
    "missing values": {"missing_values": ["", "(a+)+$", ".*", "[", "\\"]},
    "headers": {"columns": {"more": MONEY | {"headers": ["(.*)*", 'a "b"', "a\\b", "[", "\x1b"]}}},
    "labels": {"columns": {"more": MONEY | {"label": "<script>alert(1)</script>"}}},
    "each of two before": {
        "features": formulas(
            h0="income + 1", h1="h0 + 1", **{f"h{n}": f"h{n - 1} + h{n - 2}" for n in range(2, 90)}
        )
    },
    "nested sums": {"features": chain(90, "sum({before}, {before}, {before}, {before})")},
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_schema_may_say_does_no_harm(bundle: Path, tmp_path: Path, name: str) -> None:
    model = read(bundle)
    customers = spoilt(metadata_of(model)["customers"], HARMLESS[name])
    if "h89" in customers["features"]:
        customers["card"]["who"] = ["h89"]
        customers["roles"]["recency"] = "h89"
    folder = promoted(bundle, tmp_path / "champion", signed(model, customers=customers))
    begun = process_time()
    loaded = Champion(str(folder)).current
    body = msgspec.json.encode([a_customer(), a_customer() | {"customer_id": "a" * 250 + "!"}])
    reader, customers_read = loaded.reader.fast(body, is_list=True)
    assert loaded.answer_matrix(reader.ids(customers_read), reader.matrix(customers_read))
    assert all(isinstance(one, ReadCustomer) for one in loaded.reader.careful(body, 2))
    assert describe_bundle(loaded, None).segments
    assert customer_schemas(loaded.contract)
    assert process_time() - begun < 3.0


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
    ("customers.columns.income.maximum", 5.0),
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


RESPONSE: list[tuple[str, Any]] = [
    ("kind", "cold_start"),
    ("outputs.0", "p_answer"),
    ("columns.0", "salary"),
    ("response", "complained"),
    # What is known after the contact only.
    ("features.0", "responded"),
    ("weights", [0.0]),
    ("weights.0", 0.5),
    ("weights.0", float("nan")),
    ("intercept", 1.0),
    ("deviations.0", 0.0),
    ("bends.features.0", 99),
    ("bends.features.0", -1),
    ("bends.starts", []),
    ("calibration.slope", None),
    ("calibration.covariance", [[0.1, 0.2], [0.3, 0.1]]),
    ("calibration.covariance", [[0.1, 0.2], [0.2, 0.1]]),
    ("calibration.covariance", [[0.1]]),
    ("segmenter_version", "0" * 12),
    ("customers.as_of", "2015-06-30"),
    ("customers.campaigns.known_before", []),
    ("metrics", {"log_loss": float("nan")}),
]


@pytest.mark.parametrize(("path", "value"), RESPONSE, ids=lambda part: str(part)[:40])
def test_a_response_model_that_states_nonsense_is_refused(
    bundle: Path, tmp_path: Path, path: str, value: Any
) -> None:
    model = read(bundle, "response")
    block = changed(metadata_of(model), path, value)
    model = signed(model, **{path.partition(".")[0]: block})
    told = refused(promoted(bundle, tmp_path / "champion", model, "response"))
    assert told.startswith("response.onnx")


READ = (
    *("kind", "columns", "outputs", "segments", "codes", "customers", "scaling"),
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
