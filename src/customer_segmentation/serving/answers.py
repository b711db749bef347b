"""Answers for customers: the artifact's numeric outputs put into words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, Literal, cast

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from customer_segmentation.schema.decisions import DECISIONS, INTERMEDIATE
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.validation import Problem

_PROBABILITY = "probability_"


class Pull(msgspec.Struct, gc=False):
    """A feature's part in the choice: above 0 it pulls to the segment, below 0 to the other."""

    feature: str
    value: float
    pull: float


class Change(msgspec.Struct, gc=False, rename={"from_": "from"}):
    """One input, changed by this much, gives the other segment."""

    field: str
    from_: float
    to: float
    change: float


class Explanation(msgspec.Struct, omit_defaults=True, gc=False):
    """Why a customer is in a segment, against the runner-up.

    Of one who was answered by the cold-start model only a note.
    """

    against: str | None = None
    pulls: list[Pull] = []
    smallest_change: Change | Literal["none"] | None = None
    note: str | None = None


class Answer(msgspec.Struct, omit_defaults=True, gc=False):
    """The answer for one customer; what a model of this kind does not tell is left out.

    An answer that the segmenter in use does not give is null; `/v1/bundle` says why, under
    `left_out`.

    `model` is `segmenter`, or `cold_start` for a customer without purchases. `margin` is 0 halfway
    between two segments and 1 on a centroid; `likely_to_spend` is a percentile of the base.
    The explanation is there where `explain` is true.
    """

    segment: str
    segment_name: str
    artifact_version: str
    model: Literal["segmenter", "cold_start"]
    customer_id: str | None = None
    runner_up: str | None = None
    margin: float | None = None
    probabilities: dict[str, float] | None = None
    explanation: Explanation | None = None


DECIDED = tuple(name for name in DECISIONS if name not in INTERMEDIATE)
# With a field for each decision: its label, or a number where it has none.
FullAnswer = cast(
    "type[Answer]",
    msgspec.defstruct(
        "Answer",
        [
            (name, (str if DECISIONS[name].labels else float) | UnsetType | None, UNSET)
            for name in DECIDED
        ],
        bases=(Answer,),
        namespace={"__doc__": Answer.__doc__},
        omit_defaults=True,
        gc=False,
    ),
)
_FIELDS = FullAnswer.__struct_fields__
# Fields of an answer that the batch run does not store.
NOT_STORED = frozenset({"model", "probabilities", "explanation"})


class Rejection(msgspec.Struct, gc=False):
    """In the place of an answer: everything that is wrong with the record."""

    errors: list[Problem]


class Predictor:
    """Scores matrices with one artifact and puts the outputs into words."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.width = len(scorer.columns)
        is_segmenter = scorer.metadata["kind"] == "segmenter"
        self.predict = self._segments if is_segmenter else self._cold_starts
        segments = scorer.metadata["segments"]
        self.keys: list[str] = [segment["key"] for segment in segments]
        self.names: list[str] = [segment["name"] for segment in segments]
        codes = scorer.metadata.get("codes", {})
        self._labels: dict[str, list[str] | None] = {
            name: [*codes[name]] if name in codes else None
            for name in scorer.outputs
            if name in _FIELDS and name not in {"segment", "runner_up"}
        }

    def _segments(self, ids: Sequence[str | None], matrix: NDArray[np.float64]) -> list[Answer]:
        """One answer per row, by the segmenter."""
        outputs = self._scorer.score(matrix)
        keys, codes = self.keys, outputs["segment"].tolist()
        columns: dict[str, Iterable[Any]] = {
            "segment": [keys[code] for code in codes],
            "segment_name": [self.names[code] for code in codes],
            "artifact_version": repeat(self._scorer.version),
            "model": repeat("segmenter"),
            "customer_id": ids,
            "runner_up": [keys[code] for code in outputs["runner_up"].tolist()],
        }
        for name, labels in self._labels.items():
            values = outputs[name].tolist()
            columns[name] = [labels[value] for value in values] if labels else values
        # Positional arguments take a third of the time; the first column ends the iteration.
        return list(map(FullAnswer, *(columns.get(name, repeat(None)) for name in _FIELDS)))

    def _cold_starts(self, ids: Sequence[str | None], matrix: NDArray[np.float64]) -> list[Answer]:
        """One answer per row, by the cold-start model."""
        outputs = self._scorer.score(matrix)
        shares = np.column_stack([outputs[_PROBABILITY + key] for key in self.keys]).tolist()
        return [
            FullAnswer(
                self.keys[code],
                self.names[code],
                self._scorer.version,
                "cold_start",
                customer_id,
                probabilities=dict(zip(self.keys, row, strict=True)),
            )
            for code, customer_id, row in zip(outputs["segment"].tolist(), ids, shares, strict=True)
        ]
