"""What every other feature store takes: one table a view, one row a customer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import (
    FEATURES,
    MODEL_INPUTS,
    FeatureDefinition,
    FeatureSet,
)
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

# A customer's values in a view by column: numbers, null as None, and the artifact's version.
Values = Mapping[str, float | str | None]


@dataclass(frozen=True)
class Written:
    """What a write came to.

    Attributes:
        table: What the store calls the view.
        changed: Customers whose values were written.
        removed: Customers who are not in the snapshot any more, and were taken out.
    """

    table: str
    changed: int
    removed: int


class FeatureTarget(Protocol):
    """A feature store of another product, for the features of one schema.

    Every method raises `UserError` where the store refuses or does not answer.
    """

    name: str

    def create(self) -> None:
        """Make what is not there yet.

        Raises:
            UserError: It is there, under this version with other definitions.
        """

    def write(self, table: IntoFrame, as_of: date) -> list[Written]:
        """Write what differs; repeating it changes nothing.

        Args:
            table: `gold_feature_table` of any engine, of one day.
            as_of: That day.

        Returns:
            One for each view.
        """

    def read(self, customer: str) -> dict[str, Values]:
        """View -> a customer's values there; without the views that do not hold them."""


def publish(named: str, features: FeatureSet, table: IntoFrame, as_of: date) -> list[str]:
    """Write a snapshot of features to another feature store.

    Args:
        named: `sagemaker://PREFIX`, `databricks` or `databricks://CATALOG.SCHEMA`; more of them in
            the modules of this folder.
        features: What the columns mean.
        table: `gold_feature_table` of any engine, of one day.
        as_of: That day.

    Returns:
        What was done, to be printed.

    Raises:
        UserError: There is no such kind, the table has no rows, the store refuses, or it has other
            definitions under the same version.
    """
    target = open_target(named, features)
    customers = nw.from_native(table).lazy().select(nw.len()).collect().item()
    if not customers:
        raise UserError("gold_feature_table holds no customer: there is nothing to publish")
    target.create()
    return [
        f"{target.name}: {one.table}: {customers:,} customers of {as_of}, "
        f"{one.changed:,} written, {one.removed:,} removed"
        for one in target.write(table, as_of)
    ]


def open_target(named: str, features: FeatureSet) -> FeatureTarget:
    """The feature store that a URL names; nothing is connected to yet.

    Raises:
        UserError: There is no such kind.
    """
    from customer_segmentation.feature_store.targets.databricks import (  # noqa: PLC0415 - these two
        DatabricksTarget,
    )
    from customer_segmentation.feature_store.targets.sagemaker import (  # noqa: PLC0415 - use it
        SageMakerTarget,
    )

    kind, _, place = named.partition("://")
    if kind == "sagemaker" and place:
        return SageMakerTarget(named, features)
    if kind == "databricks":
        return DatabricksTarget(place or "gold", features)
    raise UserError(
        f"there is no feature store `{named}` to publish to: give sagemaker://PREFIX, databricks "
        "or databricks://CATALOG.SCHEMA"
    )


def table_name(features: FeatureSet, view: str) -> str:
    """What a view is called in another store: another version is another table."""
    return f"{view}_v{features.version}"


def text_columns(view: str) -> tuple[str, ...]:
    """The columns of a view that are no numbers, beside key and event time."""
    return (ARTIFACT_VERSION,) if view == MODEL_INPUTS else ()


def described(one: FeatureDefinition) -> str:
    """A feature in a sentence that stays true when the segmenter is trained anew."""
    return one.description if one.view == FEATURES else f"What the segmenter sees: {one.formula}"


def plain(text: str) -> str:
    """A text in the characters that a tag of AWS may have."""
    return re.sub(r"[^\w\s.:/=+-]", " ", text).strip()


def require_same(name: str, features: FeatureSet, view: str, found: str | None) -> None:
    """Refuse a table of another store that has other definitions.

    Args:
        name: The table's, with the store's.
        features: What is to be written.
        view: Of these.
        found: The hash of the definitions that the table was made with; None if it says none.

    Raises:
        UserError: It is another than that of the features.
    """
    wanted = features.hashes[view]
    if found != wanted:
        was = f"was made with {found}" if found else "says nothing of what it was made with"
        raise UserError(
            f"{name} {was}, and version {features.version} of the features is {wanted} here. "
            "Others read them by that version: raise `feature_store.version` in the schema"
        )


def names_of(features: FeatureSet, view: str) -> Sequence[str]:
    """The columns of a view with numbers."""
    return [one.name for one in features.view(view)]
