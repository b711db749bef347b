"""Which tables promise what."""

from __future__ import annotations

import pytest
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from customer_segmentation.tables.schemas import contract_of
from tests.marketing import CONTRACT, TABLES
from tests.runs.project import CHECKOUT

LAYERS = ("bronze_", "silver_", "gold_")


def test_every_table_that_a_pipeline_or_a_stream_saves_has_a_contract_and_no_other() -> None:
    bootstrap_project(CHECKOUT)
    named = {name for pipeline in pipelines.values() for name in pipeline.datasets()}
    saved = {name for name in named if name.startswith(LAYERS)}
    # What only streams write.
    assert set(TABLES) == saved | {"gold_moves"}


def test_a_table_without_a_contract_is_not_known() -> None:
    with pytest.raises(KeyError):
        contract_of("gold_nothing")


@pytest.mark.parametrize("table", TABLES)
def test_a_column_is_promised_once(table: str) -> None:
    contract = contract_of(table)
    assert contract.key
    assert not set(contract.key) & set(contract.required)
    for names in (contract.key, contract.required, [column.name for column in contract.columns]):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("table", TABLES)
def test_a_range_has_its_ends_in_order(table: str) -> None:
    for column in contract_of(table).columns:
        if column.minimum is not None and column.maximum is not None:
            assert column.minimum < column.maximum, column.name


def test_silver_promises_all_that_a_customer_record_may_be() -> None:
    assert set(CONTRACT) <= set(contract_of("silver_customers").columns)


@pytest.mark.parametrize("table", ["gold_segments", "gold_unsegmented"])
def test_who_changed_segment_is_told_to_readers(table: str) -> None:
    assert contract_of(table).tells_changes
