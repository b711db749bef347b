"""Files as strangers send them: what a check of each says, row by row.

Each case is the sample's first rows written in another way. A check runs the pipelines up to the
choice of k, as `kedro run` does, so that its account is that of a run. Every kind of file and every
usual format of dates: `tests/sources/test_kinds.py` and `tests/customers/test_date_choice.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.runs.project import CHECKOUT, Project

SENT = [
    line.split("\t")
    for line in (CHECKOUT / "data/sample/customers.csv").read_text().splitlines()[:601]
]
HEADERS, ROWS = SENT[0], SENT[1:]
Table = list[list[str]]
Write = Callable[[Path], Path]
Declared = dict[str, Any]


def text(table: Table, separator: str = "\t") -> str:
    return "".join(separator.join(row) + "\r\n" for row in table)


def with_column(header: str, change: Callable[[int, str], str]) -> Table:
    """The table with another cell in each row of one column."""
    place = HEADERS.index(header)
    rows = ([*r[:place], change(n, r[place]), *r[place + 1 :]] for n, r in enumerate(ROWS))
    return [HEADERS, *rows]


def with_dates(form: str, day: int | None = None) -> Table:
    """The table with its dates in a format of `strftime`, or in Excel's serial days."""

    def written(_: int, cell: str) -> str:
        when = datetime.strptime(cell, "%d-%m-%Y")  # noqa: DTZ007 - a day has no time zone
        when = when.replace(day=day) if day else when
        serial = (when.date() - date(1899, 12, 30)).days
        return str(serial) if form == "excel" else when.strftime(form)

    return with_column("Dt_Customer", written)


def without(header: str) -> Table:
    place = HEADERS.index(header)
    return [[*row[:place], *row[place + 1 :]] for row in SENT]


def filled(change: Callable[[str], str]) -> Callable[[int, str], str]:
    return lambda _, cell: change(cell) if cell else cell


def csv(table: Table, separator: str = "\t") -> Write:
    return raw(text(table, separator).encode(), "export.csv")


def raw(content: bytes, name: str) -> Write:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def several(folder: Path) -> Path:
    """A folder of three files of rows, and one that is none."""
    source = folder / "exports"
    source.mkdir()
    parts = {"A.CSV": ROWS[:200], "b.csv": ROWS[200:400], "c.txt": ROWS[400:]}
    for name, rows in parts.items():
        (source / name).write_text(text([HEADERS, *rows]))
    (source / "notes.pdf").write_bytes(b"%PDF-1.7 no rows")
    return source


def one_cell_too_many() -> Table:
    """A decimal comma in one row of a comma file, whose last cell is empty."""
    income = HEADERS.index("Income")
    row = ROWS[10]
    shifted = [*row[:income], row[income], "50", *row[income + 1 : -1], ""]
    return [HEADERS, *ROWS[:10], shifted, *ROWS[11:]]


def order_lines() -> Table:
    """Few customers, each on many rows that differ."""
    return [HEADERS, *([str(number % 40), *row[1:]] for number, row in enumerate(ROWS))]


def two_spellings_of_ids() -> Table:
    again = [[f"{ROWS[0][0]}.0", *ROWS[1][1:]], [f"00{ROWS[2][0]}", *ROWS[3][1:]]]
    return [HEADERS, *ROWS, *again]


class Case(NamedTuple):
    """What was tried, and what a check says of it.

    `declared` changes keys of the schema; `is_kept` tells whether a run would go
    to its end.
    """

    tried: str
    write: Write
    is_kept: bool
    says: Iterable[str]
    declared: Declared = {}  # noqa: RUF012 - never changed


AS_SENT = ("600 rows", "newest enrolled_on 2014-06-2", "segments of")
TWO_DIGITS = {"two_digit_years_before": 30}
COMMA = {"decimal_sign": ","}
GERMAN = COMMA | {"thousands_sign": "."}

