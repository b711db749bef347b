"""The bounded sample behind all tables and figures."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from customer_segmentation.pipelines.eda.parameters import EdaParameters
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.coreset import draw_uniform
from customer_segmentation.segmentation.scaling import learn_scaling, treatments


@dataclass(frozen=True)
class EdaSample:
    """Numbers of some of the customers, in an order that does not depend on the table's.

    `rows` counts all customers; `numbers` has a column for each quantity, missing as NaN.
    """

    schema: Schema
    rows: int
    numbers: pd.DataFrame

    @property
    def names(self) -> list[str]:
        """The quantities, in the table's order."""
        return [str(name) for name in self.numbers]

    @property
    def is_drawn(self) -> bool:
        """Whether customers were left out."""
        return len(self.numbers) < self.rows

    @property
    def targets(self) -> tuple[str, ...]:
        """What a marketer wants explained: what is spent, who waits for discounts, who answers."""
        roles = self.schema.roles
        wanted = (roles.spend, roles.deal_share, roles.response)
        return tuple(name for name in wanted if name in self.numbers)

    @property
    def selected(self) -> list[str]:
        """The features that segments are made of, as far as the source has them."""
        return [name for name in self.schema.segment_numbers if name in self.numbers]

    def varies(self, name: str) -> bool:
        """Whether there is more than one value."""
        return bool(self.numbers[name].min() < self.numbers[name].max())

    def stated(self) -> str:
        """Which customers the numbers are of, for a figure's title."""
        if self.is_drawn:
            return f"a sample of {len(self.numbers):,} of {self.rows:,} customers"
        return f"all {self.rows:,} customers"

    def standardised(self, cap_quantile: float) -> NDArray[np.float64]:
        """(rows x features) in the segments' space; no row with a gap, no constant feature."""
        complete = self.numbers[self.selected].dropna()
        varied = [n for n in self.selected if complete[n].min() < complete[n].max()]
        if not varied:
            return np.empty((len(complete), 0))
        treated = treatments(self.schema, cap_quantile)
        table = nw.from_native(complete).lazy()
        scaling = learn_scaling(table, {name: treated[name] for name in varied})
        return scaling.standardised(complete[varied].to_numpy())


def draw_eda_sample(gold_features: IntoFrame, schema: Schema, eda: EdaParameters) -> EdaSample:
    """All customers, or a uniform sample of them by sample key where they are many.

    Two passes over the table.
    """
    table = nw.from_native(gold_features).lazy()
    names = [name for name in table.collect_schema().names() if schema.is_quantity(name)]
    rows = int(table.select(nw.len()).collect().item())
    drawn = draw_uniform(table, rows, eda.sample_rows, eda.seed)
    return EdaSample(schema, rows, pd.DataFrame({name: drawn[name].to_numpy() for name in names}))
