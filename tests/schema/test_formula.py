"""Formulas: what each part means, alike on every engine, and what is refused.

Each formula is held against Python's own arithmetic of one row, with None for missing.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import ndonnx as ndx
import numpy as np
import onnxruntime as ort
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from spox import Tensor, argument, build

from customer_segmentation.customers.matrix import date_numbers
from customer_segmentation.schema.formula import Formula, FormulaError, Known, parse
from customer_segmentation.schema.parts import Column

Number = float | None
Row = dict[str, Number]
Numbers = NDArray[np.float64]
Interpreter = Callable[[Formula, list[Row]], Numbers]

# `a` and `b` are never negative, `x` and `y` may be.
KNOWN: dict[str, Known] = {
    **{name: Column(name, "number", "", minimum=0.0, meaning="money") for name in "ab"},
    **{name: Column(name, "number", "") for name in "xy"},
    "area": Column("area", "category", "", categories=("town", "country", "third")),
    "as_of": Column("as_of", "date", ""),
    "joined_on": Column("joined_on", "date", ""),
    "customer_id": Column("customer_id", "key", ""),
}
# Below it a divisor counts as 0.
NOTHING = 1e-6


def read(text: str, at_zero: float = 0.0) -> Formula:
    return parse(text, KNOWN, at_zero)


def in_numpy(formula: Formula, rows: list[Row]) -> Numbers:
    arrays = {
        name: np.array([[np.nan if row[name] is None else row[name] for row in rows]])
        for name in formula.inputs
    }
    found: Numbers = formula.compute(arrays)[0]
    return found


def on_table(engine: Callable[..., Any], **types: Any) -> Interpreter:
    def compute(formula: Formula, rows: list[Row]) -> Numbers:
        columns = {name: [row[name] for row in rows] for name in formula.inputs}
        table = nw.from_native(engine(columns, **types)).lazy()
        value = formula(*(nw.col(name) for name in formula.inputs)).cast(nw.Float64)
        found = table.select(value=value).collect()["value"]
        return found.to_numpy().astype(np.float64)

    return compute


def in_graph(formula: Formula, rows: list[Row]) -> Numbers:
    given_ = {name: argument(Tensor(np.float64, (1, "N"))) for name in formula.inputs}
    value = formula(*(ndx.asarray(each) for each in given_.values()))
    model = build(given_, {"value": value.unwrap_spox()})
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    arrays = {
        name: np.array([[np.nan if row[name] is None else row[name] for row in rows]])
        for name in formula.inputs
    }
    (found,) = session.run(None, arrays)
    return found[0]


EVERYWHERE: dict[str, Interpreter] = {
    "NumPy": in_numpy,
    "pandas": on_table(pd.DataFrame, dtype="float64"),
    "Polars": on_table(pl.DataFrame, schema_overrides=dict.fromkeys("abxy", pl.Float64)),
    "graph": in_graph,
}


@pytest.fixture(params=EVERYWHERE.values(), ids=EVERYWHERE)
def compute(request: pytest.FixtureRequest) -> Callable[..., list[Number]]:
    """A formula and columns of numbers -> its values."""

    def values(text: str, at_zero: float = 0.0, **columns: Sequence[Number]) -> list[Number]:
        # A number at the end gives a column that is missing otherwise its type.
        count = len(next(iter(columns.values())))
        rows = [{name: column[place] for name, column in columns.items()} for place in range(count)]
        found = request.param(read(text, at_zero), [*rows, dict.fromkeys(columns, 1.0)])
        return [None if np.isnan(value) else value for value in found.tolist()[:-1]]

    return values


Compute = Callable[..., list[Number]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", [6.0, 0.0, None, None]),
        ("a - b", [2.0, 0.0, None, None]),
        ("a * b", [8.0, 0.0, None, None]),
        ("a / b", [2.0, 0.0, None, None]),
        ("-a", [-4.0, 0.0, None, -9.0]),
        ("a < b", [0.0, 0.0, None, None]),
        ("a <= b", [0.0, 1.0, None, None]),
        ("a > b", [1.0, 0.0, None, None]),
        ("a >= b", [1.0, 1.0, None, None]),
        ("a == b", [0.0, 1.0, None, None]),
        ("a != b", [1.0, 0.0, None, None]),
        ("a > 3", [1.0, 0.0, None, 1.0]),
        ("3 != a", [1.0, 1.0, None, 1.0]),
        ("sum(a)", [4.0, 0.0, None, 9.0]),
        ("sum(a, b, 1)", [7.0, 1.0, None, None]),
        ("min(a, b)", [2.0, 0.0, None, None]),
        ("min(5, a, 6, 3)", [3.0, 0.0, None, 3.0]),
        ("min(1, 2, a)", [1.0, 0.0, None, 1.0]),
        ("max(a, b, 3)", [4.0, 3.0, None, None]),
        ("max(1, 2, a)", [4.0, 2.0, None, 9.0]),
        ("log(a + 1)", [math.log(5.0), 0.0, None, math.log(10.0)]),
        ("where(a > b, 1, 0)", [1.0, 0.0, None, None]),
        ("where(a > 3, a, b)", [4.0, 0.0, None, 9.0]),
        ("where(a > 3, 7, b)", [7.0, 0.0, None, 7.0]),
        ("1 + 2 * 3 - a", [3.0, 7.0, None, -2.0]),
        ("(1 + 2) * 3 - a", [5.0, 9.0, None, 0.0]),
        ("a / 4 * 2", [2.0, 0.0, None, 4.5]),
        ("a / (1 / 2)", [8.0, 0.0, None, 18.0]),
        ("a + log(1) + min(1, 2) + (1 > 2)", [5.0, 1.0, None, 10.0]),
        (" a # in euros", [4.0, 0.0, None, 9.0]),
    ],
)
def test_a_part_has_its_value_and_is_missing_where_what_it_needs_is(
    text: str, expected: list[Number], compute: Compute
) -> None:
    formula = read(text)
    columns = {"a": [4.0, 0.0, None, 9.0], "b": [2.0, 0.0, 1.0, None]}
    found = compute(text, **{name: columns[name] for name in formula.inputs})
    # A logarithm may differ in its last digit.
    tolerance = 1e-15 if "log" in text else 0.0
    wanted = np.array(expected, dtype=np.float64)
    np.testing.assert_allclose(np.array(found, dtype=np.float64), wanted, rtol=tolerance)


@pytest.mark.parametrize("at_zero", [0.0, 0.5, -1.0])
def test_a_quotient_has_the_stated_value_where_the_divisor_is_0(
    at_zero: float, compute: Compute
) -> None:
    a, b = [1.0, 0.0, 3.0, None, None], [0.0, 0.0, 1e-7, 0.0, 2.0]
    assert compute("a / b", at_zero, a=a, b=b) == [at_zero, at_zero, at_zero, None, None]


def test_a_divisor_may_be_negative(compute: Compute) -> None:
    x, y = [6.0, 6.0, -6.0, 6.0, 6.0, 6.0], [-2.0, 0.0, -0.5, -0.0, -1e-7, None]
    assert compute("x / y", 9.0, x=x, y=y) == [-3.0, 9.0, 12.0, 9.0, 9.0, None]
    # Also one that comes of two that are not.
    assert compute("a / (a - b)", 9.0, a=[1.0, 2.0], b=[3.0, 2.0]) == [-0.5, 9.0]
    assert compute("a / -b", a=[1.0], b=[4.0]) == [-0.25]
    assert compute("a / -4", a=[1.0]) == [-0.25]


def test_a_logarithm_has_the_stated_value_at_0_and_below(compute: Compute) -> None:
    found = compute("log(x)", -1.0, x=[1.0, 0.0, -0.0, -3.0, None, math.e])
    assert found[:5] == [0.0, -1.0, -1.0, -1.0, None]
    assert found[5] == pytest.approx(1.0, rel=1e-15)


def test_a_category_is_asked_for_its_value(compute: Compute) -> None:
    for place, word in enumerate(("town", "country", "third")):
        expected = [float(code == place) for code in range(3)]
        for text in (f"is(area, {word})", f"is (area, '{word}')"):
            assert compute(text, area=[0.0, 1.0, 2.0, None]) == [*expected, None]


DAYS = st.one_of(st.none(), st.dates())


@settings(max_examples=30)
@given(st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=5))
def test_dates_differ_by_days_and_have_a_year(days: list[tuple[date | None, date | None]]) -> None:
    def numbers(name: str, day: date | None) -> Row:
        parts = date_numbers(name, day or date(2000, 1, 1))
        return {part: value if day else None for part, value in parts.items()}

    rows = [numbers("as_of", last) | numbers("joined_on", first) for last, first in days]
    for formula, expected in (
        (
            read("as_of - joined_on"),
            [last and first and (last - first).days for last, first in days],
        ),
        (read("as_of.year - joined_on.year"), [a and b and a.year - b.year for a, b in days]),
    ):
        for name, run in EVERYWHERE.items():
            if name == "graph":
                continue
            found = run(formula, [*rows, dict.fromkeys(rows[0], 1.0)])[:-1]
            np.testing.assert_array_equal(found, np.array(expected, dtype=np.float64), name)


def test_days_are_those_of_the_calendar_in_a_graph() -> None:
    lasts = [date(2014, 6, 30) + timedelta(97 * n) for n in range(40)]
    rows = [date_numbers("as_of", day) | date_numbers("joined_on", lasts[0]) for day in lasts]
    found = in_graph(read("as_of - joined_on"), [dict(row) for row in rows])
    assert found.tolist() == [97.0 * n for n in range(40)]


# A formula, and its value for a row.
Sample = tuple[str, Callable[[Row], Number]]
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
AT_ZERO = 0.25


def joined(text: str, compute: Callable[..., float], *parts: Sample) -> Sample:
    def value(row: Row) -> Number:
        values = [part(row) for _, part in parts]
        known = [each for each in values if each is not None]
        return compute(*known) if len(known) == len(values) else None

    return text.format(*(part for part, _ in parts)), value


def chosen(sign: str, left: Sample, right: Sample, then: Sample, other: Sample) -> Sample:
    def value(row: Row) -> Number:
        first, second = left[1](row), right[1](row)
        if first is None or second is None:
            return None
        return (then if COMPARISONS[sign](first, second) else other)[1](row)

    text = f"where({left[0]} {sign} {right[0]}, {then[0]}, {other[0]})"
    return text, value


def divided(part: float, whole: float) -> float:
    return AT_ZERO if abs(whole) < NOTHING else part / whole


def samples_of(inner: st.SearchStrategy[Sample]) -> st.SearchStrategy[Sample]:
    two = st.tuples(inner, inner)
    signs = st.sampled_from(sorted(COMPARISONS))
    return st.one_of(
        two.map(lambda p: joined("({0} + {1})", operator.add, *p)),
        two.map(lambda p: joined("({0} - {1})", operator.sub, *p)),
        two.map(lambda p: joined("({0} * {1})", operator.mul, *p)),
        two.map(lambda p: joined("({0} / {1})", divided, *p)),
        inner.map(lambda p: joined("-({0})", operator.neg, p)),
        st.tuples(inner, inner, inner).map(
            lambda p: joined("sum({0}, {1}, {2})", lambda a, b, c: a + b + c, *p)
        ),
        st.tuples(inner, inner, inner).map(lambda p: joined("min({0}, {1}, {2})", min, *p)),
        st.tuples(inner, inner, inner).map(lambda p: joined("max({0}, {1}, {2})", max, *p)),
        st.tuples(signs, two).map(
            lambda p: joined(
                f"({{0}} {p[0]} {{1}})", lambda a, b: float(COMPARISONS[p[0]](a, b)), *p[1]
            )
        ),
        st.tuples(signs, inner, inner, inner, inner).map(lambda p: chosen(*p)),
    )


def column(name: str) -> Sample:
    return name, lambda row: row[name]


def constant(number: float) -> Sample:
    return str(number), lambda _: number


PLACES = {"town": 0.0, "country": 1.0, "third": 2.0}
# A number stands beside a column: alone it would be a divisor of 0, or compared with another.
LEAVES = st.one_of(
    st.sampled_from([column(name) for name in "abxy"]),
    st.tuples(st.sampled_from("abxy"), st.sampled_from([0.0, 1.0, 2.5, 100.0])).map(
        lambda p: joined("({0} + {1})", operator.add, column(p[0]), constant(p[1]))
    ),
    st.sampled_from([*PLACES]).map(
        lambda word: joined(
            f"is({{0}}, {word})", lambda code: float(code == PLACES[word]), column("area")
        )
    ),
)


def takes_too_long(text: str) -> bool:
    try:
        read(text, AT_ZERO)
    except FormulaError as error:
        return "takes more than" in str(error)
    return False


FORMULAS = st.recursive(LEAVES, samples_of, max_leaves=6)
SIZES = st.sampled_from([0.0, 1e-7, 0.01, 0.1, 1.0, 3.0, 1e6, 1e12])
ROWS = st.fixed_dictionaries(
    {
        **{name: st.none() | SIZES | st.floats(0.0, 1e6) for name in "ab"},
        **{name: st.none() | SIZES | st.floats(-1e6, 1e6) for name in "xy"},
        "area": st.none() | st.sampled_from([0.0, 1.0, 2.0]),
    }
)


@settings(max_examples=60)
@given(sample=FORMULAS, rows=st.lists(ROWS, min_size=1, max_size=6))
def test_a_formula_is_worth_the_same_everywhere(sample: Sample, rows: list[Row]) -> None:
    text, value = sample
    assume(not takes_too_long(text))
    formula = read(text, AT_ZERO)
    rows = [*rows, dict.fromkeys("abxy", 1.0) | {"area": 1.0}]
    expected = np.array([value(row) for row in rows], dtype=np.float64)
    for name, run in EVERYWHERE.items():
        np.testing.assert_array_equal(run(formula, rows), expected, f"{name}: {text}")
    if formula.is_never_negative:
        assert not (expected < 0.0).any(), text


@settings(max_examples=15)
@given(st.lists(st.floats(1e-6, 1e12), min_size=1))
def test_logarithms_differ_by_the_last_digit_at_most(values: list[float]) -> None:
    rows: list[Row] = [{"x": value} for value in values]
    for name, run in EVERYWHERE.items():
        expected = [math.log(value) for value in values]
        np.testing.assert_allclose(run(read("log(x)"), rows), expected, rtol=3e-16, err_msg=name)


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("x + a * x", ("x", "a")),
        ("is(area, town) + a", ("area", "a")),
        ("as_of - joined_on", ("as_of_year", "as_of_day", "joined_year", "joined_day")),
        ("as_of.year - x", ("as_of_year", "x")),
        ("where(a > b, x, 1)", ("a", "b", "x")),
    ],
)
def test_the_inputs_are_the_numbers_that_it_needs_in_the_order_of_first_use(
    text: str, inputs: tuple[str, ...]
) -> None:
    assert read(text).inputs == inputs


@pytest.mark.parametrize(
    ("text", "is_never_negative"),
    [
        ("a + b", True),
        ("a * b / 2", True),
        ("a / b", True),
        ("sum(a, b, 1)", True),
        ("max(a, b)", True),
        ("where(x > 0, a, 1)", True),
        ("x > 0", True),
        ("is(area, town)", True),
        ("as_of.year + 0", True),
        ("a - b", False),
        ("-a", False),
        ("a / -2", False),
        ("a + -1", False),
        ("x * x", False),
        ("min(a, x)", False),
        ("where(x > 0, a, x)", False),
        ("log(a)", False),
        ("as_of - joined_on", False),
    ],
)
def test_what_cannot_be_negative_is_known(text: str, *, is_never_negative: bool) -> None:
    assert read(text).is_never_negative is is_never_negative


def test_a_stated_value_below_0_is_known_to_be_negative() -> None:
    assert not read("a / b", -1.0).is_never_negative


@pytest.mark.parametrize(
    "text",
    [
        *("x.real", "x.__class__", "as_of.month", "as_of.year.real", "().__class__.__bases__"),
        *("abs(x)", "__import__('os')", "open(a)", "x(a)", "a.log(b)", "log(a, base=2)", "(a)(b)"),
        *("lambda: a", "lambda x: x", "[a]", "(a, b)", "{a: b}", "{a}", "a[0]", "a[b:x]"),
        *("[x for x in a]", "{x for x in a}", "sum(x for x in a)", "sum(*a)", "log(**a)"),
        *("'a'", "b'a'", "f'{a}'", "a + 'b'", "None", "True", "a + True", "...", "1j * a"),
        *("a and b", "not a", "a if b else x", "a ** 2", "a // b", "a % b", "a @ b", "a | b"),
        *("~a", "+a", "a << 2", "(y := a)", "a < b < x", "a in b", "a is b", "a is not b"),
        *("where(a, 1, 2)", "where(a > b and x > y, 1, 2)", "where(1 > 0, a, b)"),
        *("log()", "log(a, b)", "min(a)", "max()", "sum()", "where(a > b, 1)", "is(area)"),
        *("is(a, town)", "is(area, twon)", "is(area, 1)", "is(area, a.b)", "is(area, is(area, b))"),
        *("area", "area + 1", "as_of", "as_of + 1", "as_of + joined_on", "a - as_of", "area.year"),
        *("customer_id", "customer_id + 1", "nobody", "joined_year", "joined_day + 1"),
        *("5", "1 + 2", "log(2)", "a / 0", "a / (1 - 1)", "a / 1e-300", "a / -0.0", "1 / 0 + a"),
        *("", "   ", "#", "a b", "a +", "(a", "a)", "a\nb", "a +\nb", "a; b", "a = b", "import os"),
        *("yield a", "await a", "a := b", "del a", "print a", "pass", "$a", "a\0", "\ud800", "\\"),
        *("a + 1e400", "a + 1e308 * 10", "a + " + "9" * 400, "a * -1e999", "0x" + "f" * 400),
        *("a" * 3_000, "(" * 900 + "a" + ")" * 900, "-" * 1_900 + "a"),
        *("+".join(["a"] * 900), "sum(" + ",".join("a" * 900) + ")", "log(" * 90 + "a" + ")" * 90),
        *("/".join(["a"] * 40), "/(".join(["a"] * 9) + ")" * 19, "max(a, " * 30 + "b" + ")" * 30),
        *(
            "where(a > " * 30 + "b" + ", 1, 2)" * 30,
            "a." + "b." * 400 + "c",
            "[" * 400,
            "a if " * 300,
        ),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_all_else_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        read(text)
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 250


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nobody", "`nobody` is not known: it is no column or earlier feature"),
        ("joined", "`joined` is not known: did you mean joined_on?"),
        ("lgo(a)", "`lgo(a)` is not allowed: did you mean log?"),
        ("iss(area, town)", "did you mean is?"),
        ("where(a > b, 1)", "`where(a > b, 1)`: write where(a > b, then, otherwise)"),
        ("where(a, 1, 2)", "`a` is no comparison: write where(a > b, then, otherwise)"),
        ("where(1 > 0, a, b)", "`1 > 0` compares no column"),
        ("a < b < x", "compare two numbers, by < <= > >= == or !="),
        ("is(area, twon)", "`area` has no value twon: did you mean town?"),
        ("is(area, x)", "`area` has no value x: town, country, third"),
        ("is(a, town)", "`a` is no category"),
        ("area", "`area` is a category: write is(area, one of its values)"),
        ("as_of", "`as_of` is a date: write as_of.year, or the difference of two dates"),
        ("customer_id", "`customer_id` is the key, and no number"),
        ("a / 0", "divides by 0"),
        ("1 + 2", "`1 + 2` names no column"),
        ("a + 'b'", "`b` is no number"),
        ("a + 1e400", "holds a number that is too large"),
        ("a ** 2", "`a ** 2` is not allowed: use + - * /, a comparison, sum, min, max, log, where"),
        ("a +", "`a +` is no line of arithmetic: use + - * /"),
        ("a" * 3_000, "is longer than 2000 characters: give a part of it a name, as a feature"),
        ("+".join("a" * 200), "has more than 100 parts: give a part of it a name, as a feature"),
        ("/(".join("a" * 9) + ")" * 8, "takes more than 300 steps: give a part of it a name"),
    ],
    ids=lambda text: text[:20],
)
def test_a_refusal_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        read(text)
    assert message in str(caught.value)


WORDS = [
    *("a", "b", "x", "area", "town", "as_of", "joined_on", "customer_id", "nobody"),
    *("+", "-", "*", "/", "<", "==", "(", ")", ",", ".", " ", "year", "is", "is(", "log("),
    *("where(", "min(", "sum(", "0", "1", "1e-9", "2.5", "9" * 320, "lambda", "'", "[", "]", ":="),
    *(
        "not",
        "and",
        "if",
        "else",
        "for",
        "in",
        "\n",
        "\0",
        "é",
        "#",
        "\\",
        "**",
        "=",
        "_",
        "import",
    ),
]


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=14).map("".join)))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        formula = read(text)
    except FormulaError:
        return
    row = dict.fromkeys(formula.inputs, 2.0)
    assert np.isfinite(in_numpy(formula, [row])).all()


LONG = [
    *("+".join("a" * 50), "sum(" + ",".join("a" * 98) + ")", "-" * 99 + "a"),
    *("1-(" * 49 + "a" + ")" * 49, "min(" + ",".join("ab" * 49) + ")", "log(log(a + 1))"),
    *("a/" * 5 + "b", "a/(b/(a/(b/a)))", "where(where(where(a>1,a,b)>1,a,b)>1,a,b)"),
    *("where(a > 1, a, " * 12 + "b" + ")" * 12, "max(a, " * 4 + "b" + ")" * 4),
]


@pytest.mark.parametrize("text", LONG, ids=lambda text: text[:20])
def test_the_longest_formulas_are_computed_far_down_a_stack_of_calls(text: str) -> None:
    """Each of pandas' and Polars' own limits is far off."""
    rows: list[Row] = [{"a": 3.0, "b": 2.0}, {"a": 2.0, "b": None}]

    def far_down(calls: int) -> Iterable[Numbers]:
        if calls:
            return far_down(calls - 1)
        return [run(read(text), rows) for run in EVERYWHERE.values()]

    first, *others = far_down(200)
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-14)
