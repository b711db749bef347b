"""Rows of a delivery as bytes: the same rows give the same bytes, since a part may be sent twice.

Whoever changes anything here raises `records.FORMAT`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import pyarrow as pa

from customer_segmentation.delivery.records import EMAIL, LEFT, TOLD
from customer_segmentation.schema.parts import KEY

_COLUMNS = (KEY, "campaign", "change", *TOLD)
# A spreadsheet takes a cell that begins like this for a formula. It skips what cannot be seen, and
# knows the full-width and small forms of these signs.
_UNSEEN = (
    r"[\s\x00-\x1f\x7f-\xa0\xad\u115f\u1160\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\ufeff]"
)
_FORMULA = re.compile(rf"{_UNSEEN}*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]")


def as_ndjson(campaign: str, rows: pa.Table) -> bytes:
    """A JSON object a line, without what is empty: of those who left, only who they are."""
    lines = (
        json.dumps({name: value for name, value in row.items() if value}, ensure_ascii=False)
        for row in _told(campaign, rows)
    )
    return "".join(f"{line}\n" for line in lines).encode()


def as_csv(campaign: str, rows: pa.Table) -> bytes:
    """CSV with a header; a cell that a spreadsheet would run begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in _told(campaign, rows):
        writer.writerow({name: _safe(value or "") for name, value in row.items()})
    return text.getvalue().encode()


def unsafe_ids(rows: pa.Table) -> int:
    """How many ids `as_csv` writes with an apostrophe."""
    return sum(_safe(one) != one for one in rows[KEY].to_pylist())


def _told(campaign: str, rows: pa.Table) -> Iterator[dict[str, str]]:
    for row in rows.select([KEY, "change", *TOLD]).to_pylist():
        told = {name: row[name] for name in TOLD if row["change"] != LEFT or name == EMAIL}
        empty = dict.fromkeys(TOLD, "")
        yield {KEY: row[KEY], "campaign": campaign, "change": row["change"], **empty, **told}


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
