"""The one format of a column of dates: what is chosen, what is refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pytest

from customer_segmentation.customers.date_choice import ChosenFormat, UnclearDatesError, offers
from customer_segmentation.customers.reading import Look, Rows, settle, settle_parts
from customer_segmentation.schema.schema import Schema

DAYS = [date(2013, 1, 1) + timedelta(3 * n) for n in range(60)]
FIRSTS = [date(2013, 1 + n % 12, 1) for n in range(60)]
DEFAULT: list[str] = []


def written(fmt: str, days: list[date] = DAYS) -> list[str]:
    return [day.strftime(fmt) for day in days]


@pytest.fixture(scope="session")
def chosen(customers_block: dict[str, Any]) -> Callable[..., ChosenFormat]:
    """Cells of a column -> its format."""

    def choose(
        cells: list[str],
        engine: Callable[..., Any] = pd.DataFrame,
        formats: list[str] = DEFAULT,
        pivot: int | None = None,
    ) -> ChosenFormat:
        changes = {"date_formats": formats} if formats else {}
        block = customers_block | changes | {"two_digit_years_before": pivot}
        rows = nw.from_native(engine({"Since": cells})).lazy()
        parameters = Schema.model_validate(block)
        return settle(rows, {"enrolled_on": "Since"}, parameters).date_formats["enrolled_on"]

    return choose


@pytest.mark.parametrize(
    "fmt",
    [
        *("%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d"),
        *("%Y%m%d", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y"),
    ],
)
def test_usual_formats_are_told_apart_by_all_cells(
    fmt: str, chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    found = chosen([*written(fmt), "", "NA"], frame_of)
    assert (found.format.text, found.has_time, found.note) == (fmt, False, "")


@pytest.mark.parametrize("time", ["T00:00:00", " 10:30", "T10:30:00.000Z"])
def test_a_column_with_times_is_said_to_have_them(
    time: str, chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    found = chosen([f"{day}{time}" for day in written("%Y-%m-%d")], frame_of)
    assert found.words == "%Y-%m-%d, times dropped"


@pytest.mark.parametrize(("ours", "other"), [("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y")])
@pytest.mark.parametrize("time", ["", " 00:00"])
def test_first_days_of_months_that_two_formats_fit_are_refused_with_the_line_to_add(
    ours: str,
    other: str,
    time: str,
    chosen: Callable[..., ChosenFormat],
    frame_of: Callable[..., Any],
) -> None:
    cells = [cell + time for cell in written(other, FIRSTS)]
    with pytest.raises(UnclearDatesError) as caught:
        chosen(cells, frame_of)
    message = str(caught.value)
    february = f"{cells[1]!r} is 2 January 2013 or 1 February 2013"
    assert f"enrolled_on ('Since') can be read in two ways: {ours} and {other}" in message
    assert february in message
    assert f'`customers.date_formats: ["{other}"]`' in message
    for fmt in (ours, other):
        assert chosen(cells, frame_of, [fmt]).format.text == fmt


def test_days_that_are_the_same_either_way_are_not_refused(
    chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    assert chosen(["3/3/2013", "04/04/2013"], frame_of).format.text == "%d/%m/%Y"


def test_a_format_that_is_not_declared_is_named_where_it_fits_better(
    chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    expected = r'not of the format %d/%m/%Y, which fits .* Add `customers.date_formats: \["%m/%d'
    with pytest.raises(UnclearDatesError, match=expected):
        chosen(written("%m/%d/%Y"), frame_of, ["%d/%m/%Y"])


def test_a_column_of_two_orders_is_refused(
    chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    cells = [*written("%d/%m/%Y"), *written("%m/%d/%Y", DAYS[:6])]
    with pytest.raises(UnclearDatesError, match="of two formats: %d/%m/%Y fits 64 of 66 cells, 2"):
        chosen(cells, frame_of)


def test_a_slip_does_not_stop_a_column_and_is_told(
    chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    found = chosen([*written("%d/%m/%Y") * 4, "01/31/2013"], frame_of)
    assert found.format.text == "%d/%m/%Y"
    assert found.note.startswith("1 of 241 dates of enrolled_on ('Since') are not of the format")
    assert "1 are of another one: a column has one" in found.note


def test_the_format_of_most_cells_is_chosen_where_none_means_another_day(
    chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    found = chosen([*written("%d-%m-%Y"), *written("%Y-%m-%d", DAYS[:20]), "soon"], frame_of)
    assert found.format.text == "%d-%m-%Y"
    assert "21 of 81 dates" in found.note
    assert "20 are of another one" in found.note
    assert "such as 'soon'" in found.note


@pytest.mark.parametrize(
    ("fmt", "line"),
    [
        (
            "%d-%b-%y",
            '`customers.date_formats: ["%d-%b-%y"]` with `customers.two_digit_years_before: 30`',
        ),
        ("%d %m %Y", '`customers.date_formats: ["%d %m %Y"]`'),
        # A day beyond the twelfth tells that the month comes first: no other order is offered.
        (
            "%m/%d/%y",
            'meant as `customers.date_formats: ["%m/%d/%y"]` with',
        ),
    ],
)
def test_the_advice_on_a_column_that_nothing_fits_can_be_followed(
    fmt: str, line: str, chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    found = chosen(written(fmt), frame_of)
    assert line in found.note
    assert " or `customers" not in found.note
    assert chosen(written(fmt), frame_of, [fmt], 30).note == ""


def test_the_days_of_a_spreadsheet_are_offered_and_read_by_declaration(
    chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    cells = [str((day - date(1899, 12, 30)).days) for day in DAYS]
    assert '`customers.date_formats: ["excel"]`' in chosen(cells, frame_of).note
    assert chosen(cells, frame_of, ["excel"]).note == ""


def test_a_column_without_a_cell_has_the_first_format(
    chosen: Callable[..., ChosenFormat], frame_of: Callable[..., Any]
) -> None:
    assert chosen(["", "NA"], frame_of) == chosen([""], frame_of)


def test_two_digits_that_may_mean_three_things_are_offered_as_all_of_them() -> None:
    assert [fmt.text for fmt in offers("08-02-13")] == ["%d-%m-%y", "%m-%d-%y", "%y-%m-%d"]


@pytest.mark.spark
def test_spark_chooses_the_same(chosen: Callable[..., ChosenFormat], spark: Any) -> None:
    def engine(columns: dict[str, list[str]]) -> Any:
        return spark.createDataFrame(pa.table(columns))

    cells = [f"{day} 10:00" for day in written("%m/%d/%Y")] + ["soon", ""]
    assert chosen(cells, engine) == chosen(cells)
    with pytest.raises(UnclearDatesError, match="can be read in two ways"):
        chosen(written("%m/%d/%Y", FIRSTS), engine)


def test_the_parts_of_a_file_show_what_the_whole_shows(
    customer_parameters: Schema, frame_of: Callable[..., Any]
) -> None:
    def read(cells: list[str], size: int) -> ChosenFormat:
        parts = [cells[start : start + size] for start in range(0, len(cells), size)]

        def each(header: str, look: Look) -> list[Rows]:
            return [look(nw.from_native(frame_of({header: part})).lazy()) for part in parts]

        found = settle_parts(each, {"enrolled_on": "Since"}, customer_parameters)
        return found.date_formats["enrolled_on"]

    cells = [*written("%m/%d/%Y"), "", "soon", "1/2/2013 10:00"]
    assert read(cells, 7) == read(cells, len(cells))
    with pytest.raises(UnclearDatesError, match="both fit 60 cells"):
        read(written("%m/%d/%Y", FIRSTS), 7)
