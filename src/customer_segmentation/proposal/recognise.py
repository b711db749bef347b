"""Recognise what the columns of an unknown file hold: kinds, signs of numbers, dates, the key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.customers.date_choice import DateColumn, UnclearDatesError
from customer_segmentation.proposal.words import (
    WORDS,
    about,
    bare,
    duration_unit,
    is_per,
    unit_in,
    words_of,
)
from customer_segmentation.schema.cells import FLOAT_ID, missing_as_empty, stripped
from customer_segmentation.schema.dates import DateFormat
from customer_segmentation.schema.declarations import RANGES
from customer_segmentation.schema.numbers import SAME_SIGNS, NumberSigns
from customer_segmentation.schema.schema import DATE_FORMATS, FLAGS, MISSING

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
# Kinds are told by so many rows; whether a key repeats, by all.
_LOOKED_AT = 100_000
# How numbers are written is told by so many texts of a column.
_SAMPLE = 1_000
# Share of a column's cells that must be of a kind.
_MOST = 0.95
# Share of rows whose key may stand on another row, too.
_FEW = 0.02
# Share of rows whose customer stands on another row, too, from which rows are no customers.
_OFTEN = 0.2
_MAX_CATEGORIES = 20
_MAX_CODES = 12
# Where a person says that it is a category.
_MOST_CATEGORIES = 200
_YEARS = (1850, 2100)
_OLDEST = 130
# Whole numbers up to here are taken for counts, where the header says nothing.
_MANY = 1_000.0
# Beyond any amount, and low enough for squares to stay finite.
_FAR = 1e100
_SAME = 0.9999
# Whether columns say the same is told by so many rows.
_COMPARED = 10_000
_LIKE = 0.95
_NOTATIONS = (
    NumberSigns(),
    NumberSigns(","),
    NumberSigns(".", ","),
    NumberSigns(",", "."),
    NumberSigns(",", " "),
    NumberSigns(".", " "),
    NumberSigns(".", "'"),
)
_CURRENCY = re.compile(
    r"[$€£¥₹]|%|\b(?:kr|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|INR|JPY|NOK|PLN|SEK|USD)\b"
)
# The first note of a column whose kind a person gave.
SAID = "as you said"
# As a unit: that of all money in the file.
MONEY = "money"
# Put by programs for cells without a value.
_NO_VALUE = frozenset(
    ["?", "-", "--", ".", "nan", "NaN", "#N/A", "n/a", "n.a.", "k.A.", r"\N", "<NA>", "#NULL!"]
)
_TWO_DIGITS = ("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%d-%b-%y", "%y-%m-%d")
# Configuration takes it for a reference.
_REFERENCE = "${"
_TIME = re.compile("[T ](?=[ ]?[0-9]{1,2}:)")
# The century of years of two digits.
PIVOT = 30
# Kinds that a person may give to a column.
KINDS = (*("key", "money", "count", "share", "number", "year", "date", "flag", "category", "text"),)
NUMERIC = frozenset({"money", "count", "number", "share"})


@dataclass(frozen=True)
class Corrections:
    """What a person knows better.

    Attributes:
        kinds: Header -> kind, as a schema names it; `text` is not read.
        key: The header of the key.
        as_of: The snapshot's day, as YYYY-MM-DD.
        date_format: Of the file's dates, such as %d/%m/%Y.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    as_of: str = ""
    date_format: str = ""


