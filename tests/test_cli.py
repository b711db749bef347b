from __future__ import annotations

import pytest
from kedro.validation.exceptions import ParameterValidationError
from kedro.validation.parameter_validator import ParameterValidator

from customer_segmentation.cli import parameters_message
from customer_segmentation.pipelines import clustering

GOOD = {
    "cap_quantile": 0.95,
    "variance": 0.95,
    "coreset_rows": 20000,
    "estimator": "scikit_learn",
    "refinement_passes": 0,
    "seed": 1,
    "keep_names_within": 0.3,
    "k": {
        "minimum": 3,
        "maximum": 10,
        "starts": 10,
        "bootstraps": 20,
        "min_stability": 0.8,
        "sample_rows": 5000,
    },
    "decisions": {
        "comfortable_from": 0.5,
        "affluent_from": 0.8,
        "deal_share_from": 0.6,
        "min_deals": 3,
        "preview_from": 75.0,
    },
}


def message_for(**wrong: object) -> str:
    validator = ParameterValidator({"clustering": clustering.create_pipeline()})
    with pytest.raises(ParameterValidationError) as refused:
        validator.validate_raw_params({"clustering": GOOD | wrong})
    return parameters_message(str(refused.value))


def test_a_wrong_type_is_named_in_full_with_the_value() -> None:
    assert "`clustering.seed`: Input should be a valid integer (it is 'x')" in message_for(seed="x")


def test_each_wrong_parameter_has_a_line() -> None:
    message = message_for(seed="x", k=GOOD["k"] | {"minimum": "three"}, colour="red")
    assert [line.strip().split("`")[1] for line in message.splitlines()[1:]] == [
        "clustering.seed",
        "clustering.k.minimum",
        "clustering.colour",
    ]


def test_a_rule_of_our_own_is_told_in_its_own_words() -> None:
    message = message_for(k=GOOD["k"] | {"minimum": 9, "maximum": 4})
    assert "`clustering.k`: minimum (9) is above maximum (4)" in message


def test_a_block_that_is_no_block_is_named() -> None:
    validator = ParameterValidator({"clustering": clustering.create_pipeline()})
    with pytest.raises(ParameterValidationError) as refused:
        validator.validate_raw_params({"clustering": "fast"})
    assert "`clustering" in parameters_message(str(refused.value))
