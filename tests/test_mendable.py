"""Errors of other libraries in the words of what a person does about them."""

from __future__ import annotations

import pytest

from customer_segmentation.mendable import explain


@pytest.mark.parametrize(
    ("module", "how"),
    [
        ("confluent_kafka", "pip install '.[streaming]'"),
        ("cassandra", "pip install '.[databases]'"),
        ("uvicorn", "run `make serve`, or pip install '.[serving]'"),
    ],
)
def test_a_package_that_lacks_is_named_with_how_to_get_it(module: str, how: str) -> None:
    told = explain(ModuleNotFoundError(f"No module named '{module}'", name=module))
    assert told
    assert told.endswith(f"{module} is not installed: {how}")
