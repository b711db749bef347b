"""The scorer: from a table of canonical columns to answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.scoring.scorer import Scorer
from tests.scoring.example import draw_customers

DAY = datetime(2014, 6, 30)  # noqa: DTZ001 - a day has no time zone


def canonical(rows: int) -> dict[str, list[Any]]:
    drawn = draw_customers(rows).drop(columns="as_of_year").to_dict("list")
    return drawn | {"as_of": [DAY] * rows, "customer_id": [str(n) for n in range(rows)]}


def test_a_table_of_any_engine_gives_the_matrix_in_the_artifacts_order(
    scorer: Scorer, frame_of: Callable[..., Any]
) -> None:
    table = nw.from_native(frame_of(canonical(20)), eager_only=True)
    assert (scorer.matrix(table) == draw_customers(20)[list(scorer.columns)].to_numpy()).all()


def test_null_becomes_nan_and_then_no_segment(scorer: Scorer, frame_of: Callable[..., Any]) -> None:
    columns = canonical(2)
    columns["income"] = [None, columns["income"][1]]
    found = scorer.matrix(nw.from_native(frame_of(columns), eager_only=True))
    assert np.isnan(found).sum() == 1
    assert (scorer.score(found)["segment"] == -1).tolist() == [True, False]


def test_a_table_that_lacks_a_column_is_refused_by_name(
    scorer: Scorer, frame_of: Callable[..., Any]
) -> None:
    columns = canonical(2)
    del columns["spend_fish"]
    with pytest.raises(UserError, match=r"needs \['spend_fish'\].*Run kedro run"):
        scorer.matrix(nw.from_native(frame_of(columns), eager_only=True))


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
