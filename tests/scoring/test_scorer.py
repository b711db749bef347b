"""The scorer: from a table of canonical columns to answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import onnx
from numpy.typing import NDArray

from customer_segmentation.scoring.scorer import Scorer
from tests.scoring.example import draw_customers


def numbers(rows: int) -> dict[str, list[Any]]:
    """In another order than the artifact's, with a column that it does not read."""
    drawn = draw_customers(rows)
    return {"customer_id": [str(n) for n in range(rows)]} | drawn.iloc[:, ::-1].to_dict("list")


def test_a_table_of_any_engine_gives_the_matrix_in_the_artifacts_order(
    scorer: Scorer, frame_of: Callable[..., Any]
) -> None:
    table = nw.from_native(frame_of(numbers(20)), eager_only=True)
    assert (scorer.matrix(table) == draw_customers(20)[list(scorer.columns)].to_numpy()).all()


def test_null_becomes_nan_and_then_no_segment(scorer: Scorer, frame_of: Callable[..., Any]) -> None:
    columns = numbers(2)
    columns["income"] = [None, columns["income"][1]]
    found = scorer.matrix(nw.from_native(frame_of(columns), eager_only=True))
    assert np.isnan(found).sum() == 1
    assert (scorer.score(found)["segment"] == -1).tolist() == [True, False]


def test_no_rows_give_no_answers(scorer: Scorer) -> None:
    answers = scorer.score(np.empty((0, len(scorer.columns))))
    assert {len(values) for values in answers.values()} == {0}


def test_a_file_scores_like_its_bytes(
    artifact: onnx.ModelProto, scorer: Scorer, matrix: NDArray[np.float64], tmp_path: Path
) -> None:
    path = tmp_path / "segmenter.onnx"
    path.write_bytes(artifact.SerializeToString())
    from_file = Scorer(path, threads=2)
    assert from_file.version == scorer.version
    for name, values in scorer.score(matrix).items():
        assert (from_file.score(matrix)[name] == values).all()
