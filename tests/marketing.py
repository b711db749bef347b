"""The default schema, of the published file, which most tests are about."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

from customer_segmentation.customers import matrix
from customer_segmentation.schema import decisions, evaluate
from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.schemas import tables_of

FOLDER = Path(__file__).parents[1] / "conf" / "schemas"
SCHEMA = read_schema(FOLDER / "marketing_campaign.yml")
COLUMNS, FEATURES, DECISIONS = SCHEMA.columns, SCHEMA.features, SCHEMA.decisions
CONTRACT = tuple(COLUMNS.values())
OUTCOMES = frozenset(column.name for column in CONTRACT if column.outcome)
PRODUCTS, CHANNELS, CAMPAIGNS = (
    tuple(SCHEMA.groups[name]) for name in ("product", "channel", "campaign")
)
EDUCATION, MARITAL_STATUS = (COLUMNS[n].categories for n in ("education", "marital_status"))
TABLES = tables_of(SCHEMA)
SPEND, DEALS = SCHEMA.roles.spend, SCHEMA.roles.deals

available_decisions = partial(decisions.available_decisions, SCHEMA)
inputs_of = partial(decisions.inputs_of, SCHEMA)
numeric_expressions = partial(matrix.numeric_expressions, SCHEMA)
on_arrays = partial(evaluate.on_arrays, SCHEMA)
on_frame = partial(evaluate.on_frame, SCHEMA)
scored_columns = partial(decisions.scored_columns, SCHEMA)
unavailable_decisions = partial(decisions.unavailable_decisions, SCHEMA)

available_features = SCHEMA.available_features
canonical_columns = SCHEMA.canonical_columns
describe = SCHEMA.describe
label_of = SCHEMA.label_of
needed_columns = SCHEMA.needed_columns
needed_inputs = SCHEMA.needed_inputs
numeric_columns = SCHEMA.numeric_columns
unit_of = SCHEMA.unit_of
uses_outcome = SCHEMA.uses_outcome

NOTHING = object()
# None within a pattern.
_DOT = r"[.](?![^{]*[}])"


def changed(block: dict[str, Any], *changes: tuple[str, object]) -> dict[str, Any]:
    """A schema's block with other values at some paths; `NOTHING` takes a key away.

    Args:
        block: As a file holds it.
        changes: Such as `("columns.income.kind", "count")`.
    """
    whole = deepcopy(block)
    for path, value in changes:
        *parents, last = re.split(_DOT, path)
        place = whole
        for name in parents:
            place = place[name]
        place[last] = value
        if value is NOTHING:
            del place[last]
    return whole


def with_segment_features(*names: str) -> Schema:
    """The default schema with other features to make segments of."""
    block = changed(SCHEMA.model_dump(mode="json"), ("segment_features", list(names)))
    return Schema.model_validate_json(json.dumps(block))
