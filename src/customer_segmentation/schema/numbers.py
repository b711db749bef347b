"""Read numbers from text cells in the notation of the source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw

from customer_segmentation.schema.cells import Columns, Parsed, either_case

# A cell with a plain number.
NUMBER = r"^[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_NOT_FINITE = r"^[+-]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])$"
_LARGEST = 1.7976931348623157e308
# Variants of a space and of an apostrophe.
SAME_SIGNS = {" ": " \u00a0\u2009\u202f", "'": "'\u2019"}


@dataclass(frozen=True)
class NumberSigns:
    """How numbers are written.

    Attributes:
        decimal: The decimal sign.
        thousands: The sign between groups of three digits, or ''; it may be left out.
        ignored: Text around a number to ignore, such as a currency.
    """

    decimal: str = "."
    thousands: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """The pattern of a number, without ignored text."""
        point, digits = f"[{self.decimal}]", "[0-9]+"
        if self.thousands:
            digits = f"(?:[0-9]{{1,3}}(?:{self._between}[0-9]{{3}})+|[0-9]+)"
        return rf"^[+-]?(?:{digits}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?$"

    def is_number(self, text: nw.Expr) -> nw.Expr:
        """Whether a stripped text is a number."""
        return self.without_ignored(text).str.contains(self.pattern)

    def plain(self, text: nw.Expr) -> nw.Expr:
        """A text that fits the pattern in plain notation."""
        if self.thousands:
            text = text.str.replace_all(self._between, "")
        return text.str.replace_all(self.decimal, ".", literal=True)

    def without_ignored(self, text: nw.Expr) -> nw.Expr:
        """The text without ignored parts and surrounding spaces."""
        if not self.ignored:
            return text
        pattern = "|".join(
            f"[{SAME_SIGNS[sign]}]" if sign in SAME_SIGNS else either_case(sign)
            for sign in sorted(self.ignored, key=len, reverse=True)
        )
        return text.str.replace_all(pattern, "").str.strip_chars(SAME_SIGNS[" "])

    @property
    def _between(self) -> str:
        return f"[{SAME_SIGNS.get(self.thousands, re.escape(self.thousands))}]"


@dataclass(frozen=True)
class ParsedNumber(Parsed):
    """A number column.

    Attributes:
        signs: How numbers are written.
        words: For a flag: word -> 0 or 1; case is ignored.
    """

    signs: NumberSigns = NumberSigns()
    words: Mapping[str, int] | None = None

    @property
    def levels(self) -> tuple[Columns, ...]:
        """The columns to add; each level uses those before."""
        text = nw.col(self.name)
        if self.signs == NumberSigns():
            return self._levels(text)
        # In plain notation; as sent where it is not a number.
        bare = self.part("bare")
        plain = nw.when(bare.str.contains(self.signs.pattern)).then(self.signs.plain(bare))
        # A point that is not the decimal sign does not make a number.
        other = nw.when(text.str.contains(NUMBER)).then(nw.lit("?")).otherwise(text)
        return (
            {self.beside("bare"): self.signs.without_ignored(text)},
            {self.beside("plain"): plain.otherwise(other)},
            *self._levels(self.part("plain")),
        )

    def _levels(self, text: nw.Expr) -> tuple[Columns, ...]:
        is_number, parsed = self.part("is_number"), self.part("parsed")
        # With a null branch over text, some engines cannot infer a type.
        number = nw.when(is_number).then(text).otherwise(nw.lit("0"))
        # Empty for numbers, which most cells are: faster to search.
        word = nw.when(~is_number).then(text).otherwise(nw.lit(""))
        too_large = parsed.abs() > _LARGEST
        value: nw.Expr = nw.when(is_number & ~self.part("not_finite")).then(parsed)
        spelled: Columns = {}
        if self.words:
            spelled = {self.beside(f"is_{n}"): self._spells(word, n) for n in (0, 1)}
            yes, no = self.part("is_1"), self.part("is_0")
            value = nw.when(yes).then(nw.lit(1.0)).otherwise(value)
            value = nw.when(no).then(nw.lit(0.0)).otherwise(value)
        return (
            {self.beside("is_number"): text.str.contains(NUMBER)},
            {self.beside("parsed"): number.cast(nw.Float64), **spelled},
            {self.beside("not_finite"): word.str.contains(_NOT_FINITE) | too_large},
            {self.beside("value"): value},
        )

    def _spells(self, word: nw.Expr, number: int) -> nw.Expr:
        spelled = [either_case(w) for w, meaning in (self.words or {}).items() if meaning == number]
        # On a column of numbers all words are empty, which is fast.
        return word.str.contains(f"^(?:{'|'.join(spelled)})$") if spelled else nw.lit(value=False)

    @property
    def value(self) -> nw.Expr:
        """The finite number; null if there is none."""
        return self.part("value")

    @property
    def malformed(self) -> nw.Expr:
        """Whether there is text that is not a number."""
        is_empty = nw.col(self.name) == ""
        is_known = is_empty | self.part("is_number") | self.part("not_finite")
        if self.words:
            is_known = is_known | self.part("is_0") | self.part("is_1")
        return ~is_known

    @property
    def not_finite(self) -> nw.Expr:
        """Whether the text spells infinity, not-a-number, or a number too large for a float."""
        return self.part("not_finite")
