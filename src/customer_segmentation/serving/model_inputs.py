"""The artifact's input matrix from a body of MLflow's scoring protocol.

A body holds the model's own numbers, not records: columns by name in any order, one row a customer.
Null, or an empty cell, is missing. A wrong body is refused with what is wrong and where.
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

from customer_segmentation.customers.contract import AS_OF
from customer_segmentation.customers.matrix import date_numbers
from customer_segmentation.customers.numbers import NUMBER
from customer_segmentation.scoring.metadata import INPUT
from customer_segmentation.serving.contract import shown

Matrix = NDArray[np.float64]
# As batches read one: Python's `float` would take 1_000 and the digits of any script.
_NUMBER = re.compile(NUMBER)
# Cells without these (1_000, nan, inf) hold nothing that `float` alone would take.
_ODD = re.compile("[_nN]")
_FORMS = ("dataframe_split", "dataframe_records", "inputs")
_ONE_FORM = "a body is an object with exactly one of " + ", ".join(_FORMS)
# Brackets around the rows: at most the body's, the form's, and those of its columns and data.
_FRAME = 4
# No number of a JSON body is infinite.
_ABSENT = math.inf


class WrongInputError(ValueError):
    """A body that is no input of the model; the message tells its sender why."""


class TooManyRowsError(ValueError):
    """A body of more rows than are answered at once; the message tells its sender so."""


class ModelInputs:
    """Reads bodies for one artifact.

    Args:
        metadata: The artifact's: its columns, its day, and how it spells a missing value.
        most: Rows that a body may have.
    """

    def __init__(self, metadata: Mapping[str, Any], most: int) -> None:
        self._most = most
        self.columns = tuple(metadata["columns"])
        self._decoder = _decoder(self.columns)
        reading = metadata["customers"]
        self._missing_values = {"", *reading["missing_values"]}
        # Left out, they are of the artifact's day.
        self._fixed = date_numbers(AS_OF, date.fromisoformat(reading["as_of"]))

    def from_json(self, body: bytes) -> Matrix:
        """(rows x columns) of `dataframe_split`, `dataframe_records` or `inputs`.

        Raises:
            WrongInputError: No JSON, another form, other columns, or what is no number.
            TooManyRowsError: It has more rows than are answered at once.
        """
        # A row closes a bracket, and so may its index and each column: they are counted before each
        # row becomes one with all columns.
        brackets = body.count(b"]") + body.count(b"}")
        if brackets > 2 * self._most + len(self.columns) + _FRAME:
            raise self._too_many(brackets)
        try:
            decoded = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            message = f"{error}. {_ONE_FORM}, of the model's numbers; a missing one is null"
            raise WrongInputError(message) from error
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            why = str(error) or "nested too deeply"
            message = f"no JSON ({why}): NaN and Infinity are not of it, a missing number is null"
            raise WrongInputError(message) from error
        forms = [form for form in _FORMS if getattr(decoded, form) is not UNSET]
        if len(forms) != 1:
            message = f"{_ONE_FORM}; this one has {' and '.join(forms) or 'none'}"
            raise WrongInputError(message)
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
            WrongInputError: No such text, other columns, or what is no number.
            TooManyRowsError: As `from_json`.
        """
        try:
            text = body.decode("utf-8-sig")
            lines = csv.reader(text.splitlines(keepends=True), strict=True)
            rows = [row for row in lines if row]
        except (UnicodeDecodeError, csv.Error) as error:
            message = f"no CSV in UTF-8: {error}"
            raise WrongInputError(message) from error
        if not rows:
            message = f"no CSV: the first line names the columns {_listed(self.columns)}"
            raise WrongInputError(message)
        header = [name.strip() for name in rows.pop(0)]
        if len(rows) > self._most:
            raise self._too_many(len(rows))
        is_odd = not text.isascii() or _ODD.search(text.partition("\n")[2])
        values = None if is_odd else _plain(rows)
        return self._table(header, values or self._cells(header, rows), "the CSV")

    def _too_many(self, rows: int) -> TooManyRowsError:
        return TooManyRowsError(f"{rows} rows; at most {self._most} a request: use POST /v1/jobs")

    def _inputs(self, sent: Any) -> Matrix:  # noqa: ANN401 - classes made at run time
        """A matrix, records, or columns by name: what `inputs` may hold."""
        if isinstance(sent, list):
            lists = sum(isinstance(row, list) for row in sent)
            if lists and lists < len(sent):
                message = "inputs holds lists and objects: give a matrix, or records"
                raise WrongInputError(message)
            return self._table(self.columns, sent, "inputs") if lists else self._records(sent)
        given = {name: getattr(sent, name) for name in self.columns}
        given = {name: values for name, values in given.items() if values is not UNSET}
        if sent.customers is not UNSET:
            if given:
                message = f"inputs has {INPUT} and {_listed(given)}: give the matrix, or columns"
                raise WrongInputError(message)
            return self._table(self.columns, sent.customers, f"inputs.{INPUT}")
        lengths = {len(values) for values in given.values()}
        if len(lengths) > 1:
            message = f"the columns of inputs are of different lengths: {sorted(lengths)}"
            raise WrongInputError(message)
        columns = [np.array(values, dtype=np.float64) for values in given.values()]
        return self._arranged(list(given), columns, max(lengths, default=0))

    def _records(self, records: list[Any]) -> Matrix:
        """A column that no record has is left out; one that some have is missing in the others."""
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
            raise WrongInputError(message)
        sent = np.array(rows, dtype=np.float64).reshape(len(rows), width)
        return self._arranged(columns, sent.T, len(rows))

    def _arranged(self, names: Sequence[str], values: Iterable[Matrix], count: int) -> Matrix:
        """The columns in the artifact's order."""
        if count > self._most:
            raise self._too_many(count)
        twice = [name for name, count in Counter(names).items() if count > 1]
        sent, known = set(names), set(self.columns)
        unknown = [name for name in names if name not in known]
        missing = [n for n in self.columns if n not in sent and n not in self._fixed]
        wrong = {"unknown": unknown, "missing": missing, "given twice": twice}
        found = "; ".join(f"{what}: {_listed(which)}" for what, which in wrong.items() if which)
        if found:
            message = f"columns {found}. The model's columns are {_listed(self.columns)}"
            raise WrongInputError(message)
        matrix = np.empty((count, len(self.columns)))
        given = dict(zip(names, values, strict=True))
        for position, name in enumerate(self.columns):
            matrix[:, position] = given[name] if name in given else self._fixed[name]
        return matrix

    def _cells(self, header: list[str], rows: list[list[str]]) -> list[list[float]]:
        """Numbers of cells in any spelling that a batch takes."""
        # Cells are alike: each spelling is read once.
        numbers = {cell: self._number(cell) for cell in set(chain.from_iterable(rows))}
        if wrong := {cell for cell, number in numbers.items() if math.isinf(number)}:
            self._tell(wrong, header, rows)
        return [list(map(numbers.__getitem__, row)) for row in rows]

    def _number(self, cell: str) -> float:
        text = cell.strip()
        if text in self._missing_values:
            return math.nan
        return float(text) if _NUMBER.fullmatch(text) else _ABSENT

    @staticmethod
    def _tell(wrong: set[str], header: list[str], rows: list[list[str]]) -> None:
        """Name the first cell that is no number."""
        line, place = next(
            (n, i) for n, row in enumerate(rows) for i, cell in enumerate(row) if cell in wrong
        )
        column = header[place] if place < len(header) else "a column without a name"
        cell = shown(rows[line][place])
        message = (
            f"the CSV: row {line}, {column}: `{cell}` is no finite number; leave unknown empty"
        )
        raise WrongInputError(message)


