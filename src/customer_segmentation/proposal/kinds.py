"""Which kind of number a column holds, by its header and its cells."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np

from customer_segmentation.proposal.seen import MONEY, Counted, Numbers, Seen
from customer_segmentation.proposal.words import WORDS, duration_unit, is_per, unit_in
from customer_segmentation.schema.declarations import RANGES
from customer_segmentation.schema.schema import FLAGS

# Share of rows that may be typing errors.
_FEW = 0.02
CURRENCY = re.compile(
    r"[$€£¥₹]|%|\b(?:kr|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|INR|JPY|NOK|PLN|SEK|USD)\b"
)
_MAX_CODES = 12
_YEARS = (1850, 2100)
_OLDEST = 130
# Whole numbers up to here are taken for counts, where the header says nothing.
_MANY = 1_000.0
# Numbers from here on, all of one length, are no amounts; nor is what is larger than any amount.
_LONG, _LARGEST = 1e7, 1e12
_DIFFERENT = 0.9
# Where one amount in twenty is so many times the middle one, a few customers are all that counts.
_HEAVY = 10.0


def number_kind(seen: Seen, numbers: Numbers, cells: Counted) -> Seen:  # noqa: C901, PLR0911, PLR0912 - one for each meaning
    """The column as one of numbers, or as codes that are no numbers.

    Args:
        seen: The column.
        numbers: Those of its cells that are some.
        cells: All that have a value.
    """
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
        codes = by_count(cells.counts)
        return replace(seen, kind="category", values=codes)
    if is_whole and not is_count and (last in WORDS["label"] or last in WORDS["code"]):
        return _not_read(seen, f"{distinct:,} codes, which are no amounts")
    if is_whole and distinct > _MAX_CODES and words and {*words} <= WORDS["person"]:
        return _not_read(seen, f"{distinct:,} codes, which are no amounts")
    if is_whole and not (is_count or money) and _are_ids(numbers, cells):
        return _not_read(seen, "long numbers, nearly all different: they name something")
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
    has_currency = cells.share(CURRENCY.search) > 0.5 or CURRENCY.search(unit)  # noqa: PLR2004 - most
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


def _are_ids(numbers: Numbers, cells: Counted) -> bool:
    """Whether whole numbers are those of phones, contracts or the like."""
    lengths = {len(text) for text in cells.counts}
    are_different = len(cells.counts) > _DIFFERENT * cells.known
    is_long = float(numbers.min()) >= _LONG
    return float(numbers.max()) > _LARGEST or (is_long and are_different and len(lengths) == 1)


def is_heavy_tailed(amounts: Numbers, *, is_count: bool = False) -> bool:
    """Whether amounts or counts, none of them below 0, are of very different sizes."""
    known = amounts[~np.isnan(amounts)]
    if not len(known) or known.min() < 0.0:
        return False
    middle, large = np.quantile(known, [0.5, 0.95])
    return bool(large > _HEAVY * max(middle, 1.0 if is_count else 0.0))


def _not_read(seen: Seen, why: str) -> Seen:
    return replace(seen, kind="text", notes=(*seen.notes, why))


def by_count(counts: Counter[str]) -> tuple[str, ...]:
    """Texts, the most frequent first."""
    return tuple(text for text, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def is_flag(counts: Counter[str]) -> bool:
    """Whether all texts say yes or no."""
    texts = {text.lower() for text in counts}
    return texts <= {"0", "1"} or texts <= {"0.0", "1.0"} or texts <= FLAGS.keys()
