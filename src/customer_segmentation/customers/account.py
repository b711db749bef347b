"""The account of a source, printed at the end of a run: where its rows went and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.schema.file import chosen_schema

Accounting = Mapping[str, Any]

_MAIN_REASONS = 3
_MAX_NAMES = 12
# Share of rows: a customer base has few wrong rows; order lines, or a wrong date, give many.
_A_FEW = 0.01
_SEE_ROWS = "`kedro check FILE --left-out rows.csv` writes these rows with their reasons"
_SET_THE_DAY = "if the file is of another day, set `customers.as_of` to it"
# The newest dates of a file are at most this much older than its snapshot.
_A_YEAR = timedelta(days=366)


def refuse_losses(accounting: Accounting, max_left_out: float) -> None:
    """Stop if so many rows are left out that the results would not describe the customers.

    Args:
        accounting: Where the rows of a source went.
        max_left_out: The largest allowed share of rows that break the contract.

    Raises:
        UserError: No customer is left, or too many rows are left out; names the main reasons
            and the remedy.
    """
    name, rows, left_out = (accounting[key] for key in ("source_name", "rows_in", "quarantined"))
    if accounting["customers"]:
        # Lines of other times are no losses, unless nobody is left.
        left_out -= accounting["outside_window"]
    share = left_out / rows
    shared = accounting["shared_keys"]
    if shared / rows > _A_FEW:
        raise UserError(
            f"{name}: {shared:,} of {rows:,} rows have a customer_id that other rows have with"
            " different values. This looks like order lines, or several exports in one: give each"
            f" customer one row. {_SEE_ROWS}."
        )
    if accounting["customers"] and share <= max_left_out:
        return
    if not accounting["customers"] and not left_out:
        raise UserError(
            f"{name}: none of its {rows:,} rows stands: each takes something back, or a later one "
            f"does. See `events` in {chosen_schema()}."
        )
    remedies = f"Mend the file, or map its headers, formats and spellings in {chosen_schema()}"
    if about_the_day := _about_the_day(accounting):
        remedies += f"; {about_the_day}"
    if accounting["customers"]:
        remedies += "; or raise `preprocessing.max_left_out`, if these rows are not customers"
    reasons = _main_reasons(accounting["reasons"])
    raise UserError(
        f"{name}: {left_out:,} of {rows:,} rows ({percent(share)}) would be left out, and"
        f" `preprocessing.max_left_out` allows {percent(max_left_out)}. Most often for:"
        f" {reasons}. {_SEE_ROWS}."
        f" {'. '.join([remedies, *accounting['warnings']])}."
    )


def account_lines(accounting: Accounting, *, is_whole: bool = False) -> list[str]:
    """The account in lines for a terminal.

    Args:
        accounting: Where the rows of a source went.
        is_whole: Whether to list the columns that were read, too.
    """
    name, rows, kept, left_out, repeats = (
        accounting[key] for key in ("source_name", "rows_in", "customers", "quarantined", "repeats")
    )
    kept_as = f"{kept:,} customers kept ({percent(kept / rows)})"
    if lines := accounting.get("lines"):
        kept_as = f"{lines:,} used as order lines of {kept:,} customers ({percent(lines / rows)})"
    outside = accounting["outside_window"]
    of_them = f" ({outside:,} of them outside the window)" if outside else ""
    told = f"{name}: {rows:,} rows, {kept_as}, {left_out:,} left out{of_them}"
    told += f", {repeats:,} repeats removed"
    if replaced := accounting.get("replaced"):
        told += f", {replaced:,} replaced by a later version"
    if removed := accounting.get("removed"):
        told += f", {removed:,} that take something back"
    lines = [told]
    if left_out:
        lines.append(f"Left out most often for: {_main_reasons(accounting['reasons'])}")
    if lost := accounting["lost_values"]:
        lines.append(f"Kept, with an unusable optional value dropped: {_main_reasons(lost)}")
    lines += _day(accounting) + _columns(accounting, is_whole=is_whole)
    return [*lines, *(f"Warning: {warning}" for warning in accounting["warnings"])]


def _day(accounting: Accounting) -> list[str]:
    as_of, newest, formats = (accounting[k] for k in ("as_of", "newest_dates", "date_formats"))
    day = f"As of {as_of} (customers.as_of)"
    told = (f"newest {column} {last}, read as {formats[column]}" for column, last in newest.items())
    lines = [f"{day}; {', '.join(told)}"]
    if not newest:
        lines = [f"{day}: no date in the file says so; {_SET_THE_DAY}"]
    elif date.fromisoformat(as_of) - date.fromisoformat(max(newest.values())) > _A_YEAR:
        lines = [f"{lines[0]}, more than a year before: {_SET_THE_DAY}"]
    if about_the_day := _about_the_day(accounting):
        lines.append(f"Warning: {about_the_day}")
    return lines


def _columns(accounting: Accounting, *, is_whole: bool) -> list[str]:
    read, ignored, absent = (accounting[k] for k in ("columns", "ignored", "absent"))
    lines = [f"Columns read: {len(read)} of {len(read) + len(ignored)}"]
    if ignored:
        lines[0] += f"; ignored: {listed(ignored)}"
    if absent:
        lines.append(f"Not in the file: {listed(absent)}")
    if accounting["nearest"]:
        lines.append(
            f"If these are the missing columns, add to their headers in {chosen_schema()}: "
            f"{accounting['nearest']}"
        )
    if is_whole:
        width = max(len(column) for column in read)
        lines += [f"  {column:<{width}}  {printable(header)}" for column, header in read.items()]
    return lines


def percent(share: float) -> str:
    """A share in whole percent; never rounded to 0 % or 100 %."""
    if 0.0 < share < 0.01:  # noqa: PLR2004 - 1 %
        return "under 1 %"
    if 0.99 < share < 1.0:  # noqa: PLR2004 - 99 %
        return "over 99 %"
    return f"{share:.0%}".replace("%", " %")


def printable(name: str) -> str:
    """Text from a file without control characters, which could move the cursor of a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in name).strip()


def _main_reasons(reasons: Mapping[str, int]) -> str:
    told = [f"{reason} ({rows:,})" for reason, rows in list(reasons.items())[:_MAIN_REASONS]]
    more = len(reasons) - len(told)
    return "; ".join([*told, f"{more} more"] if more else told)


def _about_the_day(accounting: Accounting) -> str:
    """The rows that another snapshot date might keep, if there are many."""
    reasons = [
        f"{rows:,} rows have {reason}"
        for reason, rows in accounting["reasons"].items()
        if (": age outside " in reason or ": outside " in reason)
        and rows / accounting["rows_in"] > _A_FEW
    ]
    return f"{' and '.join(reasons)}: {_SET_THE_DAY}" if reasons else ""


def listed(names: Iterable[str], maximum: int = _MAX_NAMES) -> str:
    """The first names, as a terminal can show them, and how many more there are."""
    shown = [printable(name) for name in names]
    more = len(shown) - maximum
    return ", ".join(shown[:maximum]) + (f" and {more} more" if more > 0 else "")
