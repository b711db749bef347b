"""The `clustering` parameters: what is wrong is named before any data is read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters


def test_the_shipped_parameters_are_valid(shipped: dict[str, Any]) -> None:
    assert ClusteringParameters(**shipped).model_dump() == shipped


def test_a_minimum_k_above_the_maximum_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"minimum \(6\) is above maximum \(5\)"):
        ClusteringParameters(**block | {"k": block["k"] | {"minimum": 6}})
    assert ClusteringParameters(**block | {"k": block["k"] | {"minimum": 5}}).k.minimum == 5


def test_an_affluent_tier_that_begins_below_the_comfortable_is_refused(
    block: dict[str, Any],
) -> None:
    tiers = block["decisions"] | {"comfortable_from": 0.9, "affluent_from": 0.5}
    with pytest.raises(ValidationError, match="comfortable_from is above affluent_from"):
        ClusteringParameters(**block | {"decisions": tiers})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cap_quantile": 0.0}, "greater than 0"),
        ({"cap_quantile": 1.5}, "less than or equal to 1"),
        ({"coreset_rows": 999}, "greater than or equal to 1000"),
        ({"seed": "1"}, "valid integer"),
        ({"sed": 1}, "not permitted"),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_parameter(
    block: dict[str, Any], changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=rf"{next(iter(changed))}\n.*{message}"):
        ClusteringParameters(**block | changed)
