"""The registry: every pipeline by the name of its folder, in the order of the flow."""

from __future__ import annotations

from pathlib import Path

import pytest
from kedro.pipeline import Pipeline

from customer_segmentation import pipelines
from customer_segmentation.pipeline_registry import ALONE, ORDER, register_pipelines


@pytest.fixture(scope="module")
def registered() -> dict[str, Pipeline]:
    return register_pipelines()


def test_pipelines_stand_in_the_order_of_the_flow(
    registered: dict[str, Pipeline],
) -> None:
    assert [*registered] == [*ORDER, *ALONE, "scoring", "__default__"]


def test_every_folder_of_a_pipeline_is_registered() -> None:
    folders = Path(pipelines.__path__[0]).glob("*/pipeline.py")
    assert sorted(path.parent.name for path in folders) == sorted((*ORDER, *ALONE))


def test_the_default_is_the_sum_of_all(registered: dict[str, Pipeline]) -> None:
    together = sum((registered[name] for name in ORDER), start=Pipeline([]))
    assert {*registered["__default__"].nodes} == {*together.nodes}
    counts = [len(registered[name].nodes) for name in ORDER]
    assert len(registered["__default__"].nodes) == sum(counts)
    assert all(counts)


@pytest.mark.parametrize("position", range(len(ORDER)))
def test_no_pipeline_needs_what_a_later_one_makes(
    registered: dict[str, Pipeline], position: int
) -> None:
    later = [registered[name].outputs() for name in ORDER[position + 1 :]]
    assert registered[ORDER[position]].inputs().isdisjoint(set().union(*later))
