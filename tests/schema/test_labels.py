from tests.marketing import COLUMNS, DECISIONS, FEATURES, LABELS, label_of, unit_of

"""What people call things: said for all, once each, and kept out of artifacts."""

import pytest

from customer_segmentation.scoring.metadata import contract_rules


def test_every_column_feature_decision_and_answer_has_a_label_of_its_own() -> None:
    answers = {
        label for name in ("product", "channel", "offer") for label in DECISIONS[name].labels
    }
    assert LABELS.keys() == COLUMNS.keys() | FEATURES.keys() | DECISIONS.keys() | answers
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


def test_an_artifact_does_not_change_when_a_label_is_reworded() -> None:
    assert not any("label" in rule for rule in contract_rules())
