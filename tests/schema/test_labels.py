"""What people call things: said for all, once each."""

import pytest

from tests.marketing import (
    CAMPAIGNS,
    COLUMNS,
    DECISIONS,
    FEATURES,
    SCHEMA,
    label_of,
    unit_of,
)

LABELS = SCHEMA.labels


def test_every_column_feature_decision_and_answer_has_a_label_of_its_own() -> None:
    answers = {
        label for name in ("product", "channel", "offer") for label in DECISIONS[name].labels
    }
    members = {str(campaign) for campaign in CAMPAIGNS}
    assert LABELS.keys() == {*COLUMNS, *FEATURES, *DECISIONS, *answers, *members}
    assert all(LABELS.values())
    assert len({*LABELS.values()}) == len(LABELS)


@pytest.mark.parametrize(
    ("name", "label", "unit"),
    [
        ("spend_gold", "spend on gold products", "monetary units"),
        ("purchase_share_web", "share of purchases through the website", "share of 1"),
        ("marital_status", "marital status", "code"),
        ("likely_to_spend", "likely to spend", "percentile"),
        ("offer=discount", "offer: a discount", "share of 1"),
        ("waits_for_offers=yes", "waits for offers", "share of 1"),
        ("affluence_tier=affluent", "affluence tier: affluent", "share of 1"),
    ],
)
def test_a_measure_is_named_and_has_a_unit(name: str, label: str, unit: str) -> None:
    assert (label_of(name), unit_of(name)) == (label, unit)


def test_what_nobody_has_declared_is_its_name_with_spaces() -> None:
    assert label_of("some_column") == "some column"
