"""The made-up customers that an artifact is asked about, of any schema."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from customer_segmentation.schema.evaluate import on_arrays
from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.scoring.probe import made_up
from customer_segmentation.scoring.ranges import are_within, spans
from tests.marketing import FOLDER


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yml")), ids=lambda file: file.stem)
def test_most_keep_the_contract_and_each_number_of_one_is_wrong_in_turn(file: Path) -> None:
    schema = read_schema(file)
    columns = schema.numeric_columns([*schema.columns, AS_OF])
    rows = made_up({"columns": columns, "customers": schema.model_dump(mode="json")})
    right, wrong = rows[:1024], rows[1024:]
    allowed = spans(columns, schema)
    assert are_within(right, columns, allowed).all()
    assert (wrong != right[0]).any(axis=1).all()
    refused = wrong[~are_within(wrong, columns, allowed)]
    changed = (refused != right[0]).any(axis=0)
    assert [name for name, found in zip(columns, changed, strict=True) if not found] == []
    values = on_arrays(
        schema, schema.features, {n: right[None, :, i] for i, n in enumerate(columns)}
    )
    assert all(np.isfinite(found).all() for found in values.values())
