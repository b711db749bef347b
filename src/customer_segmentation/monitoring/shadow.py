"""What a challenger would have answered beside the champion, in counts alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHADOW = "shadow"


@dataclass(frozen=True)
class ShadowCounts:
    """Answers of a champion and of a challenger for the same customers.

    Attributes:
        champion: The id of its bundle.
        challenger: Likewise.
        customers: Who were answered by both.
        pairs: The segments' keys by the champion and by the challenger -> customers.
        chances: The probability of an answer in tenths, 0 to 9, by each -> customers; of those for
            whom both know one.
        failed: Customers for whom the challenger gave none, or no probability where the champion
            has one. The latter are among `customers`, too.
        skipped: Customers whom it was not asked about: it is slower than they come, the cold-start
            model answers them, or it needs other columns.
    """

    champion: str
    challenger: str
    customers: int = 0
    pairs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    chances: Mapping[tuple[int, int], int] = field(default_factory=dict)
    failed: int = 0
    skipped: int = 0

    @property
    def about(self) -> str:
        """The ids of both bundles."""
        return f"{self.champion} {self.challenger}"

    def merged(self, other: ShadowCounts) -> ShadowCounts:
        """The counts of both.

        Raises:
            ValueError: They are of other bundles.
        """
        if (self.champion, self.challenger) != (other.champion, other.challenger):
            message = "these are counts of other bundles"
            raise ValueError(message)
        return ShadowCounts(
            self.champion,
            self.challenger,
            self.customers + other.customers,
            _sum(self.pairs, other.pairs),
            _sum(self.chances, other.chances),
            self.failed + other.failed,
            self.skipped + other.skipped,
        )

    def stated(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "champion": self.champion,
            "challenger": self.challenger,
            "customers": self.customers,
            "pairs": [[*pair, n] for pair, n in sorted(self.pairs.items())],
            "chances": [[*pair, n] for pair, n in sorted(self.chances.items())],
            "failed": self.failed,
            "skipped": self.skipped,
        }

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> ShadowCounts:
        """From JSON.

        Raises:
            ValueError: These are no such counts.
        """
        try:
            return cls(
                str(stated["champion"]),
                str(stated["challenger"]),
                int(stated["customers"]),
                {(str(a), str(b)): int(n) for a, b, n in stated["pairs"]},
                {(int(a), int(b)): int(n) for a, b, n in stated["chances"]},
                int(stated["failed"]),
                int(stated["skipped"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            message = f"no counts of a challenger: {error}"
            raise ValueError(message) from error


def shadow_file(root: str, counts: ShadowCounts, hour: str, writer: str) -> str:
    """Where a process keeps what it counted of a challenger in an hour.

    Args:
        root: The folder `monitoring` of an environment, a path or URL.
        counts: Of the challenger.
        hour: UTC, as `2026-11-30T13`.
        writer: A name that no other process has.
    """
    return f"{root}/{SHADOW}/{counts.challenger}/{hour}/{writer}.json"


def _sum(one: Mapping[Any, int], other: Mapping[Any, int]) -> dict[Any, int]:
    found = dict(one)
    for key, count in other.items():
        found[key] = found.get(key, 0) + count
    return found
