"""Run an artifact: on a matrix, or on a table of canonical columns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.scoring.artifact_file import MAX_BYTES, require
from customer_segmentation.scoring.metadata import INPUT, VERSION, has_model
from customer_segmentation.scoring.probe import check_answers
from customer_segmentation.scoring.verify import verified
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

# Rows that fit the cache: up to twice as fast as all at once, most of all on a busy machine.
_CHUNK = 4_096
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

logger = logging.getLogger(__name__)


@cache
def providers_of(device: str) -> tuple[str, ...]:
    """Onnxruntime's providers for `cpu` or `cuda`, with one warning if it is not available."""
    if device == "cpu":
        return (_CPU,)
    import onnxruntime as ort  # noqa: PLC0415 - the CPU needs no look

    if _CUDA in ort.get_available_providers():
        return (_CUDA, _CPU)
    logger.warning("onnxruntime has no CUDA provider here (pip install onnxruntime-gpu): CPU used")
    return (_CPU,)


def require_version(scored: nw.LazyFrame[Any], version: str) -> None:
    """Refuse a table that another artifact scored.

    Raises:
        UserError: Names both versions and the command that scores anew.
    """
    column = nw.col(ARTIFACT_VERSION)
    versions = scored.select(first=column.min(), last=column.max()).collect().row(0)
    if set(versions) != {version}:
        message = (
            f"gold_segments was scored by the artifact {versions[0]}, the candidate is {version}: "
            "run kedro run --pipelines=label_generation first."
        )
        raise UserError(message)


class Scorer:
    """An artifact, ready to score. The same customer gets the same answer in any batch.

    Args:
        model: The artifact's bytes, or the path of its file.
        threads: How many onnxruntime uses for one call.
        providers: onnxruntime's execution providers, in order of preference.

    Raises:
        WrongArtifactError: It is not one of this project's artifacts.
    """

    def __init__(
        self,
        model: bytes | str | Path,
        threads: int = 1,
        providers: Sequence[str] = (_CPU,),
    ) -> None:
        import onnxruntime as ort  # noqa: PLC0415 - only scoring needs it

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        content = model if isinstance(model, bytes) else _read(Path(model))
        # First: onnxruntime reads other files that a model names.
        self.metadata = verified(content)
        is_model = has_model(self.metadata)
        require(is_model, f"holds no model ({self.metadata.get('reason')})")
        self.columns: tuple[str, ...] = tuple(self.metadata["columns"])
        self.outputs: tuple[str, ...] = tuple(self.metadata["outputs"])
        self._session = ort.InferenceSession(content, options, providers=list(providers))
        check_answers(self.score, self.metadata)

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that stand for the artifact's content."""
        return str(self.metadata[VERSION])

    def score(self, matrix: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """Answers by name, one number a row, for a float64 (rows x `columns`) matrix."""
        # Without names onnxruntime looks them up, which takes as long as four operators.
        names = self.outputs
        if len(matrix) <= _CHUNK:
            return dict(zip(names, self._session.run(names, {INPUT: matrix}), strict=True))
        parts = [
            self._session.run(names, {INPUT: matrix[start : start + _CHUNK]})
            for start in range(0, len(matrix), _CHUNK)
        ]
        return {
            name: np.concatenate(pieces)
            for name, pieces in zip(names, zip(*parts, strict=True), strict=True)
        }

    def scored(self, numbers: nw.DataFrame[Any], *kept: str) -> nw.DataFrame[Any]:
        """The kept columns of a table, and every answer beside them.

        Args:
            numbers: A table that has the artifact's numeric columns.
            kept: Names of its columns.
        """
        answers = self.score(self.matrix(numbers)).items()
        series = [nw.new_series(n, a, backend=numbers.implementation) for n, a in answers]
        return numbers.select(*kept).with_columns(*series)

    def matrix(self, numbers: nw.DataFrame[Any]) -> NDArray[np.float64]:
        """The input matrix of a table that has the artifact's numeric columns, null as NaN."""
        return np.ascontiguousarray(numbers.select(*self.columns).to_numpy(), dtype=np.float64)


def _read(path: Path) -> bytes:
    """The file, read no further than needed to see that it is too large."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
