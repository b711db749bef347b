"""Customers as they are sent: drawn for Hypothesis as cells of a file and as the same JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from customer_segmentation.schema.parts import Column
from tests.marketing import COLUMNS, CONTRACT, SCHEMA

AS_OF, ENROLLED_FROM = date(2014, 6, 30), date(2000, 1, 1)
_HEADERS = {column: header for header, column in SCHEMA.aliases.items()}
# All of one format, since a batch reads a column in one; what is sent alone may not be of two.
_DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ")
_OTHER_SPELLINGS = {"second_cycle": ("2n Cycle", "2N_CYCLE"), "single": ("Alone",)}

# A batch of few may be refused for it: its column would be of two formats.
OF_ANOTHER_FORMAT = "2012-13-12"
# Cells that somebody might send, right ones beside wrong ones.
_ODD_NUMBERS = (
    *("", " ", "NA", "null", "nan", "inf", "-Infinity", "1e999", "-1", "-0", "-0.0", "+2", ".5"),
    *("5.", "1e3", "1e-3", "007", "1_000", "1,5", "0x10", "truly", "abc", "1", "2", "1.5", "1e6"),
    *("1000001", "1e12", "1000000000001", "1957", "1913", "1914", "1996", "1997", "1957.5", "2014"),
)
_ODD_DATES = (
    *("", "NA", "31-02-2012", "2012-02-29", "2011-02-29", "2012-09-04", "4/9-2012", "04:09:2012"),
    *("1999-12-31", "2000-01-01", "2014-06-30", "2014-07-01", "2012/9-4", "2012-9-4", "0000-01-01"),
    *(OF_ANOTHER_FORMAT, "2012-09-04T00:00:00", " 2012-09-04 ", "9999-12-31", "0001-01-01"),
)
_ODD_CATEGORIES = (
    *("", "None", "Yolo", "married ", "MARRIED", "2n  cycle", "2n cycle", "Second Cycle", "PhD"),
    *("alone", "basic", "ma rried", "single\t", "\u00a0widow", "marr\u0131ed"),
    *("Unknown", "not stated", "OTHER"),
)
_ODD_KEYS = ("", "  ", "NA", " null ", "None")
_ODD = {
    "number": _ODD_NUMBERS,
    "date": _ODD_DATES,
    "category": _ODD_CATEGORIES,
    "key": _ODD_KEYS,
}


@dataclass(frozen=True)
class SentCustomer:
    """A customer as a cell of text a column, and what the text says as JSON would say it."""

    cells: dict[str, str]
    record: dict[str, Any]


# Every odd cell in every column that it might stand in.
ODD_CELLS = [(column.name, cell) for column in CONTRACT for cell in _ODD[column.kind]]


def sent_customer(seed: int, odd: Iterable[tuple[str, str]] = ()) -> SentCustomer:
    """A customer who keeps the contract, in some spelling, but for the cells that are given."""
    random = Random(seed)  # noqa: S311 - no secret
    cells = {column.name: _cell(column, random) for column in CONTRACT} | dict(odd)
    return SentCustomer(cells, {name: as_json(name, cell) for name, cell in cells.items()})


def sent_customers(maximum: int, odd: int = 0) -> st.SearchStrategy[list[SentCustomer]]:
    """Up to so many customers with keys of their own, each with up to so many odd cells."""
    seeds = st.integers(0, 2**32 - 1)
    taken = [cell for cell in ODD_CELLS if cell[1] != OF_ANOTHER_FORMAT]
    cells = st.lists(st.sampled_from(taken), max_size=odd) if odd else st.just([])
    drawn = st.lists(
        st.tuples(seeds, cells), min_size=1, max_size=maximum, unique_by=lambda s: s[0]
    )
    return drawn.map(lambda sent: [sent_customer(*one) for one in sent])


def as_json(name: str, cell: str) -> Any:
    """A number as a number, everything else as the text that it is."""
    if COLUMNS[name].kind != "number":
        return cell
    text = cell.strip()
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        return cell
    if not math.isfinite(number):
        return cell
    return int(text) if text.isdecimal() else number


def _cell(column: Column, random: Random) -> str:
    if column.kind == "key":
        return str(UUID(int=random.getrandbits(128)))
    if column.kind == "date":
        day = ENROLLED_FROM + timedelta(random.randint(0, (AS_OF - ENROLLED_FROM).days))
        return day.strftime(random.choice(_DATE_FORMATS))
    if column.kind == "category":
        return _spelled(random.choice(column.categories), random.randint(0, 5))
    if column.name == "year_birth":
        return str(AS_OF.year - random.randint(18, 100))
    if not column.whole:
        return repr(random.randint(0, 20_000_000) / 100)
    maximum = 1 if column.maximum == 1.0 else 60
    return random.choice(("{}", "{}.0", " {}", "+{}", "{}e0")).format(random.randint(0, maximum))


def _spelled(word: str, way: int) -> str:
    others = _OTHER_SPELLINGS.get(word, ())
    ways = (word, word.upper(), f" {word.title()} ", word.replace("_", " "), *others)
    return ways[way % len(ways)]


def with_headers(record: dict[str, Any]) -> dict[str, Any]:
    """The record in the names of the published file."""
    return {_HEADERS[name]: value for name, value in record.items()}
