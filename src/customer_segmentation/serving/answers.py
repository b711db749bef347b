"""Answers for customers: the artifact's numeric outputs put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import repeat
from typing import Annotated, Any, Literal, cast

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType
from numpy.typing import NDArray

from customer_segmentation.schema.decisions import INTERMEDIATE
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import P_RESPONSE, schema_of
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.validation import Problem
from customer_segmentation.tables.schemas import UNSEGMENTED

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


class StoredFeatures(msgspec.Struct, omit_defaults=True, gc=False):
    """Which stored values were scored.

    `age_days` counts from `as_of` to today, UTC; beyond the features' `max_age_days` they are
    stale. `snapshot` and `version` are those of the online store and of the features' definitions.
    `changed` names the columns that the request changed; `unsegmented` says why there is no
    segment.
    """

    as_of: date
    age_days: int
    is_stale: bool
    snapshot: int
    version: int
    changed: list[str] | None = None
    unsegmented: list[Problem] = []


class Answer(msgspec.Struct, omit_defaults=True, gc=False):
    """The answer for one customer; what a model of this kind does not tell is left out.

    An answer that the segmenter in use does not give is null; `/v1/bundle` says why, under
    `left_out`.

    `model` is `segmenter`, or `cold_start` for a customer without purchases. `margin` is 0 halfway
    between two segments and 1 on a centroid. `p_response` is the probability that the customer
    answers a campaign like the last one; it is left out where one of its inputs is not known, or
    the bundle has no response model. The explanation is there where `explain` is true,
    `features` where stored values were scored.
    """

    segment: str
    segment_name: str
    artifact_version: str
    model: Literal["segmenter", "cold_start"]
    customer_id: str | None = None
    runner_up: str | None = None
    margin: float | None = None
    p_response: float | None = None
    probabilities: dict[str, float] | None = None
    explanation: Explanation | None = None
    features: StoredFeatures | None = None


def decided_of(schema: Schema) -> tuple[str, ...]:
    """The decisions beside the segment that an answer tells, given or null."""
    return tuple(name for name in schema.decisions if name not in INTERMEDIATE)


def answer_type(schema: Schema) -> type[Answer]:
    """The answer for a schema's customers: a field for each decision, its label or its number."""
    decisions = [schema.decisions[name] for name in decided_of(schema)]
    # What a label means needs no words.
    return _answer_type(tuple((d.name, "" if d.labels else d.description) for d in decisions))


# One for all bundles that decide the same.
@lru_cache(maxsize=8)
def _answer_type(decisions: tuple[tuple[str, str], ...]) -> type[Answer]:
    made = msgspec.defstruct(
        "Answer",
        [
            (name, Annotated[float | UnsetType | None, Meta(description=said)], UNSET)
            if said
            else (name, str | UnsetType | None, UNSET)
            for name, said in decisions
        ],
        bases=(Answer,),
        namespace={"__doc__": Answer.__doc__},
        omit_defaults=True,
        gc=False,
    )
    return cast("type[Answer]", made)


# Fields of an answer that the batch run does not store.
NOT_STORED = frozenset({"model", "p_response", "probabilities", "explanation", "features"})


class Rejection(msgspec.Struct, gc=False):
    """In the place of an answer: everything that is wrong with the record."""

    errors: list[Problem]


class Predictor:
    """Scores matrices with one artifact and puts the outputs into words.

    Args:
        scorer: Of a segmenter or of a cold-start model.

    Attributes:
        keys: The segments' keys, in the order of their ids.
        width: The number of the artifact's columns.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.width = len(scorer.columns)
        self._kind: str = scorer.metadata["kind"]
        self._answer = answer_type(schema_of(scorer.metadata))
        fields = self._answer.__struct_fields__
        segments = scorer.metadata["segments"]
        self.keys: list[str] = [segment["key"] for segment in segments]
        codes: dict[str, list[str]] = scorer.metadata.get("codes", {})
        codes = codes | {"segment": self.keys, "runner_up": self.keys}
        told = {name: (name, codes.get(name)) for name in scorer.outputs if name in fields}
        told["segment_name"] = "segment", [segment["name"] for segment in segments]
        # Field -> its output, and the words for that output's codes; that for -1 is the last.
        self._fields: dict[str, tuple[str, list[str] | None]] = {
            name: (output, words and [*words, UNSEGMENTED])
            for name, (output, words) in told.items()
        }

    def score(self, matrix: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """The artifact's outputs, for a (customers x the artifact's columns) matrix."""
        return self._scorer.score(matrix)

    def in_words(
        self,
        ids: Sequence[str | None],
        outputs: Mapping[str, NDArray[Any]],
        chances: Iterable[float | None] = repeat(None),
    ) -> list[Answer]:
        """One answer per row.

        Args:
            ids: Of the customers.
            outputs: As of `score`.
            chances: Of an answer to a campaign; None where it is not known.
        """
        columns: dict[str, Iterable[Any]] = {
            "artifact_version": repeat(self._scorer.version),
            "model": repeat(self._kind),
            "customer_id": ids,
            P_RESPONSE: chances,
        }
        for field, (output, words) in self._fields.items():
            values = outputs[output].tolist()
            columns[field] = [words[value] for value in values] if words else values
        if self._kind == "cold_start":
            shares = np.column_stack([outputs[_PROBABILITY + key] for key in self.keys]).tolist()
            columns["probabilities"] = [dict(zip(self.keys, row, strict=True)) for row in shares]
        # A decision that the segmenter does not give is null; a cold-start model gives none.
        untold = repeat(None if self._kind == "segmenter" else UNSET)
        # Positional arguments take a third of the time; the first column ends the iteration.
        fields = self._answer.__struct_fields__
        return list(map(self._answer, *(columns.get(name, untold) for name in fields)))
