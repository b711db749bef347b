"""What each feature is: name, unit, formula, version; from the schema of an artifact."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.schema.formula import Formula
from customer_segmentation.schema.lifetime import described
from customer_segmentation.schema.parts import AS_OF, STANDARDISED
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import VERSION, scaling_of, schema_of

ENTITY = "customer"
FEATURES, MODEL_INPUTS = "customer_features", "customer_model_inputs"
VIEWS = {
    FEATURES: "What is known of a customer, as numbers: the source's columns, and features",
    MODEL_INPUTS: "What the segmenter sees of a customer: features capped and standardised",
}
_DIGITS = 12
_SHOWN = 3


@dataclass(frozen=True)
class FeatureDefinition:
    """One feature.

    Attributes:
        name: Of its column in `gold_feature_table`.
        view: The feature view that it belongs to.
        role: `feature`, `model feature` (behind one of the model's inputs) or `model input`.
        unit: Of its values; `code` for a category.
        description: One sentence.
        formula: How it is computed.
        inputs: The columns of the source that it needs.
        labels: What the codes of a category mean, in their order.
        personal: Whether it is made of personal values.
    """

    name: str
    view: str
    role: str
    unit: str
    description: str
    formula: str
    inputs: tuple[str, ...]
    labels: tuple[str, ...] = ()
    personal: bool = False

    @property
    def meaning(self) -> list[Any]:
        """What may not change without a new version."""
        return [self.name, self.unit, self.formula, list(self.inputs), list(self.labels)]


@dataclass(frozen=True)
class FeatureSet:
    """All features of a schema's customers.

    Attributes:
        version: As the schema states it.
        features: In the order of `gold_feature_table`, which lacks those whose source has no such
            column.
        artifact_version: Of the segmenter whose numbers standardise.
        owner: Who answers for them.
        max_age_days: From how many days on values are called stale.
    """

    version: int
    features: tuple[FeatureDefinition, ...]
    artifact_version: str
    owner: str = ""
    max_age_days: int = 0
    _by_name: Mapping[str, FeatureDefinition] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the features."""
        object.__setattr__(self, "_by_name", {one.name: one for one in self.features})

    def view(self, name: str) -> list[FeatureDefinition]:
        """The features of a view."""
        return [one for one in self.features if one.view == name]

    @property
    def hashes(self) -> dict[str, str]:
        """View -> twelve hexadecimal digits that stand for what its features mean."""
        return {name: _hash([one.meaning for one in self.view(name)]) for name in VIEWS}

    def find(self, name: str) -> FeatureDefinition:
        """A feature by name.

        Raises:
            UserError: There is none; names the nearest.
        """
        if name in self._by_name:
            return self._by_name[name]
        raise no_feature(name, self._by_name)

    def about(self) -> dict[str, Any]:
        """Version and hashes, as a bundle and an online store state them."""
        return {"version": self.version, "hashes": self.hashes}


def feature_set(metadata: Mapping[str, Any]) -> FeatureSet:
    """The features of the customers that a segmenter is for.

    Args:
        metadata: The segmenter's.
    """
    schema, scaling = schema_of(metadata), scaling_of(metadata)
    numbers = zip(scaling.caps, scaling.means, scaling.deviations, strict=True)
    scales = dict(zip(scaling.features, numbers, strict=True))
    names = [*schema.numeric_columns([*schema.columns, AS_OF]), *schema.features]
    found = [_feature(schema, name, is_behind=name in scales) for name in names]
    by_name = {one.name: one for one in found}
    found += _lifetime_features(schema)
    for name, (cap, mean, deviation) in scales.items():
        bounded = f"min({name}, {cap:g})"
        bounded = f"log(1 + {bounded})" if name in scaling.logs else bounded
        text = f"{bounded}, less {mean:g}, over {deviation:g}: what the segmenter sees"
        # The learned numbers are the artifact's, which has a version of its own.
        kind = "log(1 + min(x, cap))" if name in scaling.logs else "min(x, cap)"
        raw = by_name[name]
        found.append(
            FeatureDefinition(
                name + STANDARDISED,
                MODEL_INPUTS,
                "model input",
                "deviations",
                text,
                f"({kind} - mean) / deviation of x = {name} = {raw.formula}",
                raw.inputs,
                personal=raw.personal,
            )
        )
    store = schema.feature_store
    return FeatureSet(
        store.version, tuple(found), metadata[VERSION], store.owner, store.max_age_days
    )


def no_feature(name: str, known: Iterable[str]) -> UserError:
    """The error for a feature that does not exist; names the nearest of those that do."""
    names = list(known)
    near = get_close_matches(name, names, n=_SHOWN)
    # A part of a name is how people ask.
    near += [one for one in names if name and name in one and one not in near]
    all_of_them = "kedro feature list names them"
    hint = f"did you mean {', '.join(near[:_SHOWN])}?" if near else all_of_them
    return UserError(f"there is no feature `{name}`: {hint}")


def conflicts(told: FeatureSet, known: Iterable[Mapping[str, Any]]) -> list[str]:
    """Views that mean something else than before under the same version.

    Args:
        told: What is to be served.
        known: Versions and hashes as `FeatureSet.about` gives them.
    """
    hashes = told.hashes
    return sorted(
        {
            f"{view} version {told.version} is {hashes[view]} here and was {one['hashes'][view]}"
            for one in known
            if one["version"] == told.version
            for view in hashes
            if one["hashes"].get(view, hashes[view]) != hashes[view]
        }
    )


def _feature(schema: Schema, name: str, *, is_behind: bool) -> FeatureDefinition:
    description, unit = schema.describe(name)
    is_feature = name in schema.features
    inputs = schema.needed_columns([name]) if is_feature else schema.canonical_columns([name])
    columns = [schema.columns[one] for one in inputs]
    return FeatureDefinition(
        name,
        FEATURES,
        "model feature" if is_behind else "feature",
        unit,
        description,
        _formula(schema, name),
        inputs or (AS_OF,),
        () if is_feature or not columns else columns[0].categories,
        any(column.personal for column in columns),
    )


def _lifetime_features(schema: Schema) -> list[FeatureDefinition]:
    """What is expected of a customer, where the schema declares purchases."""
    if not schema.orders or not schema.lifetime:
        return []
    rows, lifetime = schema.rows, schema.lifetime
    used = rows.needed_inputs([lifetime.purchase, lifetime.brings])
    texts = [name for name in used if name in rows.columns]
    inputs = dict.fromkeys([schema.time, *rows.canonical_columns(used), *texts])
    told = f"of `{lifetime.purchase}` above 0 and `{lifetime.brings}`, by day, over"
    over = f"{told} {schema.orders.window_days} days"
    return [
        FeatureDefinition(name, FEATURES, "feature", unit, description, f"{how} {over}", (*inputs,))
        for name, (description, unit, how) in described(lifetime, schema.money.unit).items()
    ]


def _formula(schema: Schema, name: str) -> str:
    """How a number comes about; one that is read as it stands is its own name."""
    if feature := schema.features.get(name):
        formula = feature.function
        if not isinstance(formula, Formula):
            return feature.description
        return f"{formula.text}, {formula.at_zero:g} at 0" if formula.at_zero else formula.text
    column = next(iter(schema.canonical_columns([name])), AS_OF)
    if schema.orders and (aggregate := schema.aggregates.get(column)):
        return f"{aggregate.text} over {schema.orders.window_days} days"
    return name


def _hash(meanings: list[Any]) -> str:
    return hashlib.sha256(json.dumps(meanings).encode()).hexdigest()[:_DIGITS]
