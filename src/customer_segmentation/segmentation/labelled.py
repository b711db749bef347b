"""Customers that models learn from, and which of what is known of them tells anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.naming import SegmentName

# Of customers who may lack an input; of one that more lack, too few would be left to learn from.
_MAX_MISSING = 0.05


class NothingToLearnError(UserError):
    """Why models of one kind are not learned; the message goes on from "left out:"."""


@dataclass(frozen=True)
class LeftOut:
    """Why there is no validation.

    Attributes:
        reason: In words.
        is_worse_than_none: Whether the model was learned and predicts worse than sizes alone.
    """

    reason: str
    is_worse_than_none: bool = False


@dataclass(frozen=True)
class LabelledCustomers:
    """Customers in the order of their sample keys.

    Attributes:
        schema: Of the artifact whose segments these are.
        names: Numeric canonical columns, then features.
        values: (rows x names), missing as NaN.
        labels: The id of each one's segment.
        segments: By id.
        drawn_from: How many customers the sample was drawn from.
        weights: (rows) how many customers each stands for; None for one each.
        groups: (rows) the same number for rows of one customer; None where each row is another's.
    """

    schema: Schema
    names: tuple[str, ...]
    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    segments: tuple[SegmentName, ...]
    drawn_from: int
    weights: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None

    def columns(self, names: Sequence[str]) -> NDArray[np.float64]:
        """(rows x names)."""
        return self.values[:, [self.names.index(name) for name in names]]

    def of(self, rows: NDArray[np.bool_]) -> LabelledCustomers:
        """The customers of these rows."""
        weights = None if self.weights is None else self.weights[rows]
        groups = None if self.groups is None else self.groups[rows]
        return replace(
            self,
            values=self.values[rows],
            labels=self.labels[rows],
            weights=weights,
            groups=groups,
        )

    def repeats(self) -> NDArray[np.int64]:
        """A number for each row, the same for customers that are equal in all but the key.

        Campaign answers are no input of any model: who differs in them only is a repeat, too.
        """
        if self.groups is not None:
            return np.unique(self.groups, return_inverse=True)[1].astype(np.int64)
        made, schema = self.schema.features, self.schema
        compared = [n for n in self.names if n not in made and not schema.uses_outcome(n)]
        # Infinity is outside the domain: it makes two missing values equal.
        known = np.nan_to_num(self.columns(compared), nan=np.inf)
        return np.unique(known, axis=0, return_inverse=True)[1].astype(np.int64)


def varying(customers: LabelledCustomers, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names that are there and have two different known values at least."""
    present = [name for name in names if name in customers.names]
    columns = customers.columns(present).T
    return tuple(
        name
        for name, values in zip(present, columns, strict=True)
        if len(np.unique(values[~np.isnan(values)])) > 1
    )


def known_inputs(customers: LabelledCustomers, inputs: Sequence[str]) -> tuple[str, ...]:
    """Those that differ between customers, and that most know.

    An input that many customers lack is left out, and not the customers.
    """
    return tuple(
        name
        for name in varying(customers, inputs)
        if np.isnan(customers.columns([name])).mean() <= _MAX_MISSING
    )