@dataclass(frozen=True)
class Seen:
    """What a column seems to hold.

    Attributes:
        header: As sent, without spaces around it.
        words: Of the header, in lower case, without its unit.
        kind: As a schema names it; `text` for what is not read.
        sure: The share of its cells that are of this kind.
        missing: The share without a value.
        unit: Of its numbers; '' for the kind's.
        values: The categories as spelled, most frequent first.
        commonest: The share of its most frequent value.
        is_coded: Whether -1 or the like stands for something that is no number.
        is_float: Of the key: whether its whole numbers have a fraction, such as 12345.0.
        date_format: Of its dates.
        first_day: The earliest of them.
        notes: What a person should know.
        question: What only a person can answer; '' if nothing.
    """

    header: str
    words: tuple[str, ...]
    kind: str = "text"
    sure: float = 1.0
    missing: float = 0.0
    unit: str = ""
    values: tuple[str, ...] = ()
    commonest: float = 0.0
    is_coded: bool = False
    is_float: bool = False
    date_format: str = ""
    first_day: str = ""
    last_day: str = ""
    notes: tuple[str, ...] = ()
    question: str = ""

    def has(self, topic: str) -> bool:
        """Whether its header has a word of a topic."""
        return about(self.words, topic)

    @property
    def is_outcome(self) -> bool:
        """Whether it seems to be an answer to a campaign, or what came of a customer."""
        is_answer = self.kind == "flag" or (self.kind == "category" and len(self.values) <= 3)  # noqa: PLR2004 - yes, no and unknown
        return self.has("outcome") or (is_answer and not {*self.words}.isdisjoint(WORDS["answer"]))


@dataclass(frozen=True)
class SeenTable:
    """What a file seems to hold.

    Attributes:
        rows: How many.
        columns: In the file's order.
        signs: How its numbers are written.
        key: The header of the key; '' if there is none.
        repeated: Header of what may name a customer -> share of rows that have another's.
        floats: Headers of columns with whole numbers such as 12345.0.
        numbers: Header -> its numbers, NaN where there is none.
        copies: Header -> the header that says the same.
        missing_values: What stands for no value, if not what a schema takes for it anyway.
        question: About the signs of numbers; '' if none.
    """

    rows: int
    columns: tuple[Seen, ...]
    signs: NumberSigns
    key: str
    repeated: Mapping[str, float] = field(default_factory=dict)
    floats: frozenset[str] = frozenset()
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    missing_values: tuple[str, ...] = ()
    question: str = ""

    @property
    def on_several_rows(self) -> str:
        """The header of an id of customers that stands on several rows; '' if there is none."""
        named = (c for c in self.columns if c.has("person") and names_something(c.words))
        several = (c.header for c in named if c.notes[:1] != (SAID,) and c.kind != "category")
        return next((h for h in several if self.repeated.get(h, 0.0) > _OFTEN), "")


def alike(one: Numbers, other: Numbers) -> bool:
    """Whether two columns of numbers say nearly the same."""
    return _correlation(one, other) > _LIKE


@dataclass(frozen=True)
class _Cells:
    """The cells of a column that have a value: each text with its rows."""

    counts: Counter[str]
    rows: int

    @property
    def known(self) -> int:
        return sum(self.counts.values())

    def share(self, is_so: Callable[[str], object]) -> float:
        """The share of known cells for which something holds."""
        return sum(n for text, n in self.counts.items() if is_so(text)) / max(self.known, 1)


def recognise_table(cells: pa.Table, corrections: Corrections | None = None) -> SeenTable:
    """What the cells of a file seem to hold.

    Args:
        cells: Text by header.
        corrections: What is known better.
    """
    given = corrections or Corrections()
    looked = cells.slice(0, _LOOKED_AT)
    texts = {name.strip(): _stripped(looked[name]) for name in cells.column_names}
    counted = {name: _counted(column) for name, column in texts.items()}
    extra = _missing_values(counted)
    known = {
        name: _Cells(Counter({t: n for t, n in counts.items() if t not in extra}), len(looked))
        for name, counts in counted.items()
    }
    signs, question = _notation(known)
    look = _Look(texts, signs, given)
    columns = [look.at(name, column) for name, column in known.items()]
    asked = given.key or next((h for h, kind in given.kinds.items() if kind == "key"), "")
    free = [c for c in columns if c.header not in given.kinds and _REFERENCE not in c.header]
    key = asked or _key(cells, free, known, look.numbers)
    said = (SAID,) * bool(asked)
    columns = [_as_key(c, cells, said) if c.header == key else c for c in columns]
    numbers = {c.header: look.numbers(c.header) for c in columns if c.kind in {*NUMERIC, "flag"}}
    return SeenTable(
        rows=len(cells),
        columns=tuple(columns),
        signs=signs,
        key=key,
        repeated={
            name: 1.0 - len(column.counts) / max(column.known, 1) for name, column in known.items()
        },
        floats=frozenset(n for n, c in known.items() if c.share(re.compile(FLOAT_ID).search)),
        numbers=numbers,
        copies=_copies({c.header: numbers[c.header] for c in columns if c.kind in NUMERIC}),
        missing_values=extra,
        question=question,
    )


