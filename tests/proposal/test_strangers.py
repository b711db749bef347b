"""Files of other trades: each becomes a schema that the product's own rules take."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing.nodes import (
    account_for_rows,
    check_rows,
    quarantine_rows,
    settle_reading,
)
from customer_segmentation.proposal.draft import Proposal, propose_schema
from customer_segmentation.proposal.reading import read_cells
from customer_segmentation.proposal.seen import Corrections
from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.dataset import SourceDataset
from tests.proposal.strangers import ORDER_LINES, STRANGERS, Stranger

FOLDER = "SEGMENTATION_REAL_FOLDER"
AS_OF = "2024-01-31"
A_FEW = 0.03


def proposed(stranger: Stranger, as_of: str = AS_OF) -> Proposal:
    content = Content(stranger.name, lambda: io.BytesIO(stranger.content), stranger.encoding)
    return propose_schema(read_cells([content]), stranger.name, Corrections(as_of=as_of))


def accounted(stranger: Stranger, schema: Schema, folder: Path) -> dict[str, Any]:
    """Where each row goes by the rules of a run."""
    file = folder / stranger.name
    file.write_bytes(stranger.content)
    source = SourceDataset(filepath=str(file), encoding=stranger.encoding)
    bronze = ingest_source(source.load(), schema)
    reading = settle_reading(bronze, schema)
    checked = check_rows(bronze, reading, schema)
    left_out = quarantine_rows(checked, reading, schema)
    return account_for_rows(bronze, checked, left_out, reading, schema)


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda each: each.name)
def test_a_strangers_file_becomes_a_schema_that_reads_it(
    stranger: Stranger, tmp_path: Path
) -> None:
    draft = proposed(stranger)
    schema = Schema.model_validate(yaml.safe_load(draft.text))
    taken_for = {header: draft.kinds[header] for header in stranger.kinds}
    assert taken_for == stranger.kinds
    assert [h for h, kind in draft.kinds.items() if kind == "key"] == [stranger.key] * bool(
        stranger.key
    )
    assert [words for words in stranger.has if words not in draft.text] == []
    shaping = schema.needed_columns(schema.segment_features)
    headers = {column: header for header, column in schema.aliases.items()}
    assert {headers.get(column, column) for column in shaping}.isdisjoint(stranger.never)
    account = accounted(stranger, schema, tmp_path)
    assert account["quarantined"] <= A_FEW * account["rows_in"], account["reasons"]
    assert [why for why in account["lost_values"] if not why.endswith(": missing")] == []


@pytest.mark.parametrize("stranger", ORDER_LINES, ids=lambda each: each.name)
def test_order_lines_become_a_schema_of_their_customers(stranger: Stranger, tmp_path: Path) -> None:
    draft = proposed(stranger)
    assert draft.are_orders
    assert draft.kinds.items() >= {**stranger.kinds, stranger.key: "key"}.items()
    assert [*draft.kinds.values()].count("key") == 1
    assert [words for words in stranger.has if words not in draft.text] == []
    account = accounted(stranger, Schema.model_validate(yaml.safe_load(draft.text)), tmp_path)
    assert (account["quarantined"], account["outside_window"], account["lost_values"]) == (0, 0, {})


def test_the_public_order_lines_are_recognised(tmp_path: Path) -> None:
    file = Path(os.environ.get(FOLDER, "")) / "online_retail_sample.csv"
    if FOLDER not in os.environ or not file.is_file():
        pytest.skip(f"{file.name} is not shipped: set {FOLDER} to its folder")
    sample = Stranger(file.name, file.read_bytes(), "CustomerID", {})
    draft = proposed(sample, "2011-12-09")
    for words in (
        'order_number: {kind: text, headers: ["InvoiceNo"]}',
        'unit_price: {kind: number, headers: ["UnitPrice"]}',
        "window_days: 374",
        "sent_back",
    ):
        assert words in draft.text
    account = accounted(sample, Schema.model_validate(yaml.safe_load(draft.text)), tmp_path)
    # Lines without a customer are all that is left out.
    assert account["reasons"].keys() == {"customer_id: missing"}


@pytest.mark.parametrize("stranger", [*STRANGERS, *ORDER_LINES], ids=lambda each: each.name)
def test_only_what_a_person_knows_is_asked(stranger: Stranger) -> None:
    questions = proposed(stranger, as_of="").questions
    assert len(questions) == len(stranger.asked)
    assert all(words in q for words, q in zip(stranger.asked, questions, strict=True))
