"""What an artifact's metadata may state: types, sizes, and what must agree with what.

An artifact carries the schema of its customers, which says what its columns, features and decisions
are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    model_validator,
)

from customer_segmentation.schema.decisions import DECISION_NAMES, INTERMEDIATE
from customer_segmentation.schema.parameters import Parameters, visible
from customer_segmentation.schema.parts import AS_OF, Feature
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.learned import Number, check_learned
from customer_segmentation.scoring.metadata import NO_COLD_START, NO_RESPONSE, P_RESPONSE
from customer_segmentation.segmentation.quantised import MAX_LEVEL

_OWN_OUTPUTS = ["segment", "runner_up", "margin"]
# Components are rounded, so that their products are 0 or 1 but for this.
_ROUNDING = 1e-6
_MAX_WORDS = 5_000
_LONGEST_WORD = 2_000


def _require(is_right: object, otherwise: str) -> None:
    """Raise what pydantic reports with the place of the value."""
    if not is_right:
        raise ValueError(otherwise)


def _once(names: list[str]) -> list[str]:
    _require(len({*names}) == len(names), "it names something twice")
    return names


def _short(schema: object) -> object:
    """Before it is read: what is checked of each word takes time."""
    count = 0
    for word in _words(schema):
        count += 1
        _require(len(word) <= _LONGEST_WORD, f"a word is longer than {_LONGEST_WORD}")
    _require(count <= _MAX_WORDS, f"it holds more than {_MAX_WORDS} words")
    return schema


def _words(value: object) -> Iterator[str]:
    """Every text in what was JSON, keys included."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            left += [*part, *part.values()]
        elif isinstance(part, list):
            left += part


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(visible)]
Reason = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(visible)]
SegmentKey = Annotated[str, Field(pattern=r"^\w{1,100}$")]
Version = Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
Names = Annotated[list[Text], Field(min_length=1, max_length=200), AfterValidator(_once)]
Row = Annotated[list[Number], Field(min_length=1, max_length=200)]
Above0 = Annotated[list[Annotated[Number, Field(gt=0.0)]], Field(min_length=1, max_length=200)]
Matrix = Annotated[list[Row], Field(min_length=1, max_length=200)]
Int8Row = Annotated[
    list[Annotated[int, Field(ge=-MAX_LEVEL, le=MAX_LEVEL)]], Field(min_length=1, max_length=200)
]


class StatedSegment(Parameters):
    """A segment."""

    key: SegmentKey
    name: Text


class Scaled(Parameters):
    """Features, and three numbers each."""

    features: Names
    caps: Row
    means: Row
    deviations: Above0

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        lengths = {len(self.caps), len(self.means), len(self.deviations)}
        _require(lengths == {len(self.features)}, "one number a feature is needed")
        return self


class SpaceScaled(Scaled):
    """The same of the features that segments are made of, with those whose logarithms count."""

    logs: list[Text]

    @model_validator(mode="after")
    def _logs_are_features(self) -> Self:
        _require({*_once(self.logs)} <= {*self.features}, "logs: one is no feature")
        for name, cap, mean in zip(self.features, self.caps, self.means, strict=True):
            _require(name not in self.logs or min(cap, mean) >= 0.0, f"logs: {name} is below 0")
        return self


class Shared(Parameters):
    """What every kind of artifact states."""

    columns: Names
    outputs: Names
    customers: Annotated[Schema, BeforeValidator(_short)]
    provenance: dict[str, Any]
    version: Version

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        numeric = self.customers.numeric_columns([*self.customers.columns, AS_OF])
        _require({*self.columns} <= {*numeric}, "columns: one is not known")
        return self

    def require_columns(self, names: list[str]) -> None:
        """Raise if a column that these features need is absent."""
        needed = self.customers.needed_inputs(names)
        _require({*needed} <= {*self.columns}, "columns: a needed one is missing")

    def require_shape(self, name: str, rows: int, columns: int | None = None) -> None:
        """Raise if a table has not so many rows, or its rows have not all this one length."""
        table: list[list[float]] = getattr(self, name)
        lengths = {len(row) for row in table}
        is_right = len(table) == rows and len(lengths) == 1 and columns in {None, *lengths}
        _require(is_right, f"{name}: it must have {rows} rows of {columns or 'equal'} numbers")


class OfSegments(Shared):
    """What those state that answer with a segment."""

    segments: list[StatedSegment] = Field(min_length=2, max_length=100)

    @model_validator(mode="after")
    def _segments_differ(self) -> Self:
        _once([segment.key for segment in self.segments])
        _once([segment.name for segment in self.segments])
        return self


class StatedSegmenter(OfSegments):
    """A segmenter's metadata."""

    kind: Literal["segmenter"]
    codes: dict[str, list[str]]
    scaling: SpaceScaled
    components: Matrix
    centroids: Matrix
    learned: dict[str, dict[str, Any]]
    left_out: dict[str, Reason]
    usual_spend: list[Number | None] = Field(min_length=2, max_length=2)

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        features, decisions = self.scaling.features, self.outputs[3:]
        defined = self.customers.decisions
        known = [name for name in defined if name in decisions and name not in INTERMEDIATE]
        _require(self.outputs == [*_OWN_OUTPUTS, *known], "outputs: one is not known")
        others = {*DECISION_NAMES} - {*known} - INTERMEDIATE
        _require({*self.left_out} <= others, "left_out: it names an output, or no decision")
        labels = {name: [*defined[name].labels] for name in known if defined[name].labels}
        _require(self.codes == labels, "codes: they do not match the outputs")
        needed = _with_steps(known, defined)
        self.require_columns([*features, *(i for n in needed for i in defined[n].inputs)])
        self.require_shape("components", len(features))
        components = np.array(self.components)
        count = components.shape[1]
        is_base = np.allclose(components.T @ components, np.eye(count), atol=_ROUNDING)
        _require(is_base, "components: they are not orthonormal")
        self.require_shape("centroids", len(self.segments), count)
        check_learned(self.learned, needed, defined)
        return self

    def require_columns(self, names: list[str]) -> None:
        """Raise if a column is absent; a decision that another one uses is not a column."""
        super().require_columns([name for name in names if name not in self.customers.decisions])


