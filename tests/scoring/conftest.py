"""One example artifact for the tests of scoring."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.scoring.example import draw_customers, make_segmenter


@pytest.fixture(scope="session")
def segmenter() -> Segmenter:
    return make_segmenter()


@pytest.fixture(scope="session")
def artifact(segmenter: Segmenter) -> onnx.ModelProto:
    return build_segmenter(segmenter)


@pytest.fixture(scope="session")
def scorer(artifact: onnx.ModelProto) -> Scorer:
    return Scorer(artifact.SerializeToString())


@pytest.fixture(scope="session")
def matrix(scorer: Scorer) -> NDArray[np.float64]:
    """5,000 customers that the segmenter has not seen: more than one chunk."""
    drawn = draw_customers(5000, seed=1)[list(scorer.columns)]
    return np.ascontiguousarray(drawn.to_numpy())
