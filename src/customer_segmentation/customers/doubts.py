"""Warn about cells that may mean something other than what was read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from unicodedata import category

import narwhals as nw

from customer_segmentation.customers.quarantine import CheckedCustomers, counted
from customer_segmentation.customers.reading import Reading
from customer_segmentation.customers.rules import canonical_name
from customer_segmentation.schema.cells import stripped
from customer_segmentation.schema.numbers import NumberSigns
from customer_segmentation.schema.parts import KEY

# Share of the cells of a column: fewer may be typing errors.
_MANY = 0.05
_LAST = "\U0010ffff"
# How else a number may be written: a pattern, and what to configure.
_SPACE_OR_APOSTROPHE = " '\u00a0\u202f\u2019"
_GROUP = f"[0-9]{{1,3}}(?:[.,{_SPACE_OR_APOSTROPHE}][0-9]{{3}})+"
_FRACTION = ",(?:[0-9]{1,2}|[0-9]{4,})"
_SIGN = "[^0-9.,]*"
_OTHER_NUMBERS = {
    "a decimal comma": (
        f"^{_SIGN}(?:{_GROUP}|[0-9]*){_FRACTION}{_SIGN}$",
        'add `customers.decimal_sign: ","`, and `customers.thousands_sign: "."` if there is one',
    ),
    "groups of thousands": (
        f"^{_SIGN}{_GROUP}(?:[.][0-9]*)?{_SIGN}$",
        'add `customers.thousands_sign: ","` or what it is, or else `customers.decimal_sign: ","`',
    ),
    "signs around them": (
        f"^{_SIGN}[0-9]+[.]?[0-9]*{_SIGN}$",
        "write plain numbers, or add what has no meaning to `customers.ignored_signs`",
    ),
}
_CURRENCY = re.compile("%|kr|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|INR|JPY|NOK|PLN|SEK|USD")
_AROUND = "^[^0-9.,+-]+|[^0-9.,]+$"
# Ids that another program may have written with other zeros or a fraction.
_ODD_KEY = "^0+[0-9A-Za-z]|[.]0+$"

Counts = Mapping[str, int]


def doubts_about(checked: CheckedCustomers, reading: Reading, reasons: Counts) -> list[str]:
    """One sentence for each doubt, with what to configure.

    Args:
        checked: The rows and their values.
        reading: How they were read.
        reasons: Problem -> number of rows, including values that were dropped.
    """
    return [
        *reading.notes(),
        *_thousands(checked, reading),
        *_other_numbers(checked, reading, reasons),
        *_alike_keys(checked, reading),
    ]


def _thousands(checked: CheckedCustomers, reading: Reading) -> list[str]:
    """Amounts of money with three decimals: most likely thousands."""
    known = reading.schema.columns
    money = [name for name in checked.columns if known[name].meaning == "money"]
    if reading.schema.thousands_sign or not money:
        return []
    values = {name: nw.col(canonical_name(name)) for name in money}
    # Few files have fractions, and numbers are faster to search than text.
    amounts = checked.kept(*map(canonical_name, money))
    fractions = counted(amounts, {n: v // 1.0 < v for n, v in values.items()})
    asked: dict[str, nw.Expr] = {}
    sign = reading.schema.decimal_sign
    for name in (name for name, rows in fractions.items() if rows):
        cell = stripped(reading.headers[name])
        asked[f"any {name}"] = cell.str.contains(f"[{sign}][0-9]")
        asked[name] = cell.str.contains(f"^[^0-9]*[0-9]{{1,3}}[{sign}][0-9]{{3}}(?:[^0-9]|$)")
    counts = counted(checked.kept(*(reading.headers[name] for name in money)), asked)
    named = [name for name in fractions if 2 * counts.get(name, 0) > counts.get(f"any {name}", 0)]
    if not named:
        return []
    examples = _examples(checked, {name: asked[name] for name in named}, reading.headers)
    columns = ", ".join(f"{n} ({counts[n]:,}, such as {examples[n]!r})" for n in named)
    other = "," if sign == "." else "."
    return [
        (
            f"most fractions have exactly three digits in {columns}: if these are thousands, add"
            f' `customers.thousands_sign: "{sign}"` and `customers.decimal_sign: "{other}"`'
        )
    ]


def _other_numbers(checked: CheckedCustomers, reading: Reading, reasons: Counts) -> list[str]:
    """Columns with many numbers in another notation."""
    rows = int(checked.rows.select(nw.len()).collect().item())
    problem = ": not a number"
    named = [text.removesuffix(problem) for text in reasons if text.endswith(problem)]
    named = [name for name in named if reasons[name + problem] > _MANY * rows]
    doubts = []
    for name in named:
        cell = stripped(reading.headers[name])
        is_other = ~reading.schema.signs.is_number(cell)
        asked = {w: is_other & cell.str.contains(shape) for w, (shape, _) in _OTHER_NUMBERS.items()}
        counts = counted(checked.rows, asked)
        what = max(counts, key=counts.__getitem__)
        if counts[what]:
            cells = _examples(checked, {name: asked[what]}, reading.headers)
            advice = _advice(cells[name], what, reading.schema.signs)
            doubts.append(
                f"{counts[what]:,} cells of {name} have {what}, such as {cells[name]!r}: {advice}"
            )
    return doubts


def _advice(cell: str, what: str, signs: NumberSigns) -> str:
    """What to configure so that a cell is read as a number."""
    around = re.findall(_AROUND, cell)
    words = list(dict.fromkeys(sign for part in around for sign in part.split()))
    # Brackets may mean a minus, and k or Mio a multiple: only a person can tell.
    if not all(_CURRENCY.fullmatch(word) or category(word[0]) == "Sc" for word in words):
        return _OTHER_NUMBERS["signs around them"][1]
    spaces = [" "] if any(part.split() != [part] for part in around) else []
    ignored = json.dumps(words + spaces, ensure_ascii=False)
    advice = [f"add `customers.ignored_signs: {ignored}`"] if around else []
    if not re.search(signs.pattern, re.sub(_AROUND, "", cell)):
        advice.insert(0, _OTHER_NUMBERS[what][1])
    return "; ".join(advice)


def _alike_keys(checked: CheckedCustomers, reading: Reading) -> list[str]:
    """Ids that differ only by leading zeros or a fraction of zeros."""
    key, plain = canonical_name(KEY), "checked__plain_key"
    keys = checked.kept(key)
    if reading.has_lines:
        keys = keys.unique()
    odd = keys.filter(nw.col(key).str.contains(_ODD_KEY))
    if not int(odd.select(nw.len()).collect().item()):
        return []
    bare = nw.col(key).str.replace_all("[.]0+$", "").str.replace_all("^0+", "")
    wanted = odd.select(**{plain: bare}).unique()
    groups = (
        keys.with_columns(**{plain: bare})
        .join(wanted, on=plain, how="semi")
        .group_by(plain)
        .agg(ids=nw.len(), low=nw.col(key).min(), high=nw.col(key).max())
        .filter(nw.col("ids") > 1)
    )
    if not (ids := int(groups.select(nw.col("ids").sum()).collect().item() or 0)):
        return []
    pairs = groups.sort("low").head(3).collect().rows(named=True)
    told = ", ".join(f"{pair['low']!r} and {pair['high']!r}" for pair in pairs)
    return [
        (
            f"{ids:,} ids differ from another only by zeros at their start or end, such as {told}:"
            " they were kept as separate customers; write each customer's id in one way"
        )
    ]


def _examples(
    checked: CheckedCustomers, rules: Mapping[str, nw.Expr], headers: Mapping[str, str]
) -> dict[str, str]:
    """For each column, a cell for which its rule is true."""
    minimum = {
        f"least_{place}": nw.when(rule).then(stripped(headers[name])).otherwise(nw.lit(_LAST)).min()
        for place, (name, rule) in enumerate(rules.items())
    }
    examples = checked.rows.select(**minimum).collect().row(0)
    return {name: str(cell)[:40] for name, cell in zip(rules, examples, strict=True)}
