"""The base of every block of the configuration."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def visible(text: str) -> str:
    """The text, if all of it can be seen.

    Raises:
        ValueError: It holds control or format characters, which could hide or turn what is shown.
    """
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if not unseen.isdisjoint(map(unicodedata.category, text)):
        raise ValueError("it holds line breaks, or characters that cannot be seen")
    return text


# What people are shown.
Shown = Annotated[str, AfterValidator(visible)]


class Parameters(BaseModel):
    """A block of the configuration; wrong types and unknown names are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
