"""Whatever the headers and cells: a schema that is read, or one message."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segmentation.errors import UserError
from customer_segmentation.proposal.draft import Proposal, propose_schema
from customer_segmentation.proposal.seen import Corrections
from customer_segmentation.schema.file import checked_schema, merged_schema

ROWS = 12
GIVEN = Corrections(as_of="2024-01-31")
# As the readers give them: one line, no zero byte, no lone surrogate, no space at the ends.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
).map(str.strip)
HEADERS = TEXTS | st.sampled_from(
    [
        *(
            "id",
            "spend",
            "total",
            "spend a",
            "spend b",
            "spend c",
            "period",
            "customer_id",
            "as_of",
        ),
        *("1 visit", "2 visit", "3 visit", "a fee", "b fee", "c fee", "no", "class", "null", "sum"),
        *("Join", "Join year", "join date", "Spend A"),
    ]
)
COLUMNS = st.one_of(
    st.lists(TEXTS | st.just(""), min_size=ROWS, max_size=ROWS),
    st.lists(st.integers(-3, 2000).map(str), min_size=ROWS, max_size=ROWS),
    st.lists(st.floats(0, 1e9).map(str), min_size=ROWS, max_size=ROWS),
    st.lists(st.sampled_from(["yes", "No", "x ", "X", "-", "1"]), min_size=ROWS, max_size=ROWS),
    st.lists(st.dates().map(str), min_size=ROWS, max_size=ROWS),
)
AMOUNTS = (
    pa.array([str(n * n + 1) for n in range(ROWS)]),
    pa.array([str(n % 5) for n in range(ROWS)]),
)


@settings(max_examples=60, deadline=None)
@given(columns=st.dictionaries(HEADERS.filter(bool), COLUMNS, max_size=6))
def test_what_is_proposed_is_a_schema_or_one_message(
    columns: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = pa.table({"amount": AMOUNTS[0], "visits": AMOUNTS[1], **columns})
    try:
        draft = propose_schema(table, "any.csv", GIVEN)
    except UserError as refused:
        assert "stand on several rows" in refused.message  # noqa: PT017 - one of two good ends
    else:
        read_back(draft, tmp_path_factory.getbasetemp() / "any.yml")


def test_no_column_is_named_like_a_value_of_another(tmp_path: Path) -> None:
    letters = [*"ab"] * (ROWS // 2) + ["a"] * (ROWS % 2)
    numbers = [str(0.5 + number) for number in range(ROWS)]
    for headers in (["a a", "a:a:a"], ["a:a:a", "a a"]):
        values = {"a a": letters, "a:a:a": numbers}
        amounts = {"amount": AMOUNTS[0], "visits": AMOUNTS[1]}
        table = pa.table({**amounts, **{header: values[header] for header in headers}})
        draft = propose_schema(table, "any.csv", GIVEN)
        read_back(draft, tmp_path / "any.yml")
        assert "a_a_a_2:" in draft.text or "a_a_2:" in draft.text


def test_more_columns_than_a_schema_holds_are_left_out_and_told(tmp_path: Path) -> None:
    columns = {f"town {n}": [f"t{(row + n) % 11}" for row in range(ROWS)] for n in range(200)}
    amounts = {f"spend {n}": [str((row * n) % 97) for row in range(ROWS)] for n in range(120)}
    draft = propose_schema(pa.table({**columns, **amounts}), "wide.csv", GIVEN)
    read_back(draft, tmp_path / "wide.yml")
    assert "than a schema may have" in draft.text


def read_back(draft: Proposal, file: Path) -> None:
    """Write the proposal, and read it as a run does."""
    file.write_text(draft.text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTATION_SCHEMA", str(file))
        checked_schema(merged_schema(Path("conf"), {}))
