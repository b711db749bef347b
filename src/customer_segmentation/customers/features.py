"""Customers' features, of any engine."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.schema.evaluate import on_frame
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY
from customer_segmentation.schema.schema import Schema


def features_of(customers: nw.LazyFrame[Any], schema: Schema) -> nw.LazyFrame[Any]:
    """Key, `as_of`, `sample_key`, the numeric canonical columns and every feature, as float64.

    Args:
        customers: As in `silver_customers`.
        schema: Of these customers.
    """
    columns = customers.collect_schema().names()
    numbers = numeric_expressions(schema, columns)
    features = schema.available_features(numbers)
    identity = (KEY, AS_OF, SAMPLE_KEY)
    table = on_frame(schema, customers.select(*identity, **numbers), features)
    return table.select(*identity, *numbers, *features)
