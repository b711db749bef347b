"""The customers of a randomised test, as a source with an `experiment` has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from customer_segmentation.campaigns.intervals import Numbers
from customer_segmentation.campaigns.policies import Trial
from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.errors import UserError
from customer_segmentation.schema.declarations import Experiment
from customer_segmentation.schema.file import chosen_schema
from customer_segmentation.schema.parts import KEY, SAMPLE_KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.coreset import uniform_part

# In a half of them, each arm has enough to learn from.
_LEAST_IN_ARM = 100
# Arms further from equal sizes would come by chance once in so many tests.
_BY_CHANCE = 0.001


@dataclass(frozen=True)
class TestedCustomers:
    """A randomised test as it is looked at.

    Attributes:
        tested: Inputs and arms.
        outcomes: Name -> (n,) what came of it.
        rows: Customers of the source.
        incomplete: Customers without an arm or outcome, who are left out.
        is_uneven: Whether the arms differ in size by more than chance explains.
    """

    tested: Trial
    outcomes: dict[str, Numbers]
    rows: int
    incomplete: int
    is_uneven: bool


def draw_tested(
    silver_customers: IntoFrame, schema: Schema, sample_rows: int, seed: int
) -> TestedCustomers:
    """The customers of a test, or a sample of them, in an order that depends on no engine.

    Raises:
        UserError: The schema has no experiment, a column is not there, or an arm has too few.
    """
    experiment = _experiment(schema)
    silver = nw.from_native(silver_customers).lazy()
    present = silver.collect_schema().names()
    if absent := [n for n in (experiment.arm, *experiment.outcomes) if n not in present]:
        raise UserError(
            f"the source has no {', '.join(absent)}, which `experiment` of {chosen_schema()} names"
        )
    inputs = [name for name in present if _is_input(name, schema)]
    columns = numeric_expressions(schema, [*inputs, experiment.arm, *experiment.outcomes])
    rows = int(silver.select(nw.len()).collect().item())
    drawn = uniform_part(silver, rows, sample_rows, seed).select(KEY, SAMPLE_KEY, **columns)
    table = drawn.sort(SAMPLE_KEY, KEY).collect()
    values = {name: table[name].to_numpy().astype(np.float64) for name in columns}
    needed = np.column_stack([values[n] for n in (experiment.arm, *experiment.outcomes)])
    known = ~np.isnan(needed).any(axis=1)
    names, arms = _arms(experiment, schema, values[experiment.arm][known])
    return TestedCustomers(
        Trial(_matrix(values, inputs, schema)[known], arms, names),
        {name: values[name][known] for name in experiment.outcomes},
        rows,
        int((~known).sum()),
        _is_uneven(np.bincount(arms, minlength=len(names))),
    )


def _experiment(schema: Schema) -> Experiment:
    if not schema.experiment:
        raise UserError(
            f"{chosen_schema()} has no `experiment`: uplift is learned from a randomised test "
            "alone. Name its arm, its control and its outcomes there, or set SEGMENTATION_SCHEMA "
            "to a schema that does"
        )
    return schema.experiment


def _is_input(name: str, schema: Schema) -> bool:
    """Whether it was known before the test, and is a number, a flag or a category."""
    column = schema.columns.get(name)
    if not column or column.kind not in {"number", "category"}:
        return False
    return name in schema.known_before or not schema.uses_outcome(name)


def _matrix(values: dict[str, Numbers], inputs: list[str], schema: Schema) -> Numbers:
    """(n x d) inputs, a category as a flag for each of its values."""
    columns = []
    for name in inputs:
        column, found = schema.columns[name], values[name]
        if column.kind == "number":
            columns.append(found)
        else:
            columns += [
                (found == code).astype(np.float64) for code in range(len(column.categories))
            ]
    if not columns:
        raise UserError("nothing but the test is known of customers: there is nothing to target by")
    return np.column_stack(columns)


def _arms(
    experiment: Experiment, schema: Schema, codes: Numbers
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The names of the arms, the control first, and the arm of each customer."""
    categories = schema.columns[experiment.arm].categories
    counts = np.bincount(codes.astype(np.int64), minlength=len(categories))
    there = [name for name, count in zip(categories, counts, strict=True) if count]
    names = (experiment.control, *(name for name in there if name != experiment.control))
    sizes = {name: int(counts[categories.index(name)]) for name in names}
    small = [f"{name} ({size})" for name, size in sizes.items() if size < _LEAST_IN_ARM]
    if small or len(names) == 1:
        raise UserError(
            f"the test has too few customers in {', '.join(small) or 'any other arm'}: at least "
            f"{_LEAST_IN_ARM} in each of two arms are needed to learn and to check"
        )
    number = np.zeros(len(categories), np.int64)
    for place, name in enumerate(names):
        number[categories.index(name)] = place
    return names, number[codes.astype(np.int64)]


def _is_uneven(sizes: NDArray[Any]) -> bool:
    from scipy.stats import chisquare  # noqa: PLC0415 - a second that other commands need not pay

    return bool(chisquare(sizes).pvalue < _BY_CHANCE)
