"""The data dictionary in words: `python -m customer_segmentation.features.dictionary`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from customer_segmentation.customers.contract import CONTRACT, Column
from customer_segmentation.features.decisions import DECISIONS
from customer_segmentation.features.definitions import FEATURES, Feature

_INTRODUCTION = """\
# Data dictionary

Written by `make docs` from the contract (`customers/contract.py`), the features
(`features/definitions.py`) and the decisions (`features/decisions.py`); a test keeps it current.

Money is in the source's monetary units over two years. Ages and tenures are as of the snapshot's
day (`customers.as_of`). A feature with a missing input is missing.
"""


def markdown() -> str:
    """The whole page."""
    columns = [_column(column) for column in CONTRACT]
    features = [_feature(feature, feature.unit) for feature in FEATURES.values()]
    decisions = [_feature(d, ", ".join(d.labels) or d.unit) for d in DECISIONS.values()]
    parts = [
        _INTRODUCTION,
        "## Canonical columns\n",
        _table(["column", "type", "unit", "may hold", "description"], columns),
        "## Features\n",
        _table(["feature", "unit", "made of", "description"], features),
        "## Decisions\n",
        _table(["decision", "answers", "made of", "description"], decisions),
    ]
    return "\n".join(parts)


def _column(column: Column) -> list[str]:
    return [f"`{column.name}`", column.kind, column.unit, _range(column), column.description]


def _range(column: Column) -> str:
    if column.categories:
        return ", ".join(column.categories)
    if column.minimum is None or column.maximum is None:
        return {"key": "any text", "date": "the configured window"}.get(
            column.kind, "the configured ages"
        )
    whole = "whole numbers " if column.whole else ""
    return f"{whole}{column.minimum:g} to {column.maximum:g}"


def _feature(feature: Feature, answers: str) -> list[str]:
    inputs = ", ".join(f"`{name}`" for name in feature.inputs)
    return [f"`{feature.name}`", answers, inputs, feature.description]


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
