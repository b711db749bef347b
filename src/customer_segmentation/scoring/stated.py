"""What an artifact's metadata may state: types, sizes, and what must agree with what.

An artifact names its columns, features and decisions; this project's code says what these are.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from customer_segmentation.customers.configuration import CustomerParameters, Parameters
from customer_segmentation.customers.contract import AS_OF, COLUMNS, KEY, Kind
from customer_segmentation.customers.matrix import canonical_columns, numeric_columns
from customer_segmentation.features.decisions import DECISIONS, INTERMEDIATE
from customer_segmentation.features.definitions import FEATURES, needed_inputs
from customer_segmentation.scoring.learned import Number, check_learned

_OWN_OUTPUTS = ["segment", "runner_up", "margin"]
_NUMERIC = frozenset(numeric_columns([*COLUMNS, AS_OF]))
# Components are rounded, so that their products are 0 or 1 but for this.
_ROUNDING = 1e-6
_MAX_ALIASES = 1_000
_LONGEST_WORD = 256


def _require(is_right: object, otherwise: str) -> None:
    """Raise what pydantic reports with the place of the value."""
    if not is_right:
        raise ValueError(otherwise)


def _visible(text: str) -> str:
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    is_seen = unseen.isdisjoint(map(unicodedata.category, text))
    _require(is_seen, "it holds characters that cannot be seen")
    return text


def _once(names: list[str]) -> list[str]:
    _require(len({*names}) == len(names), "it names something twice")
    return names


def _short(reading: CustomerParameters) -> CustomerParameters:
    spellings = [word for words in reading.categories.values() for word in words]
    words = [*reading.aliases, *reading.missing_values, *spellings, *reading.date_formats]
    words += [*reading.ignored_signs, *reading.flags, *reading.unknown_categories]
    _require(len(words) <= _MAX_ALIASES, f"it holds more than {_MAX_ALIASES} words")
    _require(max(map(len, words)) <= _LONGEST_WORD, f"a word is longer than {_LONGEST_WORD}")
    return reading


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_visible)]
Reason = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_visible)]
SegmentKey = Annotated[str, Field(pattern=r"^\w{1,100}$")]
Version = Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
Names = Annotated[list[Text], Field(min_length=1, max_length=200), AfterValidator(_once)]
Row = Annotated[list[Number], Field(min_length=1, max_length=200)]
Above0 = Annotated[list[Annotated[Number, Field(gt=0.0)]], Field(min_length=1, max_length=200)]
Matrix = Annotated[list[Row], Field(min_length=1, max_length=200)]


class StatedSegment(Parameters):
    """A segment."""

    key: SegmentKey
    name: Text


class Rule(Parameters):
    """A column of the contract; its kind and its categories are those of this code."""

    name: Text
    kind: Kind
    description: Text
    unit: Annotated[str, Field(max_length=200), AfterValidator(_visible)] = ""
    minimum: Number | None = None
    maximum: Number | None = None
    whole: bool = False
    categories: tuple[Text, ...] = ()
    outcome: bool = False

    @model_validator(mode="after")
    def _is_a_column(self) -> Self:
        column = COLUMNS.get(self.name)
        _require(column and column.kind == self.kind, "no such column, or of another kind")
        _require(column and column.categories == self.categories, "it has other categories")
        minimum, maximum = self.minimum, self.maximum
        _require(
            minimum is None or maximum is None or minimum <= maximum,
            "its minimum is above its maximum",
        )
        return self


class Scaled(Parameters):
    """Features, and three numbers each."""

    features: Names
    caps: Row
    means: Row
    deviations: Above0

    @model_validator(mode="after")
    def _features_are_known(self) -> Self:
        _require({*self.features} <= FEATURES.keys() | _NUMERIC, "a feature is not known")
        lengths = {len(self.caps), len(self.means), len(self.deviations)}
        _require(lengths == {len(self.features)}, "one number a feature is needed")
        return self


class Shared(Parameters):
    """What both kinds of artifact state."""

    columns: Names
    outputs: Names
    segments: list[StatedSegment] = Field(min_length=2, max_length=100)
    contract: list[Rule] = Field(max_length=200)
    customers: Annotated[CustomerParameters, AfterValidator(_short)]
    provenance: dict[str, Any]
    version: Version

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        _once([segment.key for segment in self.segments])
        _once([segment.name for segment in self.segments])
        rules = {rule.name for rule in self.contract}
        _once([rule.name for rule in self.contract])
        _require({*self.columns} <= _NUMERIC, "columns: one is not known")
        # The server reads these of a record, whatever the graph needs.
        needed = {KEY, "enrolled_on", *canonical_columns(self.columns)} - {AS_OF}
        _require(needed <= rules, f"contract: it has no rule for {sorted(needed - rules)}")
        return self

    def require_columns(self, names: list[str]) -> None:
        """Raise if a column that these features need is absent."""
        _require({*needed_inputs(names)} <= {*self.columns}, "columns: a needed one is missing")

    def require_shape(self, name: str, rows: int, columns: int | None = None) -> None:
        """Raise if a table has not so many rows, or its rows have not all this one length."""
        table: list[list[float]] = getattr(self, name)
        lengths = {len(row) for row in table}
        is_right = len(table) == rows and len(lengths) == 1 and columns in {None, *lengths}
        _require(is_right, f"{name}: it must have {rows} rows of {columns or 'equal'} numbers")


class StatedSegmenter(Shared):
    """A segmenter's metadata."""

    kind: Literal["segmenter"]
    codes: dict[str, list[str]]
    scaling: Scaled
    components: Matrix
    centroids: Matrix
    learned: dict[str, dict[str, Any]]
    left_out: dict[str, Reason]
    usual_spend: list[Number | None] = Field(min_length=2, max_length=2)

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        features, decisions = self.scaling.features, self.outputs[3:]
        known = [name for name in DECISIONS if name in decisions and name not in INTERMEDIATE]
        _require(self.outputs == [*_OWN_OUTPUTS, *known], "outputs: one is not known")
        others = {*DECISIONS} - {*known} - INTERMEDIATE
        _require({*self.left_out} <= others, "left_out: it names an output, or no decision")
        labels = {name: [*DECISIONS[name].labels] for name in known if DECISIONS[name].labels}
        _require(self.codes == labels, "codes: they do not match the outputs")
        needed = _with_steps(known)
        self.require_columns([*features, *(i for n in needed for i in DECISIONS[n].inputs)])
        self.require_shape("components", len(features))
        components = np.array(self.components)
        count = components.shape[1]
        is_base = np.allclose(components.T @ components, np.eye(count), atol=_ROUNDING)
        _require(is_base, "components: they are not orthonormal")
        self.require_shape("centroids", len(self.segments), count)
        check_learned(self.learned, needed)
        return self

    def require_columns(self, names: list[str]) -> None:
        """Raise if a column is absent; a decision that another one uses is not a column."""
        super().require_columns([name for name in names if name not in DECISIONS])