def _stripped(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))


def _counted(column: pa.ChunkedArray) -> Counter[str]:
    found = pc.value_counts(column.combine_chunks())
    texts, counts = found.field("values").to_pylist(), found.field("counts").to_pylist()
    return Counter({t: n for t, n in zip(texts, counts, strict=True) if t not in MISSING})


def _missing_values(columns: Mapping[str, Counter[str]]) -> tuple[str, ...]:
    """Texts that stand for no value: among numbers or dates, never a word of a category."""
    found: set[str] = set()
    for counts in columns.values():
        others = sum(n for text, n in counts.items() if text not in _NO_VALUE)
        digits = sum(n for text, n in counts.items() if re.search("[0-9]", text))
        if others and digits >= _MOST * others:
            found |= _NO_VALUE & {*counts}
    return tuple(sorted(found))


def _plain(text: str) -> str:
    return _CURRENCY.sub("", text).strip(SAME_SIGNS[" "])


def _notation(columns: Mapping[str, _Cells]) -> tuple[NumberSigns, str]:
    """How numbers are written, in the notation that most columns fit; and what is not clear."""
    samples: list[list[str]] = []
    ignored: set[str] = set()
    for column in columns.values():
        texts = [text for text, _ in column.counts.most_common(_SAMPLE)]
        if texts and sum(bool(re.search("[0-9]", t)) for t in texts) > _MOST * len(texts):
            signs = [sign for text in texts for sign in _CURRENCY.findall(text)]
            if len(signs) > len(texts) / 2:
                ignored.update(signs)
            samples.append([_plain(text) for text in texts])
    fits = []
    for notation in _NOTATIONS:
        pattern = re.compile(notation.pattern)
        shares = (sum(bool(pattern.match(t)) for t in texts) / len(texts) for texts in samples)
        fits.append(sum(share >= _MOST for share in shares))
    best = max(range(len(fits)), key=lambda i: (fits[i], -i))
    chosen = replace(_NOTATIONS[best], ignored=tuple(sorted(ignored)))
    # 1,234 and 1.234 are a thousand or a little above 1.
    groups = re.compile("[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
    unclear = any(
        (fraction := [t for t in texts if "," in t or "." in t])
        and all(map(groups.fullmatch, fraction))
        for texts in samples
    )
    question = (
        "some numbers have exactly three digits after their sign, such as 1.234: if these are "
        "thousands, set thousands_sign and decimal_sign"
    )
    return chosen, question if unclear else ""


class _Look:
    """Looks at columns one by one.

    Args:
        texts: Header -> stripped cells.
        signs: How numbers are written.
        given: What a person said.
    """

    def __init__(
        self, texts: Mapping[str, pa.ChunkedArray], signs: NumberSigns, given: Corrections
    ) -> None:
        self._texts = texts
        self._signs = signs
        self._given = given
        self._pattern = re.compile(signs.pattern)
        self._parsed: dict[str, Numbers] = {}

    def numbers(self, header: str) -> Numbers:
        """The cells as numbers, NaN where there is none."""
        if header not in self._parsed:
            coded = self._texts[header].combine_chunks().dictionary_encode()
            values = [self._number(text) for text in coded.dictionary.to_pylist()]
            read = np.array(values, dtype=np.float64)
            self._parsed[header] = read[coded.indices.to_numpy(zero_copy_only=False)]
        return self._parsed[header]

    def _number(self, text: str) -> float:
        plain = _plain(text) if self._signs.ignored else text
        if not self._pattern.match(plain):
            return float("nan")
        if self._signs.thousands:
            plain = re.sub(
                f"[{SAME_SIGNS.get(self._signs.thousands, self._signs.thousands)}]", "", plain
            )
        number = float(plain.replace(self._signs.decimal, "."))
        return number if abs(number) < _FAR else float("nan")

    def at(self, header: str, cells: _Cells) -> Seen:
        """What a column seems to hold, or what a person says that it does."""
        seen = Seen(
            header,
            words_of(bare(header)),
            missing=1.0 - cells.known / max(cells.rows, 1),
            commonest=max(cells.counts.values(), default=0) / max(cells.known, 1),
        )
        if _REFERENCE in header:
            return replace(seen, notes=(f"its name has {_REFERENCE}, which no schema can hold",))
        kind = self._given.kinds.get(header)
        return self._told(seen, cells, kind) if kind else self._guessed(seen, cells)

    def _guessed(self, seen: Seen, cells: _Cells) -> Seen:  # noqa: PLR0911 - one for each kind
        counts = cells.counts
        if not counts:
            return replace(seen, notes=("it is blank",))
        if not seen.header or (seen.words and seen.words[0] == "unnamed"):
            return replace(seen, notes=("it has no name",))
        if len(counts) == 1:
            return replace(seen, notes=(f"it is {next(iter(counts))[:40]!r} in every row",))
        if _is_flag(counts):
            return replace(seen, kind="flag")
        if dated := self._dated(seen, cells):
            return dated
        numbers = self.numbers(seen.header)
        known = numbers[~np.isnan(numbers)]
        if (share := len(known) / cells.known) >= _MOST:
            return _number(replace(seen, sure=share), known, cells)
        if len(counts) <= _MAX_CATEGORIES and _REFERENCE not in "".join(counts):
            return replace(seen, kind="category", values=_by_count(counts))
        return replace(seen, notes=(f"{len(counts):,} different texts",))

    def _told(self, seen: Seen, cells: _Cells, kind: str) -> Seen:
        """The column as of the kind that a person gave."""
        notes = (SAID,)
        if kind == "category":
            values = _by_count(cells.counts)
            if len(values) > _MOST_CATEGORIES or _REFERENCE in "".join(values):
                return replace(seen, notes=(f"{len(values):,} values are no categories",))
            return replace(seen, kind=kind, values=values, notes=notes)
        if kind == "date":
            dated = self._dated(seen, cells)
            return replace(dated or seen, notes=notes if dated else ("its cells are no dates",))
        if kind in {*NUMERIC, "year", "flag"}:
            known = ~np.isnan(self.numbers(seen.header))
            sure = known.sum() / max(cells.known, 1)
            sure = (
                cells.share(lambda t: t in {"0", "1"} or t.lower() in FLAGS)
                if kind == "flag"
                else sure
            )
            unit = self._guessed(seen, cells).unit if kind in {"count", "number"} else ""
            return replace(seen, kind=kind, sure=float(sure), unit=unit, notes=notes)
        return replace(seen, kind=kind, notes=notes)

    def _dated(self, seen: Seen, cells: _Cells) -> Seen | None:
        """The same as a column of dates, if it is one."""
        declared = [self._given.date_format] if self._given.date_format else DATE_FORMATS
        for texts in (declared, _TWO_DIGITS):
            formats = tuple(DateFormat.of(text, PIVOT) for text in texts)
            # Eight digits are a day only where the header says so.
            is_day = {"date", "day", "datum"} & {*seen.words}
            shapes = [f for f in formats if f.text != "%Y%m%d" or is_day]
            shape = re.compile("|".join(f"(?:{f.shape_with_time})" for f in shapes) or "(?!)")
            share = cells.share(shape.fullmatch)
            if share >= _MOST:
                return self._chosen_dates(replace(seen, kind="date", sure=share), cells, shapes)
        return None

    def _chosen_dates(self, seen: Seen, cells: _Cells, shapes: Sequence[DateFormat]) -> Seen:
        column = DateColumn(seen.header, seen.header, tuple(shapes), PIVOT)
        rows = nw.from_native(pa.table({seen.header: self._texts[seen.header]})).lazy()
        text = missing_as_empty(stripped(seen.header), MISSING)
        evidence = partial(column.evidence, text=text)(rows).collect().rows(named=True)
        try:
            chosen = column.choose(evidence)
        except UnclearDatesError as error:
            return replace(seen, question=f"{error.problem}. {error.remedy}")
        texts = (_TIME.split(t)[0] if chosen.has_time else t for t in cells.counts)
        days = [day for text in texts if (day := chosen.format.day(text))]
        return replace(
            seen,
            date_format=chosen.format.text,
            first_day=min(days).isoformat() if days else "",
            last_day=max(days).isoformat() if days else "",
        )


def _by_count(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(text for text, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _is_flag(counts: Counter[str]) -> bool:
    texts = {text.lower() for text in counts}
    return texts <= {"0", "1"} or texts <= {"0.0", "1.0"} or texts <= FLAGS.keys()


def _number(seen: Seen, numbers: Numbers, cells: _Cells) -> Seen:  # noqa: C901, PLR0911, PLR0912 - one for each meaning
    minimum, maximum = float(numbers.min()), float(numbers.max())
    is_whole = bool((numbers % 1.0 == 0.0).all())
    distinct, words = len(cells.counts), seen.words
    money, explicit = seen.has("money"), not {*words}.isdisjoint(WORDS["number_of"])
    last = words[-1] if words else ""
    is_count = explicit and not (last in WORDS["id"] and words[0] not in WORDS["number_of"])
    if is_whole and cells.share(lambda t: len(t) > 1 and t[0] == "0" and t.isdigit()) > _FEW:
        return _not_read(seen, "zeros in front: a code and no amount")
    if (
        is_whole
        and minimum >= _YEARS[0]
        and maximum <= _YEARS[1]
        and (seen.has("year") or seen.has("since"))
    ):
        return replace(seen, kind="year")
    if is_whole and not is_count and seen.has("code") and distinct <= _MAX_CODES:
        codes = _by_count(cells.counts)
        return replace(seen, kind="category", values=codes)
    if is_whole and not is_count and (last in WORDS["label"] or last in WORDS["code"]):
        return _not_read(seen, f"{distinct:,} codes, which are no amounts")
    unit = unit_in(seen.header)
    if words and {*words} <= WORDS["calendar"]:
        note = "a part of a date: not part of segments"
        seen = replace(seen, is_coded=True, notes=(note,))
    if minimum == -1.0 and not (numbers[numbers != -1.0] < 0.0).any():
        seen = replace(
            seen,
            is_coded=True,
            notes=("-1 seems to stand for something that is no number: not part of segments",),
        )
    is_small = is_whole and minimum >= 0.0 and maximum <= (RANGES["count"][1] or 0.0)
    whole_kind = "count" if is_small else "number"
    if {*words} & WORDS["age"] and minimum >= 0.0 and maximum <= _OLDEST:
        return replace(seen, kind=whole_kind, unit=unit or "years")
    if is_small and is_count:
        return replace(seen, kind="count", unit=unit)
    in_percent = seen.has("percent") or "%" in seen.header or cells.share(lambda t: "%" in t) > 0.5  # noqa: PLR2004 - most
    if in_percent and maximum > 1.0:
        return replace(seen, kind="number", unit="percent")
    if not is_whole and minimum >= 0.0 and maximum <= 1.0 and (seen.has("share") or not money):
        return replace(seen, kind="share")
    if seen.has("score"):
        return replace(seen, kind="number", unit=unit or "points")
    has_currency = cells.share(_CURRENCY.search) > 0.5  # noqa: PLR2004 - most
    if money or has_currency or (last == "total") or (seen.has("spend") and maximum >= _MANY):
        unit = unit if unit and re.search(r"[^\W\d_]|[$€£¥₹]", unit) else ""
        if minimum >= 0.0:
            return replace(seen, kind="money", unit=unit)
        return replace(seen, kind="number", unit=unit or MONEY)
    if seen.has("things"):
        return replace(
            seen, kind=whole_kind if is_whole and not is_per(words) else "number", unit=unit
        )
    if seen.has("duration") and not is_per(words):
        return replace(seen, kind=whole_kind, unit=unit or duration_unit(words))
    return replace(seen, kind=whole_kind if maximum < _MANY else "number", unit=unit)


def _not_read(seen: Seen, why: str) -> Seen:
    return replace(seen, kind="text", notes=(*seen.notes, why))


def _as_key(seen: Seen, cells: pa.Table, notes: tuple[str, ...]) -> Seen:
    column = next(n for n in cells.column_names if n.strip() == seen.header)
    repeated = len(cells) - pc.count_distinct(cells[column]).as_py()
    more = (f"{repeated:,} rows have the key of another",) if repeated else ()
    is_float = pc.any(pc.match_substring_regex(cells[column], FLOAT_ID)).as_py() or False
    made = replace(seen, kind="key", sure=1.0, question="", unit="", is_float=is_float)
    return replace(made, notes=(*notes, *more))


def _key(
    cells: pa.Table,
    columns: Sequence[Seen],
    known: Mapping[str, _Cells],
    numbers: Callable[[str], Numbers],
) -> str:
    """The header of the column that tells customers apart, '' if there is none."""
    sent = {name.strip(): name for name in cells.column_names}

    def fitness(seen: Seen) -> int:
        if seen.missing > _FEW or seen.kind in {"date", "flag", "category", "share", "year"}:
            return 0
        person, named = seen.has("person"), names_something(seen.words)
        if not (person or named or (seen.kind == "text" and not seen.has("personal"))):
            return 0
        repeated = 1.0 - pc.count_distinct(cells[sent[seen.header]]).as_py() / max(len(cells), 1)
        if repeated > (_FEW if person and named else 0.0):
            return 0
        if person or named:
            # A fraction is an amount, whatever its header says.
            if seen.kind != "text" and (numbers(seen.header) % 1.0 > 0.0).any():
                return 0
            is_amount = seen.kind != "text" and (seen.unit or seen.has("money"))
            return 2 + person + named if named or not is_amount else 0
        # An amount may be unique in a small file, and so may be what somebody said.
        has_spaces = known[seen.header].share(lambda text: " " in text)
        return int(not has_spaces and bool(seen.header) and "no name" not in " ".join(seen.notes))

    best = max(columns, key=fitness, default=None)
    return best.header if best and fitness(best) else ""


def names_something(words: Sequence[str]) -> bool:
    """Whether a header ends as that of an identifier does: `id`, `customer no`, `clientnum`."""
    last = words[-1] if words else ""
    stuck = any(last.endswith(each) for each in ("id", "num", "nummer", "nr", "number", "no"))
    return last in WORDS["id"] or (stuck and about([last], "person"))


def _correlation(one: Numbers, other: Numbers) -> float:
    both = ~(np.isnan(one) | np.isnan(other))
    if both.sum() < 3:  # noqa: PLR2004 - two points always lie on a line
        return 0.0
    x, y = one[both], other[both]
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return abs(float(x @ y)) / size if size else 0.0


def _copies(numbers: Mapping[str, Numbers]) -> dict[str, str]:
    """Columns of numbers that say what another one says."""
    if not numbers:
        return {}
    columns = []
    for values in numbers.values():
        compared = values[:_COMPARED]
        apart = np.where(np.isnan(compared), 0.0, compared - _mean(compared))
        columns.append(apart / (np.sqrt(apart @ apart) or 1.0))
    table = np.column_stack(columns)
    names, same = [*numbers], np.abs(table.T @ table) > _SAME
    copies: dict[str, str] = {}
    for place, name in enumerate(names):
        before = (names[other] for other in np.flatnonzero(same[place, :place]))
        if other := next((o for o in before if o not in copies), ""):
            copies[name] = other
    return copies


def _mean(values: Numbers) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0
