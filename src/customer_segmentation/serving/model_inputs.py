"""The artifact's input matrix from a request of MLflow's scoring protocol.

A body holds the model's numeric inputs, not records: columns by name in any order, one row per
customer. Null or an empty cell is a missing value. Errors say what is wrong and where.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from customer_segmentation.customers.matrix import date_numbers
from customer_segmentation.schema.numbers import NUMBER
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.scoring.metadata import INPUT
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.validation import shown

Matrix = NDArray[np.float64]
# The spelling that batches accept: `float` also takes 1_000 and digits of any script.
_NUMBER = re.compile(NUMBER)
# Text without these has no spelling that only `float` accepts: 1_000, nan, inf.
_ODD = re.compile("[_nN]")
_FORMS = ("dataframe_split", "dataframe_records", "inputs")
_ONE_FORM = "a body is an object with exactly one of " + ", ".join(_FORMS)
# Brackets around the rows: of the body, the form, its columns and its data.
_FRAME = 4
# Marks an absent value: no JSON number is infinite.
_ABSENT = math.inf


class ModelInputs:
    """Reads bodies for one artifact.

    Args:
        metadata: The artifact's.
        max_rows: In one body.
    """

    def __init__(self, metadata: Mapping[str, Any], max_rows: int) -> None:
        self._max_rows = max_rows
        self.columns = tuple(metadata["columns"])
        self._decoder = _decoder(self.columns)
        reading = metadata["customers"]
        self._missing_values = {"", *reading["missing_values"]}
        # The default of absent columns: the artifact's day.
        self._fixed = date_numbers(AS_OF, date.fromisoformat(reading["as_of"]))

    def from_json(self, body: bytes) -> Matrix:
        """(rows x columns) of `dataframe_split`, `dataframe_records` or `inputs`.

        Raises:
            RefusedError: Not JSON, no known form, wrong columns, no numbers, or too many rows.
        """
        # Each row, its index and each column close a bracket. Counting them bounds the memory
        # before records are decoded, each of which takes all columns.
        brackets = body.count(b"]") + body.count(b"}")
        if brackets > 2 * self._max_rows + len(self.columns) + _FRAME:
            raise self._too_many(brackets)
        try:
            decoded = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            message = f"{error}. {_ONE_FORM}, of the model's numbers; a missing one is null"
            raise RefusedError(400, message) from error
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            why = str(error) or "nested too deeply"
            message = f"not JSON ({why}): it has no NaN or Infinity; a missing number is null"
            raise RefusedError(400, message) from error
        forms = [form for form in _FORMS if getattr(decoded, form) is not UNSET]
        if len(forms) != 1:
            raise RefusedError(400, f"{_ONE_FORM}; this one has {' and '.join(forms) or 'none'}")
        form = forms[0]
        sent = getattr(decoded, form)
        if form == "dataframe_split":
            return self._table(sent.columns, sent.data, f"{form}.data")
        if form == "dataframe_records":
            return self._records(sent)
        return self._inputs(sent)

    def from_csv(self, body: bytes) -> Matrix:
        """(rows x columns) of UTF-8 text with a header; empty lines do not count.

        Raises:
            RefusedError: Not UTF-8, not CSV, wrong columns, no numbers, or too many rows.
        """
        try:
            text = body.decode("utf-8-sig")
            lines = csv.reader(text.splitlines(keepends=True), strict=True)
            rows = [row for row in lines if row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise RefusedError(400, f"not CSV in UTF-8: {error}") from error
        if not rows:
            message = f"not CSV: the first line must name the columns {_listed(self.columns)}"
            raise RefusedError(400, message)
        header = [name.strip() for name in rows.pop(0)]
        if len(rows) > self._max_rows:
            raise self._too_many(len(rows))
        is_odd = not text.isascii() or _ODD.search(text.partition("\n")[2])
        values = None if is_odd else _plain(rows)
        return self._table(header, values or self._cells(header, rows), "the CSV")

    def _too_many(self, rows: int) -> RefusedError:
        detail = f"{rows} rows; at most {self._max_rows} per request: use POST /v1/jobs"
        return RefusedError(413, detail)

    def _inputs(self, sent: Any) -> Matrix:  # noqa: ANN401 - classes made at run time
        """The matrix of `inputs`: a matrix, records, or columns by name."""
        if isinstance(sent, list):
            lists = sum(isinstance(row, list) for row in sent)
            if lists and lists < len(sent):
                raise RefusedError(400, "inputs holds lists and objects: give a matrix, or records")
            return self._table(self.columns, sent, "inputs") if lists else self._records(sent)
        given = {n: v for n in self.columns if (v := getattr(sent, n)) is not UNSET}
        if sent.customers is not UNSET:
            if given:
                message = f"inputs has {INPUT} and {_listed(given)}: give the matrix, or columns"
                raise RefusedError(400, message)
            return self._table(self.columns, sent.customers, f"inputs.{INPUT}")
        lengths = {len(values) for values in given.values()}
        if len(lengths) > 1:
            message = f"the columns of inputs are of different lengths: {sorted(lengths)}"
            raise RefusedError(400, message)
        columns = [np.array(values, dtype=np.float64) for values in given.values()]
        return self._arranged(list(given), columns, max(lengths, default=0))

    def _records(self, records: list[Any]) -> Matrix:
        """The matrix of records; a column that no record has counts as absent."""
        rows = [[getattr(record, name) for name in self.columns] for record in records]
        sent = np.array(rows, dtype=np.float64).reshape(len(rows), len(self.columns))
        is_absent = np.isinf(sent)
        sent[is_absent] = np.nan
        given = [i for i in range(len(self.columns)) if not is_absent[:, i].all()]
        return self._arranged(
            [self.columns[i] for i in given], [sent[:, i] for i in given], len(rows)
        )

    def _table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], where: str) -> Matrix:
        width = len(columns)
        if any(len(row) != width for row in rows):
            number, row = next((n, row) for n, row in enumerate(rows) if len(row) != width)
            message = f"{where}: row {number} has {len(row)} values and not {width}, one a column"
            raise RefusedError(400, message)
        sent = np.array(rows, dtype=np.float64).reshape(len(rows), width)
        return self._arranged(columns, sent.T, len(rows))

    def _arranged(self, names: Sequence[str], values: Iterable[Matrix], count: int) -> Matrix:
        """The matrix with its columns in the artifact's order."""
        if count > self._max_rows:
            raise self._too_many(count)
        twice = [name for name, count in Counter(names).items() if count > 1]
        sent, known = set(names), set(self.columns)
        unknown = [name for name in names if name not in known]
        missing = [n for n in self.columns if n not in sent and n not in self._fixed]
        wrong = {"unknown": unknown, "missing": missing, "given twice": twice}
        mistakes = "; ".join(f"{what}: {_listed(which)}" for what, which in wrong.items() if which)
        if mistakes:
            message = f"columns {mistakes}. The model's columns are {_listed(self.columns)}"
            raise RefusedError(400, message)
        matrix = np.empty((count, len(self.columns)))
        given = dict(zip(names, values, strict=True))
        for position, name in enumerate(self.columns):
            matrix[:, position] = given[name] if name in given else self._fixed[name]
        return matrix

    def _cells(self, header: list[str], rows: list[list[str]]) -> list[list[float]]:
        """Numbers of cells in any spelling that batches accept."""
        # Cells repeat: each spelling is read once.
        numbers = {cell: self._number(cell) for cell in set(chain.from_iterable(rows))}
        if wrong := {cell for cell, number in numbers.items() if math.isinf(number)}:
            line, place = next(
                (n, i) for n, row in enumerate(rows) for i, cell in enumerate(row) if cell in wrong
            )
            column = header[place] if place < len(header) else "a column without a name"
            cell = shown(rows[line][place])
            message = f"the CSV: row {line}, {column}: `{cell}` is not a finite number"
            raise RefusedError(400, f"{message}; leave unknown values empty")
        return [list(map(numbers.__getitem__, row)) for row in rows]

    def _number(self, cell: str) -> float:
        text = cell.strip()
        if text in self._missing_values:
            return math.nan
        return float(text) if _NUMBER.fullmatch(text) else _ABSENT