class ColdStart(OfSegments):
    """What every kind of cold-start model states."""

    kind: Literal["cold_start"]
    features: Names
    segmenter_version: Version
    metrics: dict[str, Any]

    @model_validator(mode="after")
    def _outputs_are_probabilities(self) -> Self:
        expected = ["segment", *(f"probability_{segment.key}" for segment in self.segments)]
        _require(self.outputs == expected, "outputs: they are not one a segment")
        self.require_columns(self.features)
        return self


class StatedColdStart(ColdStart, Scaled):
    """The metadata of a logistic regression."""

    weights: Matrix
    intercepts: Row

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        self.require_shape("weights", len(self.segments), len(self.features))
        _require(len(self.intercepts) == len(self.segments), "intercepts: not one a segment")
        return self


class StatedLayer(Parameters):
    """A layer of a network with int8 weights."""

    lows: Row
    steps: Above0
    weights: Annotated[list[Int8Row], Field(min_length=1, max_length=200)]
    scales: Above0
    offsets: Row

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        lengths = {len(self.lows), len(self.steps)}
        _require(lengths == {len(self.weights)}, "two numbers an input, and a row of weights")
        lengths = {len(self.scales), len(self.offsets), *map(len, self.weights)}
        _require(len(lengths) == 1, "two numbers an output, and a weight of each input")
        return self


class StatedQuantised(ColdStart):
    """The metadata of a network with int8 weights."""

    layers: list[StatedLayer] = Field(min_length=1, max_length=4)

    @model_validator(mode="after")
    def _layers_fit(self) -> Self:
        given = [len(self.features), *(len(layer.scales) for layer in self.layers)]
        needed = [*(len(layer.lows) for layer in self.layers), len(self.segments)]
        _require(given == needed, "layers: one does not take what the one before it gives")
        return self


class StatedBends(Parameters):
    """Points from which on a feature's effect is another."""

    features: list[Annotated[int, Field(ge=0)]] = Field(max_length=400)
    starts: list[Number] = Field(max_length=400)

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        _require(len(self.features) == len(self.starts), "one point a feature is needed")
        return self


class StatedCalibration(Parameters):
    """Answers on the logarithm of the predicted odds."""

    intercept: Number
    slope: Number
    covariance: Annotated[list[Row], Field(min_length=2, max_length=2)]

    @model_validator(mode="after")
    def _covariance_is_one(self) -> Self:
        matrix = [row for row in self.covariance if len(row) == 2]  # noqa: PLR2004 - of two numbers
        _require(len(matrix) == 2, "covariance: it is no table of 2 x 2")  # noqa: PLR2004 - as above
        (first, one), (other, second) = matrix
        is_right = one == other and min(first, second) >= 0.0 and one * one <= first * second
        _require(is_right, "covariance: no two numbers vary so")
        return self


class StatedResponse(Shared, Scaled):
    """The metadata of a response model."""

    kind: Literal["response"]
    response: Text
    bends: StatedBends
    weights: Annotated[list[Number], Field(min_length=1, max_length=600)]
    intercept: Number
    calibration: StatedCalibration
    segmenter_version: Version
    metrics: dict[str, Any]

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        _require(self.outputs == [P_RESPONSE], f"outputs: it is {P_RESPONSE} alone")
        self.require_columns(self.features)
        _require(self.response == self.customers.roles.response, "response: it has another role")
        is_right = all(map(self.customers.is_known_before, self.features))
        _require(is_right, "features: one is not known before the contact")
        is_right = all(place < len(self.features) for place in self.bends.features)
        _require(is_right, "bends: one is of no feature")
        count = len(self.features) + len(self.bends.features)
        _require(len(self.weights) == count, "weights: not one a feature and bend")
        return self


class StatedNoModel(Parameters):
    """The metadata of the file that is written where there is no model of a kind."""

    kind: Literal["no_cold_start", "no_response"]
    reason: Reason
    segmenter_version: Version
    provenance: dict[str, Any]
    version: Version


def _kind(metadata: Any) -> Any:  # noqa: ANN401 - JSON
    """The kind that metadata state; what a cold-start model learned tells which it is."""
    if not isinstance(metadata, Mapping):
        return None
    return "quantised" if "layers" in metadata else metadata.get("kind")


STATED: TypeAdapter[Any] = TypeAdapter(
    Annotated[
        Annotated[StatedSegmenter, Tag("segmenter")]
        | Annotated[StatedColdStart, Tag("cold_start")]
        | Annotated[StatedQuantised, Tag("quantised")]
        | Annotated[StatedResponse, Tag("response")]
        | Annotated[StatedNoModel, Tag(NO_COLD_START)]
        | Annotated[StatedNoModel, Tag(NO_RESPONSE)],
        Discriminator(_kind),
    ]
)


def _with_steps(decisions: list[str], defined: Mapping[str, Feature]) -> set[str]:
    """The decisions, and those that they use on the way."""
    needed = {*decisions}
    # Whatever a decision uses is defined before it.
    for name in reversed([*defined]):
        if name in needed:
            needed |= {*defined[name].inputs} & defined.keys()
    return needed
