"""The `customers` block of the configuration: how an export maps to the contract."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from customer_segmentation.customers.contract import COLUMNS
from customer_segmentation.customers.dates import DateFormat
from customer_segmentation.customers.numbers import NumberSigns

_SIGNS_OF_A_NUMBER = frozenset("0123456789+-")


class Parameters(BaseModel):
    """A block of the configuration; wrong types and unknown names are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


# `--params` gives dates as text; YAML gives them as dates.
Day = Annotated[date, Field(strict=False)]


class AgeWindow(Parameters):
    """The allowed ages of customers at the snapshot, in years."""

    minimum: int = Field(ge=0)
    maximum: int = Field(le=150)

    @model_validator(mode="after")
    def _minimum_is_below_maximum(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum ({self.minimum}) is above maximum ({self.maximum})")
        return self


class CustomerParameters(Parameters):
    """How to read a company's export: its headers, dates, spellings, and its snapshot's day."""

    as_of: Day
    # A year of fewer digits would not be read as one.
    enrolled_from: Annotated[Day, Field(ge=date(1900, 1, 1))]
    age: AgeWindow
    aliases: dict[str, str]
    date_formats: list[str] = Field(min_length=1)
    missing_values: list[str]
    categories: dict[str, dict[str, str]]
    # Two-digit years below it belong to this century.
    two_digit_years_before: Annotated[int, Field(ge=0, le=100)] | None = None
    decimal_sign: Literal[".", ","] = "."
    thousands_sign: Literal["", ".", ",", " ", "'"] = ""
    ignored_signs: list[Annotated[str, Field(min_length=1)]] = []
    # Words for 0 and 1 in flag columns; case is ignored.
    flags: dict[str, Literal[0, 1]] = {}
    # Words that say that a category is not known.
    unknown_categories: list[Annotated[str, Field(min_length=1)]] = []

    @field_validator("aliases")
    @classmethod
    def _aliases_are_canonical(cls, aliases: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(aliases.values()) - set(COLUMNS))
        if unknown:
            raise ValueError(f"{unknown} are no canonical columns; these are: {sorted(COLUMNS)}")
        return aliases

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if self.enrolled_from > self.as_of:
            raise ValueError(f"enrolled_from ({self.enrolled_from}) is after as_of ({self.as_of})")
        try:
            _ = self.formats
        except ValueError as error:
            raise ValueError(f"date_formats: {error}") from error
        if self.decimal_sign == self.thousands_sign:
            raise ValueError(f"decimal_sign and thousands_sign are both {self.decimal_sign!r}")
        taken = _SIGNS_OF_A_NUMBER | {self.decimal_sign, self.thousands_sign}
        wrong = [sign for sign in self.ignored_signs if not taken.isdisjoint(sign)]
        if wrong:
            raise ValueError(
                f"ignored_signs: {wrong} contain digits, signs or separators of numbers"
            )
        return self

    @field_validator("flags", mode="before")
    @classmethod
    def _flags_are_words(cls, flags: object) -> object:
        if isinstance(flags, dict) and not all(isinstance(word, str) and word for word in flags):
            raise ValueError(
                "give its words in quotes: YAML reads yes, no, true and false as no words"
            )
        return flags

    @field_validator("categories")
    @classmethod
    def _categories_are_known(
        cls, categories: dict[str, dict[str, str]]
    ) -> dict[str, dict[str, str]]:
        for name, spellings in categories.items():
            if name not in COLUMNS or COLUMNS[name].kind != "category":
                raise ValueError(f"{name!r} is no category column")
            unknown = sorted(set(spellings.values()) - set(COLUMNS[name].categories))
            if unknown:
                raise ValueError(
                    f"{name}: {unknown} are not among {list(COLUMNS[name].categories)}"
                )
        return categories

    @cached_property
    def formats(self) -> tuple[DateFormat, ...]:
        """The allowed formats of a date column, most likely first."""
        return tuple(DateFormat.of(text, self.two_digit_years_before) for text in self.date_formats)

    @property
    def signs(self) -> NumberSigns:
        """How numbers are written."""
        return NumberSigns(self.decimal_sign, self.thousands_sign, tuple(self.ignored_signs))
