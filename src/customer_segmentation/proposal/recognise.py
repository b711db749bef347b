"""Recognise what the columns of an unknown file hold: kinds, signs of numbers, dates, the key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.customers.date_choice import ChosenFormat, DateColumn, UnclearDatesError
from customer_segmentation.proposal.keys import as_key, find_key
from customer_segmentation.proposal.kinds import CURRENCY, by_count, is_flag, number_kind
from customer_segmentation.proposal.likeness import find_copies
from customer_segmentation.proposal.seen import (
    NUMERIC,
    REFERENCE,
    SAID,
    Corrections,
    Counted,
    Numbers,
    Seen,
    SeenTable,
)
from customer_segmentation.proposal.words import bare, words_of
from customer_segmentation.schema.cells import FLOAT_ID, missing_as_empty, stripped
from customer_segmentation.schema.dates import DateFormat
from customer_segmentation.schema.numbers import SAME_SIGNS, NumberSigns
from customer_segmentation.schema.schema import DATE_FORMATS, FLAGS, MISSING

# Kinds are told by so many rows; whether a key repeats, by all.
_LOOKED_AT = 100_000
# How numbers are written is told by so many texts of a column.
_SAMPLE = 1_000
# Share of a column's cells that must be of a kind.
_MOST = 0.95
_MAX_CATEGORIES = 20
# Days after the snapshot's may be typing errors, if they are few.
_EARLY = 0.98
# Where a person says that it is a category.
_MOST_CATEGORIES = 200
# Beyond any amount, and low enough for squares to stay finite.
_FAR = 1e100
_NOTATIONS = (
    NumberSigns(),
    NumberSigns(","),
    NumberSigns(".", ","),
    NumberSigns(",", "."),
    NumberSigns(",", " "),
    NumberSigns(".", " "),
    NumberSigns(".", "'"),
)
# Put by programs for cells without a value.
_NO_VALUE = frozenset(
    ["?", "-", "--", ".", "nan", "NaN", "#N/A", "n/a", "n.a.", "k.A.", r"\N", "<NA>", "#NULL!"]
)
_TWO_DIGITS = ("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%d-%b-%y", "%y-%m-%d")
_TIME = re.compile("[T ](?=[ ]?[0-9]{1,2}:)")
# The century of years of two digits.
PIVOT = 30


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
        name: Counted(Counter({t: n for t, n in counts.items() if t not in extra}), len(looked))
        for name, counts in counted.items()
    }
    signs, question = _notation(known)
    look = _Look(texts, signs, given)
    columns = [look.at(name, column) for name, column in known.items()]
    asked = given.key or next((h for h, kind in given.kinds.items() if kind == "key"), "")
    free = [c for c in columns if c.header not in given.kinds and REFERENCE not in c.header]
    key = asked or find_key(cells, free, known, look.numbers)
    said = (SAID,) * bool(asked)
    columns = [as_key(c, cells, said) if c.header == key else c for c in columns]
    measured = {*NUMERIC, "flag", "date"}
    numbers = {c.header: look.numbers(c.header) for c in columns if c.kind in measured}
    return SeenTable(
        rows=len(cells),
        columns=tuple(columns),
        signs=signs,
        key=key,
        repeated={
            name: 1.0 - len(column.counts) / max(column.known, 1) for name, column in known.items()
        },
        floats=frozenset(n for n, c in known.items() if c.share(re.compile(FLOAT_ID).search)),
        texts=texts,
        numbers=numbers,
        copies=find_copies(numbers),
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
    return CURRENCY.sub("", text).strip(SAME_SIGNS[" "])


def _notation(columns: Mapping[str, Counted]) -> tuple[NumberSigns, str]:
    """How numbers are written, in the notation that most columns fit; and what is not clear."""
    samples: list[list[str]] = []
    ignored: set[str] = set()
    for column in columns.values():
        texts = [text for text, _ in column.counts.most_common(_SAMPLE)]
        if texts and sum(bool(re.search("[0-9]", t)) for t in texts) > _MOST * len(texts):
            signs = [sign for text in texts for sign in CURRENCY.findall(text)]
            if len(signs) > len(texts) / 2:
                ignored.update(signs)
            samples.append([_plain(text) for text in texts])
    fits = []
    for notation in _NOTATIONS:
        pattern = re.compile(notation.pattern)
        shares = [sum(bool(pattern.match(t)) for t in texts) / len(texts) for texts in samples]
        # Only the largest amounts may have a sign of thousands.
        fits.append((sum(share >= _MOST for share in shares), sum(shares)))
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
        """The cells as numbers, dates as their days, NaN where there is none."""
        if header not in self._parsed:
            self._parsed[header] = self._values(header, self._number)
        return self._parsed[header]

    def _values(self, header: str, number: Callable[[str], float]) -> Numbers:
        coded = self._texts[header].combine_chunks().dictionary_encode()
        read = np.array([number(text) for text in coded.dictionary.to_pylist()], dtype=np.float64)
        return np.asarray(read[coded.indices.to_numpy(zero_copy_only=False)])

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

    def at(self, header: str, cells: Counted) -> Seen:
        """What a column seems to hold, or what a person says that it does."""
        seen = Seen(
            header,
            words_of(bare(header)),
            missing=1.0 - cells.known / max(cells.rows, 1),
            commonest=max(cells.counts.values(), default=0) / max(cells.known, 1),
        )
        if REFERENCE in header:
            return replace(seen, notes=(f"its name has {REFERENCE}, which no schema can hold",))
        kind = self._given.kinds.get(header)
        return self._told(seen, cells, kind) if kind else self._guessed(seen, cells)

    def _guessed(self, seen: Seen, cells: Counted) -> Seen:  # noqa: PLR0911 - one for each kind
        counts = cells.counts
        if not counts:
            return replace(seen, notes=("it is blank",))
        if not seen.header or (seen.words and seen.words[0] == "unnamed"):
            return replace(seen, notes=("it has no name",))
        if len(counts) == 1:
            return replace(seen, notes=(f"it is {next(iter(counts))[:40]!r} in every row",))
        if is_flag(counts):
            return replace(seen, kind="flag")
        if dated := self._dated(seen, cells):
            return dated
        numbers = self.numbers(seen.header)
        known = numbers[~np.isnan(numbers)]
        if (share := len(known) / cells.known) >= _MOST:
            return number_kind(replace(seen, sure=share), known, cells)
        if len(counts) <= _MAX_CATEGORIES and REFERENCE not in "".join(counts):
            return replace(seen, kind="category", values=by_count(counts))
        return replace(seen, notes=(f"{len(counts):,} different texts",))

    def _told(self, seen: Seen, cells: Counted, kind: str) -> Seen:
        """The column as of the kind that a person gave."""
        notes = (SAID,)
        if kind == "category":
            values = by_count(cells.counts)
            if len(values) > _MOST_CATEGORIES or REFERENCE in "".join(values):
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

    def _dated(self, seen: Seen, cells: Counted) -> Seen | None:
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

    def _chosen_dates(self, seen: Seen, cells: Counted, shapes: Sequence[DateFormat]) -> Seen:
        column = DateColumn(seen.header, seen.header, tuple(shapes), PIVOT)
        rows = nw.from_native(pa.table({seen.header: self._texts[seen.header]})).lazy()
        text = missing_as_empty(stripped(seen.header), MISSING)
        evidence = partial(column.evidence, text=text)(rows).collect().rows(named=True)
        try:
            chosen = column.choose(evidence)
        except UnclearDatesError as error:
            return replace(seen, question=f"{error.problem}. {error.remedy}")
        found = {text: chosen.format.day(_day_part(text, chosen)) for text in cells.counts}
        self._parsed[seen.header] = self._values(
            seen.header, lambda text: day.toordinal() if (day := found.get(text)) else float("nan")
        )
        days = sorted(day for day in found.values() if day)
        return replace(
            seen,
            date_format=chosen.format.text,
            first_day=days[0].isoformat() if days else "",
            last_day=days[-1].isoformat() if days else "",
            late_day=days[int(_EARLY * (len(days) - 1))].isoformat() if days else "",
        )


def _day_part(text: str, chosen: ChosenFormat) -> str:
    return _TIME.split(text)[0] if chosen.has_time else text