class StatedColdStart(Shared, Scaled):
    """A cold-start model's metadata."""

    kind: Literal["cold_start"]
    weights: Matrix
    intercepts: Row
    segmenter_version: Version
    metrics: dict[str, Any]

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        expected = ["segment", *(f"probability_{segment.key}" for segment in self.segments)]
        _require(self.outputs == expected, "outputs: they are not one a segment")
        self.require_columns(self.features)
        self.require_shape("weights", len(self.segments), len(self.features))
        _require(len(self.intercepts) == len(self.segments), "intercepts: not one a segment")
        return self


class StatedNoColdStart(Parameters):
    """The metadata of the file that is written where there is no cold-start model."""

    kind: Literal["no_cold_start"]
    reason: Reason
    segmenter_version: Version
    provenance: dict[str, Any]
    version: Version


STATED: TypeAdapter[Any] = TypeAdapter(
    Annotated[StatedSegmenter | StatedColdStart | StatedNoColdStart, Field(discriminator="kind")]
)


def _with_steps(decisions: list[str]) -> set[str]:
    """The decisions, and those that they use on the way."""
    needed = {*decisions}
    # Whatever a decision uses is defined before it.
    for name in reversed(DECISIONS):
        if name in needed:
            needed |= {*DECISIONS[name].inputs} & DECISIONS.keys()
    return needed
