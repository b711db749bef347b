"""How far a table is read: a value of the column that grows, as JSON holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from customer_segmentation.errors import UserError

Value = int | date | datetime | str


@dataclass(frozen=True)
class Cursor:
    """The greatest value of the cursor that was read.

    Attributes:
        value: A whole number, a time, a day, or a text where a database has no times.
    """

    value: Value

    @classmethod
    def of(cls, value: Any, name: str) -> Cursor:  # noqa: ANN401 - any driver's
        """The cursor of a row.

        Args:
            value: As the driver gives it.
            name: Of the column, for messages.

        Raises:
            UserError: It is of no kind that can be a cursor.
        """
        if isinstance(value, bool) or not isinstance(value, int | date | str):
            raise UserError(
                f"{name}: {value!r} cannot say how far a table is read. Name a column of whole "
                "numbers or of times as `cursor`"
            )
        return cls(value)

    @classmethod
    def read(cls, told: Mapping[str, str]) -> Cursor:
        """The same from a position."""
        kind, text = told["kind"], told["value"]
        if kind == "number":
            return cls(int(text))
        if kind == "day":
            return cls(date.fromisoformat(text))
        return cls(datetime.fromisoformat(text) if kind == "time" else text)

    @property
    def told(self) -> dict[str, str]:
        """For a position."""
        if isinstance(self.value, str):
            return {"kind": "text", "value": self.value}
        if isinstance(self.value, int):
            return {"kind": "number", "value": str(self.value)}
        kind = "time" if isinstance(self.value, datetime) else "day"
        return {"kind": kind, "value": self.value.isoformat()}

    def before(self, overlap: float) -> Cursor:
        """As much earlier: seconds, whole numbers, whole days; a text is itself."""
        if isinstance(self.value, str):
            return self
        if isinstance(self.value, int):
            return Cursor(self.value - int(overlap))
        days = -int(-overlap // 86_400) if not isinstance(self.value, datetime) else 0
        return Cursor(self.value - (timedelta(days=days) if days else timedelta(seconds=overlap)))

    def is_after(self, other: Cursor) -> bool:
        """Whether it is greater.

        Raises:
            UserError: They are of different kinds.
        """
        try:
            return bool(self.value > other.value)  # type: ignore[operator]
        except TypeError as error:
            raise UserError(
                f"the cursor was {other.value!r} and is {self.value!r} now: its column has another "
                "type. Read into another folder of parts"
            ) from error
