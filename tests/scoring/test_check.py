"""The check that an artifact gives scikit-learn's segments."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw
import onnx
import pytest

from customer_segmentation.scoring.check import check_against_scikit_learn
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.marketing import on_frame
from tests.scoring.example import FEATURES, draw_customers


@pytest.fixture(scope="module")
def rows() -> nw.DataFrame:
    return on_frame(nw.from_native(draw_customers(500, seed=2)).lazy(), FEATURES).collect()


def test_the_artifact_of_a_segmenter_passes(
    artifact: onnx.ModelProto, segmenter: Segmenter, rows: nw.DataFrame
) -> None:
    check_against_scikit_learn(artifact, segmenter, rows)


def test_the_artifact_of_another_segmenter_is_refused_with_the_count(
    artifact: onnx.ModelProto, segmenter: Segmenter, rows: nw.DataFrame
) -> None:
    other = replace(segmenter, centroids=segmenter.centroids[::-1])
    with pytest.raises(RuntimeError, match=r"differ on \d+ of 500 customers"):
        check_against_scikit_learn(artifact, other, rows)