def _plain(rows: list[list[str]]) -> list[list[float]] | None:
    """Numbers of cells that are all plain numbers or empty; else None."""
    try:
        values = [[float(cell or "nan") for cell in row] for row in rows]
    except ValueError:
        return None
    return None if any(math.inf in row or -math.inf in row for row in values) else values


@lru_cache(maxsize=4)
def _decoder(columns: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """The decoder of JSON bodies for these columns; its errors name the place."""
    number = float | None
    row = list[float | None]
    record = _struct("Record", [(name, number, _ABSENT) for name in columns])
    optional = [(name, row | UnsetType, UNSET) for name in columns]
    table = _struct("Columns", [*optional, (INPUT, list[row] | UnsetType, UNSET)])
    index = ("index", list[Any] | UnsetType, UNSET)
    split = _struct("Split", [("columns", list[str]), ("data", list[row]), index])
    forms = (split, list[record], list[row | record] | table)  # type: ignore[valid-type] # made at run time
    body = [(form, kind | UnsetType, UNSET) for form, kind in zip(_FORMS, forms, strict=True)]
    return msgspec.json.Decoder(_struct("Invocation", body))


def _struct(name: str, fields: list[Any]) -> Any:  # noqa: ANN401 - a class made at run time
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, gc=False)


def _listed(names: Any) -> str:  # noqa: ANN401 - anything that gives names
    """A client's names, short enough to be repeated in an error."""
    limit = 40
    first = [f"`{shown(name)}`" for name in islice(names, limit + 1)]
    return ", ".join(first[:limit]) + (", ..." if len(first) > limit else "")
