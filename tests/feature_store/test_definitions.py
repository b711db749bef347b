"""What features are: derived from the schema, versioned by what they mean."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import (
    FEATURES,
    MODEL_INPUTS,
    FeatureSet,
    conflicts,
    feature_set,
)
from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from tests.marketing import FOLDER
from tests.scoring.example import make_segmenter

METADATA = metadata_of(build_segmenter(make_segmenter()))


def changed(**changes: Any) -> FeatureSet:
    """The features of the example with a schema whose keys are changed."""
    return feature_set(METADATA | {"customers": METADATA["customers"] | changes})


def described(name: str, key: str, value: object) -> FeatureSet:
    """The same with one key of one feature changed."""
    rules = METADATA["customers"]["features"]
    return changed(features=rules | {name: rules[name] | {key: value}})


def test_each_feature_says_what_it_is_and_what_it_is_made_of() -> None:
    features = feature_set(METADATA)
    total = features.find("spend_total")
    assert (total.view, total.role, total.unit) == (FEATURES, "model feature", "monetary units")
    assert total.formula.startswith("sum(spend_wines, ")
    assert total.inputs[0] == "spend_wines"
    assert not total.personal
    assert features.find("age").personal
    education = features.find("education")
    assert (education.formula, education.labels[0]) == ("education", "basic")
    year = features.find("enrolled_year")
    assert (year.inputs, year.labels) == (("enrolled_on",), ())
    assert features.find("as_of_day").inputs == ("as_of",)


def test_what_the_model_sees_is_a_view_of_its_own() -> None:
    features = feature_set(METADATA)
    seen = [one.name for one in features.view(MODEL_INPUTS)]
    assert seen == [f"{name}_standardised" for name in METADATA["scaling"]["features"]]
    income = features.find("income_standardised")
    assert (income.unit, income.personal) == ("deviations", True)


def test_a_view_is_another_with_another_formula_unit_or_value_of_a_category() -> None:
    before = feature_set(METADATA)
    for other in (
        described("spend_to_income", "formula", "spend_total / (income + 1)"),
        described("spend_to_income", "unit", "percent"),
        described("spend_to_income", "at_zero", 1.0),
    ):
        assert other.hashes[FEATURES] != before.hashes[FEATURES]
        assert other.hashes[MODEL_INPUTS] == before.hashes[MODEL_INPUTS]
    age = described("age", "formula", "as_of.year - year_birth + 1").hashes
    assert age[MODEL_INPUTS] != before.hashes[MODEL_INPUTS]


def test_what_customers_are_worth_is_a_feature_whose_meaning_is_in_the_schema() -> None:
    lines = read_schema(FOLDER / "online_retail.yml").model_dump(mode="json")
    scaling = METADATA["scaling"] | {"features": [], "caps": [], "means": [], "deviations": []}

    def features(**lifetime: Any) -> FeatureSet:
        orders = lines["orders"] | {"lifetime": lines["orders"]["lifetime"] | lifetime}
        schema = lines | {"orders": orders}
        return feature_set(METADATA | {"customers": schema, "scaling": scaling})

    found = features()
    value = found.find("lifetime_value")
    assert (value.view, value.role, value.unit) == (FEATURES, "feature", "pounds")
    assert value.inputs == ("ordered_on", "quantity", "unit_price")
    assert "in the next 365 days" in value.description
    assert found.find("probability_alive").unit == "share of 1"
    same = features(held_back_days=30)
    assert same.hashes == found.hashes
    for changed in ({"horizon_days": 30}, {"yearly_discount": 0.2}, {"margin": 0.5}):
        assert features(**changed).hashes[FEATURES] != found.hashes[FEATURES]


def test_words_and_learned_numbers_change_no_definition() -> None:
    before = feature_set(METADATA)
    assert described("spend_to_income", "description", "Something else").hashes == before.hashes
    scaling = METADATA["scaling"]
    later = METADATA | {"scaling": scaling | {"means": [mean + 1 for mean in scaling["means"]]}}
    assert feature_set(later).hashes == before.hashes


def test_a_changed_definition_needs_a_new_version() -> None:
    before = feature_set(METADATA)
    after = described("spend_to_income", "unit", "percent")
    assert conflicts(before, [before.about()]) == []
    (conflict,) = conflicts(after, [before.about(), before.about()])
    assert conflict == (
        f"customer_features version 1 is {after.hashes[FEATURES]} here and was "
        f"{before.hashes[FEATURES]}"
    )
    rules = METADATA["customers"]["features"]
    raised = changed(
        features=rules | {"spend_to_income": rules["spend_to_income"] | {"unit": "percent"}},
        feature_store={"version": 2, "owner": "", "max_age_days": 1},
    )
    assert raised.hashes == after.hashes
    assert conflicts(raised, [before.about()]) == []
    # The former version stays what it was.
    assert conflicts(after, [before.about(), raised.about()]) == [conflict]


def test_a_feature_that_there_is_not_is_answered_with_the_nearest() -> None:
    features = feature_set(METADATA)
    with pytest.raises(UserError, match=r"no feature `spend_totl`: did you mean spend_total, "):
        features.find("spend_totl")
    with pytest.raises(UserError, match=r"no feature `basket`: did you mean average_basket\?"):
        features.find("basket")
    with pytest.raises(UserError, match="kedro feature list names them"):
        features.find("zzz")


@pytest.mark.parametrize("schema", sorted(path.stem for path in FOLDER.glob("*.yml")))
def test_every_shipped_schema_has_features_without_an_edit(schema: str) -> None:
    shipped = read_schema(FOLDER / f"{schema}.yml")
    names = [*shipped.segment_numbers]
    scaling = {"features": names, "caps": [1.0] * len(names), "logs": []}
    scaling |= {"means": [0.0] * len(names), "deviations": [1.0] * len(names)}
    told = {"customers": shipped.model_dump(mode="json"), "scaling": scaling, "version": "0"}
    features = feature_set(told)
    assert all(one.description and one.formula and one.inputs for one in features.features)
    assert len({one.name for one in features.features}) == len(features.features)
    if shipped.orders:
        orders = features.find("orders") if "orders" in shipped.columns else features.features[0]
        assert orders.formula.endswith(f"over {shipped.orders.window_days} days")


def test_version_owner_and_age_are_of_the_schema() -> None:
    text = (FOLDER / "marketing_campaign.yml").read_text()
    told = yaml.safe_load(text) | {
        "feature_store": {"version": 3, "owner": "Ana Lima", "max_age_days": 7}
    }
    schema = Schema.model_validate(told)
    features = feature_set(METADATA | {"customers": schema.model_dump(mode="json")})
    assert (features.version, features.owner, features.max_age_days) == (3, "Ana Lima", 7)