def _plain(rows: list[list[str]]) -> list[list[float]] | None:
    """Numbers of cells that are plain numbers or empty; None where any is something else."""
    try:
        values = [[float(cell or "nan") for cell in row] for row in rows]
    except ValueError:
        return None
    return None if any(math.inf in row or -math.inf in row for row in values) else values


@lru_cache(maxsize=4)
def _decoder(columns: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Of bodies in JSON, for these columns; its errors name the place."""
    number = float | None
    row = list[float | None]
    record = _struct("Record", [(name, number, _ABSENT) for name in columns])
    optional = [(name, row | UnsetType, UNSET) for name in columns]
    table = _struct("Columns", [*optional, (INPUT, list[row] | UnsetType, UNSET)])
    index = ("index", list[Any] | UnsetType, UNSET)
    split = _struct("Split", [("columns", list[str]), ("data", list[row]), index])
    forms = (split, list[record], list[row | record] | table)  # type: ignore[valid-type] # made here
    body = [(form, kind | UnsetType, UNSET) for form, kind in zip(_FORMS, forms, strict=True)]
    return msgspec.json.Decoder(_struct("Invocation", body))


def _struct(name: str, fields: list[Any]) -> Any:  # noqa: ANN401 - a class made at run time
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, gc=False)


def _listed(names: Any) -> str:  # noqa: ANN401 - anything that gives names
    """Names that a client sent, short enough to be said again."""
    most = 40
    first = [f"`{shown(name)}`" for name in islice(names, most + 1)]
    return ", ".join(first[:most]) + (", ..." if len(first) > most else "")
