"""One customer as they may stand in tables, texts and logs, and how they are told from numbers."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.customers.quarantine import ROW_NUMBER
from customer_segmentation.customers.rules import CANONICAL
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema

ERASED = b"[erased]"
# Nothing but a number: elsewhere the same digits are an amount, a count or a year.
_NUMBER = re.compile(r"[\d.,+-]+")
FRACTION = r"\.0+$"
# How many characters of a text Delta keeps as a least or greatest value, and a report shows.
_KEPT, _WIDEST = 32, 40
# In pictures and models, a shorter text comes about by chance.
_LEAST_IN_BYTES = 6


@dataclass(frozen=True)
class Sought:
    """A customer by id.

    Attributes:
        id: As the table of customers has it.
        columns: The names of columns that hold ids.
        from_float: Whether an id such as 12345.0 is 12345.
        from_row: Whether customers are known by the numbers of their rows.
    """

    id: str
    columns: frozenset[str]
    from_float: bool = False
    from_row: bool = False

    @classmethod
    def of(cls, customer: str, schema: Schema) -> Sought:
        """The customer of this id, in files and tables of a schema."""
        headers = {h for each in (schema, schema.rows) for h, c in each.aliases.items() if c == KEY}
        named = {KEY, f"{CANONICAL}{KEY}", *headers, *(f"sent_{header}" for header in headers)}
        rule = schema.rows.column_rules[KEY]
        # As Delta's tables have them.
        columns = frozenset(named | {quote(name) for name in named})
        return cls(customer.strip(), columns, rule.from_float, rule.from_row)

    @property
    def is_number(self) -> bool:
        """Whether the id is digits alone, and so only sought where a customer is named."""
        return _NUMBER.fullmatch(self.id) is not None

    def keys(self, names: Iterable[str]) -> list[str]:
        """The columns of a table that hold ids."""
        present = list(names)
        found = [name for name in present if name.strip() in self.columns]
        return found or ([ROW_NUMBER] if self.from_row and ROW_NUMBER in present else [])

    def rows(self, table: pa.Table) -> pa.ChunkedArray | None:
        """Which rows are theirs; None for a table without ids."""
        found = None
        for name in self.keys(table.column_names):
            text = pc.utf8_trim_whitespace(table[name].cast(pa.large_string()))
            if self.from_float or pa.types.is_floating(table[name].type):
                text = pc.replace_substring_regex(text, pattern=FRACTION, replacement="")
            theirs = pc.fill_null(pc.equal(text, self.id), fill_value=False)
            found = theirs if found is None else pc.or_(found, theirs)
        return found

    def has(self, cell: str) -> bool:
        """Whether a cell of a column of ids is theirs."""
        text = cell.strip()
        return (re.sub(FRACTION, "", text) if self.from_float else text) == self.id

    def mentions(self, column: pa.ChunkedArray) -> int:
        """How many cells of another column of text name them; a number is none."""
        if self.is_number:
            return 0
        pattern = rf"(^|\W){re.escape(self.id)}($|\W)"
        return pc.sum(pc.match_substring_regex(column, pattern)).as_py() or 0

    def in_text(self, content: bytes) -> int:
        """How often a text names them."""
        return len(self._text.findall(content))

    def in_bytes(self, content: bytes) -> int:
        """How often other bytes, such as a model's, do."""
        if self.is_number or len(self.id) >= _LEAST_IN_BYTES:
            return self.in_text(content)
        return len(self._named.findall(content))

    def redacted(self, content: bytes) -> bytes:
        """The text with `[erased]` in place of the id."""
        return self._text.sub(ERASED, content)

    def in_log(self, value: Any, column: str = "") -> int:  # noqa: ANN401 - any value of JSON
        """How often a log of Delta's holds them: statistics of files, and predicates.

        Args:
            value: A value of the log, with everything in it.
            column: The key that it stands under.
        """
        if isinstance(value, Mapping):
            return sum(self.in_log(each, str(key)) for key, each in value.items())
        if not isinstance(value, str):
            parts = value if isinstance(value, list) else ()
            return sum(self.in_log(each, column) for each in parts)
        if column in self.columns:
            text = value.strip()
            is_cut = len(self.id) > _KEPT and text[:_KEPT] == self.id[:_KEPT]
            return int(self.has(text) or is_cut)
        if column == "predicate":
            return len(re.findall(rf"(?<!\w){re.escape(self.id)}(?!\w)", value))
        # The statistics of a file are JSON within JSON.
        return self.in_log(_parsed(value)) if value.startswith("{") else 0

    @cached_property
    def _named(self) -> re.Pattern[bytes]:
        """Where reports and accounts name a customer: `customer 7 (`, `such as '7' and '07'`."""
        quotes = (rb"'", rb"&#39;")
        around = [
            (rb"customer ", rb" \("),
            (rb"such as ", rb" \("),
            *((rb"such as " + quote, quote) for quote in quotes),
            *((rb", " + quote, quote + rb" and ") for quote in quotes),
            *((rb" and " + quote, quote + rb"[,:]") for quote in quotes),
            (rb'"%s": "' % KEY.encode(), rb'"'),
        ]
        ways = (rb"(?<=%s)%s(?=%s)" % (before, self._spelt, after) for before, after in around)
        return re.compile(b"|".join(ways))

    @cached_property
    def _text(self) -> re.Pattern[bytes]:
        if self.is_number:
            return self._named
        return re.compile(rb"(?<!\w)%s(?!\w)" % self._spelt)

    @cached_property
    def _spelt(self) -> bytes:
        """Each way in which HTML, JSON and the lines of a report write the id."""
        cut = f"{self.id[: _WIDEST - 3]}..." if len(self.id) > _WIDEST else self.id
        ways = {self.id, cut, html.escape(self.id), json.dumps(self.id)[1:-1]}
        return b"(?:%s)" % b"|".join(re.escape(way.encode()) for way in sorted(ways))


def _parsed(text: str) -> Any:  # noqa: ANN401 - any value of JSON
    try:
        return json.loads(text)
    except ValueError:
        return None
