"""Column expressions give the artifact's answers, where no Python may run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import onnx

from customer_segmentation.scoring.columns import score_columns
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.scoring.scorer import Scorer
from tests.scoring.example import between_segments, draw_customers

ROWS = 5_000


def answers(
    matrix: np.ndarray[Any, np.dtype[np.float64]],
    artifact: onnx.ModelProto,
    scorer: Scorer,
    frame_of: Callable[..., Any],
) -> dict[str, np.ndarray[Any, Any]]:
    """By the expressions."""
    table = frame_of(dict(zip(scorer.columns, matrix.T, strict=True)))
    # Missing is null in a table, and not NaN.
    rows = nw.from_native(table).lazy()
    known = {n: nw.when(~nw.col(n).is_nan()).then(nw.col(n)) for n in scorer.columns}
    scored = score_columns(rows.select(**known), metadata_of(artifact)).collect()
    return {name: scored[name].to_numpy() for name in scorer.outputs}


def test_every_customer_has_the_artifacts_answers(
    artifact: onnx.ModelProto, scorer: Scorer, frame_of: Callable[..., Any]
) -> None:
    drawn = draw_customers(ROWS)[list(scorer.columns)].to_numpy()
    matrix = np.concatenate([drawn, between_segments(drawn, scorer, 20)])
    expected = scorer.score(np.ascontiguousarray(matrix))

    found = answers(matrix, artifact, scorer, frame_of)

    for name, values in expected.items():
        if values.dtype == np.int64:
            assert (found[name] == values).all(), name
        else:
            assert np.allclose(found[name].astype(float), values, rtol=1e-9, atol=1e-9), name


def test_what_the_artifact_cannot_score_has_no_answer(
    artifact: onnx.ModelProto, scorer: Scorer, frame_of: Callable[..., Any]
) -> None:
    matrix = draw_customers(4)[list(scorer.columns)].to_numpy()
    place = list(scorer.columns).index
    matrix[0, place("income")] = np.nan
    matrix[1, place("income")] = -1.0
    matrix[2, place("purchases_deals")] = 1.5

    found = answers(matrix, artifact, scorer, frame_of)

    expected = scorer.score(np.ascontiguousarray(matrix))
    assert found["segment"].tolist() == expected["segment"].tolist()
    assert found["segment"].tolist()[:3] == [-1, -1, -1]
    assert np.isnan(found["margin"].astype(float)).tolist() == [True, True, True, False]
