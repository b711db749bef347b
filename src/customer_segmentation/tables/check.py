"""Check a table against its contract, in one pass of aggregates on any engine."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from customer_segmentation.errors import UserError
from customer_segmentation.schema.operations import any_of, indicator
from customer_segmentation.tables.schemas import TableContract, contract_of

SHA256 = "^[0-9a-f]{64}$"
_ROWS = "rows"
_KEYS = "distinct keys"
_BROKEN = "rows that break a promise"


def require_contract(table: str, frame: nw.LazyFrame[Any]) -> None:
    """Refuse a table that breaks its contract, naming every promise that it breaks.

    Args:
        table: Its name in the catalog.
        frame: The rows to be published.

    Raises:
        UserError: A column is absent, or rows break a promise; they are counted.
    """
    if broken := broken_promises(frame, contract_of(table)):
        message = (
            f"{table} breaks its contract: {'; '.join(broken)}. Nothing was saved: what is there "
            "is what was there before. See tables/schemas.py for what the table promises."
        )
        raise UserError(message)


def broken_promises(frame: nw.LazyFrame[Any], contract: TableContract) -> list[str]:
    """Each promise that a table breaks, in words with the number of rows; none if it keeps all."""
    present = frame.collect_schema().names()
    absent = [name for name in (*contract.key, *contract.required) if name not in present]
    return [f"there is no column {', '.join(absent)}"] if absent else _broken(frame, contract)


class ContractValidator:
    """The same as a `validator` of a catalog entry, for datasets of tables held in memory.

    Args:
        table: The table's name in the catalog.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def validate(self, data: Any) -> Any:  # noqa: ANN401 - a table of any engine
        """The table unchanged, once it keeps its contract."""
        require_contract(self._table, nw.from_native(data).lazy())
        return data


def promises(contract: TableContract, present: list[str]) -> dict[str, nw.Expr]:
    """Each promise about single rows, in words -> an expression that is true where it is broken."""
    broken: dict[str, nw.Expr] = {
        f"{name} is missing": nw.col(name).is_null() for name in (*contract.key, *contract.required)
    }
    for column in contract.columns:
        if column.name not in present:
            continue
        value = nw.col(column.name)
        if column.minimum is not None:
            broken[f"{column.name} is below {column.minimum:g}"] = value < column.minimum
        if column.maximum is not None:
            broken[f"{column.name} is above {column.maximum:g}"] = value > column.maximum
        if column.categories:
            known = value.is_in(list(column.categories))
            broken[f"{column.name} is none of its labels"] = ~value.is_null() & ~known
        if column.is_email:
            # On pandas nothing is known of a text that is missing, and its negation is true.
            is_hash = value.fill_null("").str.contains(f"^$|{SHA256}")
            broken[f"{column.name} is no SHA-256"] = ~is_hash
    return broken


def _broken(frame: nw.LazyFrame[Any], contract: TableContract) -> list[str]:
    rules = promises(contract, frame.collect_schema().names())
    key: nw.Expr = (
        nw.col(contract.key[0])
        if len(contract.key) == 1
        # Behind a NUL pandas sees no difference between texts.
        else nw.concat_str(*(nw.col(name).fill_null("") for name in contract.key), separator="\x1f")
    )
    any_broken = any_of(rules.values())
    counts = _counts(
        frame, {_ROWS: nw.len(), _KEYS: key.n_unique(), _BROKEN: indicator(any_broken).sum()}
    )
    broken = []
    if counts[_BROKEN]:
        # A second pass, to say which ones, is needed only now.
        by_rule = _counts(frame, {words: indicator(rule).sum() for words, rule in rules.items()})
        broken = [f"{words} in {rows} rows" for words, rows in by_rule.items() if rows]
    if counts[_KEYS] != counts[_ROWS]:
        names = ", ".join(contract.key)
        broken.append(f"{counts[_ROWS] - counts[_KEYS]} rows share their {names} with another")
    return broken


def _counts(frame: nw.LazyFrame[Any], counted: dict[str, nw.Expr]) -> dict[str, int]:
    # Not every engine takes these words as names of columns.
    named = {f"count_{position}": rule for position, rule in enumerate(counted.values())}
    row = frame.select(**named).collect().row(0)
    return {words: int(nw.to_py_scalar(n) or 0) for words, n in zip(counted, row, strict=True)}
