"""The gates of a promotion: a figure each, its bound, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from customer_segmentation.aligned import aligned

# Bytes that nobody vouches for, answers that differ here, customers that cannot be scored: where
# one of these fails, the gates behind are not measured, and nobody knows what would be let pass.
# And whoever reads a feature by its version must not get another one.
NEVER_OVERRIDDEN = ("provenance", "same_answers", "contract", "features")


@dataclass(frozen=True)
class Gate:
    """One figure of a gate.

    Attributes:
        gate: The name of the gate.
        name: Of the figure, for machines: in MLflow it is the same in every promotion.
        figure: What is measured, in words.
        measured: Its value; None where it could not be measured.
        bound: Its limit.
        is_least: Whether the limit is the least value that passes, else it is the largest.
        note: What a reader should know besides, such as which segment is gone.
    """

    gate: str
    name: str
    figure: str
    measured: float | None
    bound: float
    is_least: bool = False
    note: str = ""

    @classmethod
    def none_of(cls, gate: str, name: str, figure: str, found: Sequence[str]) -> Gate:
        """A figure that counts what must not be found, and names it."""
        return cls(gate, name, figure, len(found), 0, note="; ".join(found))

    @property
    def passed(self) -> bool:
        """Whether the figure is within its bound; what was not measured is not."""
        if self.measured is None:
            return False
        return self.measured >= self.bound if self.is_least else self.measured <= self.bound

    def told(self) -> dict[str, Any]:
        """As the log, the report and MLflow have it."""
        limit = f"{'at least' if self.is_least else 'at most'} {self.bound:g}"
        return {**asdict(self), "limit": limit, "passed": self.passed}


def failed(gates: Iterable[Gate]) -> tuple[str, ...]:
    """The names of the gates with a figure out of bounds, each once."""
    return tuple(dict.fromkeys(gate.gate for gate in gates if not gate.passed))


def as_lines(gates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Gates, as `Gate.told` gives them, as a table of text: a line each, and one for a note."""
    rows = [("gate", "figure", "measured", "bound", "")]
    for gate in gates:
        measured = "not measured" if gate["measured"] is None else f"{gate['measured']:.4g}"
        result = "pass" if gate["passed"] else "FAIL"
        rows.append((gate["gate"], gate["figure"], measured, gate["limit"], result))
    lines = []
    for row, note in zip(aligned(rows), ("", *(gate["note"] for gate in gates)), strict=True):
        lines.append(row)
        if note:
            lines.append(f"    {note}")
    return lines