KEPT, STOPS = True, False
CASES = (
    Case("the sample as it is", csv(SENT), KEPT, AS_SENT),
    Case(
        "a column that nothing chosen needs, blank in half the rows",
        csv(with_column("Recency", lambda n, cell: cell if n % 2 else "")),
        KEPT,
        ["Kept, with an unusable optional value dropped: recency_days: missing ("],
    ),
    Case(
        "a column that is needed, blank in half the rows",
        csv(with_column("Income", lambda n, cell: cell if n % 2 else "")),
        STOPS,
        ["would be left out", "max_left_out` allows 5 %", "income: missing (30", "Mend the file"],
    ),
    Case("M/D/Y", csv(with_dates("%m/%d/%Y")), KEPT, ["read as %m/%d/%Y"]),
    Case(
        "the first of each month, in an order that nobody can tell",
        csv(with_dates("%m/%d/%Y", day=1)),
        STOPS,
        ["can be read in two ways", '["%d/%m/%Y"]', '["%m/%d/%Y"]', "customers.date_formats"],
    ),
    Case(
        "the same, declared",
        csv(with_dates("%m/%d/%Y", day=1)),
        KEPT,
        ["newest enrolled_on 2014-06-01, read as %m/%d/%Y"],
        {"date_formats": ["%m/%d/%Y"]},
    ),
    Case("Excel's time at midnight", csv(with_dates("%m/%d/%Y 0:00")), KEPT, AS_SENT),
    Case(
        "28-Feb-13, not declared",
        csv(with_dates("%d-%b-%y")),
        KEPT,
        ["enrolled_on: not a date (", '["%d-%b-%y"]', "two_digit_years_before: 30"],
    ),
    Case(
        "28-Feb-13, declared",
        csv(with_dates("%d-%b-%y")),
        KEPT,
        ["read as %d-%b-%y"],
        TWO_DIGITS | {"date_formats": ["%d-%b-%y", "%Y-%m-%d"]},
    ),
    Case(
        "a two-digit year without its century",
        csv(SENT),
        STOPS,
        ["%d-%b-%y", "two_digit_years_before"],
        {"date_formats": ["%d-%b-%y", "%Y-%m-%d"]},
    ),
    Case(
        "Excel's serial days, declared",
        csv(with_dates("excel")),
        KEPT,
        ["read as excel"],
        {"date_formats": ["excel", "%Y-%m-%d"]},
    ),
    Case(
        "a cell too many in one row, whose last is empty",
        csv(one_cell_too_many(), ","),
        STOPS,
        ["export.csv", "line 12", "more cells than the header"],
    ),
    Case(
        "the same empty cell at the end of every row",
        csv([HEADERS, *([*row, ""] for row in ROWS)], ","),
        KEPT,
        AS_SENT,
    ),
    Case(
        "58.138 for fifty-eight thousand",
        csv(with_column("Income", filled(lambda cell: f"{int(cell) / 1000:.3f}"))),
        KEPT,
        ["Warning: ", "three digits in income", "customers.thousands_sign"],
    ),
    Case(
        "the same, declared",
        csv(with_column("Income", filled(lambda cell: f"{int(cell):,}".replace(",", ".")))),
        KEPT,
        AS_SENT,
        GERMAN,
    ),
    Case(
        "decimal commas",
        csv(with_column("Income", filled(lambda cell: f"{cell},50"))),
        STOPS,
        ["income: not a number", "decimal comma", 'customers.decimal_sign: ","'],
    ),
    Case(
        "decimal commas, declared",
        csv(with_column("Income", filled(lambda cell: f"{cell},50"))),
        KEPT,
        AS_SENT,
        COMMA,
    ),
    Case(
        "currencies",
        csv(with_column("Income", filled(lambda cell: f"EUR {cell}"))),
        STOPS,
        ["income: not a number", "customers.ignored_signs"],
    ),
    Case(
        "currencies, declared",
        csv(with_column("Income", filled(lambda cell: f"EUR {cell}"))),
        KEPT,
        AS_SENT,
        {"ignored_signs": ["EUR", " "]},
    ),
    Case(
        "order lines",
        csv(order_lines()),
        STOPS,
        ["600 of 600 rows have a customer_id that other rows have", "looks like order lines"],
    ),
    Case(
        "a folder of files with all sorts of names",
        several,
        KEPT,
        ["A.CSV (200 rows)", "b.csv (200 rows)", "c.txt (200 rows)", "notes.pdf was not read"],
    ),
    Case(
        "ids that a spreadsheet wrote in two ways",
        csv(two_spellings_of_ids()),
        KEPT,
        ["602 rows", f"'{ROWS[0][0]}.0'", f"'00{ROWS[2][0]}'", "kept as separate customers"],
    ),
    Case(
        "no column of dates",
        csv(without("Dt_Customer")),
        KEPT,
        [
            "As of 2014-06-30 (customers.as_of): no date in the file says so",
            "set `customers.as_of`",
        ],
    ),
    Case(
        "birth years of ten years later",
        csv(with_column("Year_Birth", lambda _, cell: str(int(cell) + 12))),
        STOPS,
        ["rows have year_birth: age outside 18 to 100", "set `customers.as_of` to it"],
    ),
    Case("one row", csv(SENT[:2]), STOPS, ["too few for 3 segments", "Give at least 9"]),
    Case("four rows", csv(SENT[:5]), STOPS, ["too few for 3 segments", "Give at least 9"]),
    Case("twelve rows", csv(SENT[:13]), KEPT, ["12 rows", "segments of 12 customers"]),
    Case(
        "an old workbook",
        raw(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512), "export.xls"),
        STOPS,
        ["an old Excel workbook", "Save it as .xlsx or CSV"],
    ),
    Case(
        "text of Windows",
        raw(text(SENT).replace("PhD", "Doctör").encode("cp1252"), "export.csv"),
        STOPS,
        ["line 2 is not UTF-8 text", "SEGMENTATION_ENCODING"],
    ),
    Case(
        "headers in capitals and with spaces",
        csv([[header.upper().replace("_", " ") for header in HEADERS], *ROWS]),
        STOPS,
        ['year_birth: "YEAR BIRTH"', 'income: "INCOME"', "conf/schemas/marketing_campaign.yml"],
    ),
    Case(
        "Yes and No",
        csv(with_column("Response", lambda _, cell: {"1": "Yes", "0": "No"}[cell])),
        KEPT,
        AS_SENT,
    ),
    Case(
        "a category that is unknown",
        csv(with_column("Education", lambda n, cell: cell if n % 2 else "Unknown")),
        KEPT,
        ["education: missing (", *AS_SENT],
    ),
)


@pytest.mark.parametrize("case", CASES, ids=[case.tried for case in CASES])
def test_a_foreign_file_is_read_told_or_refused(
    new_project: Project, tmp_path: Path, case: Case
) -> None:
    new_project.declare(case.declared)
    new_project.make_quick()
    before = new_project.files()
    result = new_project.kedro("check", str(case.write(tmp_path)))
    assert "Traceback" not in result.output
    assert (result.exit_code == 0) is case.is_kept, result.output
    assert [words for words in case.says if words not in result.output] == [], result.output
    assert new_project.files() == before
