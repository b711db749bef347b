"""The `customers` block of the configuration: how a company's export maps to the contract."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from customer_segmentation.customers.contract import COLUMNS

_DATE_FORMAT = re.compile(r"%[dmY]([-/. ])%[dm]\1%[dmY]")


class Parameters(BaseModel):
    """A block of the configuration: wrong types and unknown names are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


# `--params` gives dates as text; YAML gives them as dates.
Day = Annotated[date, Field(strict=False)]


class AgeWindow(Parameters):
    """Ages at the snapshot, in years, that a customer may have."""

    minimum: int = Field(ge=0)
    maximum: int = Field(le=150)

    @model_validator(mode="after")
    def _minimum_is_below_maximum(self) -> Self:
        if self.minimum > self.maximum:
            message = f"minimum ({self.minimum}) is above maximum ({self.maximum})"
            raise ValueError(message)
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

    @model_validator(mode="after")
    def _window_is_not_empty(self) -> Self:
        if self.enrolled_from > self.as_of:
            message = f"enrolled_from ({self.enrolled_from}) is after as_of ({self.as_of})"
            raise ValueError(message)
        return self

    @field_validator("aliases")
    @classmethod
    def _aliases_are_canonical(cls, aliases: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(aliases.values()) - set(COLUMNS))
        if unknown:
            message = f"{unknown} are no canonical columns; these are: {sorted(COLUMNS)}"
            raise ValueError(message)
        return aliases

    @field_validator("date_formats")
    @classmethod
    def _formats_are_numeric(cls, formats: list[str]) -> list[str]:
        for text in formats:
            if not _DATE_FORMAT.fullmatch(text) or len({*re.findall("%[dmY]", text)}) < 3:  # noqa: PLR2004 - day, month, year
                message = (
                    f"{text!r}: give %d, %m and %Y once each, %Y first or last, with one separator "
                    "(- / . or a space)"
                )
                raise ValueError(message)
        return formats

    @field_validator("categories")
    @classmethod
    def _categories_are_known(
        cls, categories: dict[str, dict[str, str]]
    ) -> dict[str, dict[str, str]]:
        for name, spellings in categories.items():
            if name not in COLUMNS or COLUMNS[name].kind != "category":
                message = f"{name!r} is no category column"
                raise ValueError(message)
            unknown = sorted(set(spellings.values()) - set(COLUMNS[name].categories))
            if unknown:
                message = f"{name}: {unknown} are not among {list(COLUMNS[name].categories)}"
                raise ValueError(message)
        return categories

    def header_of(self, headers: list[str]) -> dict[str, str]:
        """Canonical column -> header as sent, for the headers that map to one."""
        found: dict[str, str] = {}
        for header in headers:
            name = header.strip()
            canonical = self.aliases.get(name, name)
            if canonical in COLUMNS:
                if canonical in found:
                    message = (
                        f"the headers {found[canonical]!r} and {header!r} both stand for "
                        f"`{canonical}`: remove one, or change `customers.aliases`"
                    )
                    raise ValueError(message)
                found[canonical] = header
        return found
