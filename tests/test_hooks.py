from __future__ import annotations

from customer_segmentation.customers.parameters import AgeWindow
from customer_segmentation.hooks import flattened


def test_typed_blocks_are_kept_by_full_name() -> None:
    found = flattened({"customers.age": AgeWindow(minimum=18, maximum=100)})
    assert found == {"customers.age.minimum": "18", "customers.age.maximum": "100"}


def test_nested_blocks_are_kept_by_full_name() -> None:
    found = flattened({"k": {"rule": {"least": 3}, "seed": 1}})
    assert found == {"k.rule.least": "3", "k.seed": "1"}


def test_a_plain_value_alone_is_left_to_kedro_mlflow() -> None:
    assert flattened({"seed": 1}) == {}


def test_a_companys_own_headers_become_names_that_mlflow_takes() -> None:
    found = flattened({"customers.aliases": {"Income (EUR/year)": "income"}})
    assert found == {"customers.aliases.Income _EUR_year_": "income"}
