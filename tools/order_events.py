"""Order lines as a shop's till would send them: made up, plausible, and the same for a seed.

Loyal customers order often, others wait for low prices, some send things back; one line in fifty
comes days late, and one in fifty is corrected later.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

# How often each kind of customer orders, how many lines, at which price, and sends back how often.
_KINDS = {
    "loyal": (9.0, 6, 1.4, 0.02),
    "waits for offers": (3.0, 3, 0.6, 0.03),
    "big and rare": (1.5, 9, 3.0, 0.04),
    "sends back": (2.0, 4, 1.1, 0.35),
    "once": (0.7, 2, 1.0, 0.01),
}
_SHARES = (0.15, 0.3, 0.1, 0.1, 0.35)
_LATE, _CORRECTED = 0.02, 0.02


@dataclass(frozen=True)
class OrderEvents:
    """A shop's order lines, one event each.

    Args:
        customers: How many there are.
        last_day: The day of most lines; late ones are of the days before.
        days: How far back the history goes.
        past_lines: Lines after so many are of the last day; without it, all are of the history.
        seed: The same seed gives the same events.
    """

    customers: int = 3_000
    last_day: date = date(2011, 12, 9)
    days: int = 1
    past_lines: int | None = None
    seed: int = 7

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Events without end: cells by header, in the order in which they are sent.

        `Line` tells an order's lines apart; the event of the highest `ChangedAt` stands.
        """
        chance = random.Random(self.seed)  # noqa: S311 - made up, and no secret
        kinds = chance.choices(list(_KINDS), _SHARES, k=self.customers)
        weights = [_KINDS[kind][0] for kind in kinds]
        corrections: list[dict[str, Any]] = []
        order = sent = 0
        while True:
            for customer in chance.choices(range(self.customers), weights, k=256):
                order += 1
                days = self.days if self.past_lines is None or sent < self.past_lines else 1
                for event in self._order(chance, order, customer, kinds[customer], days):
                    sent += 1
                    yield event | {"ChangedAt": sent}
                    if chance.random() < _CORRECTED:
                        corrections.append(event)
                    if corrections and chance.random() < _CORRECTED:
                        sent += 1
                        wrong = corrections.pop(0)
                        right = max(1, abs(wrong["Quantity"]) - 1)
                        yield wrong | {"Quantity": right, "ChangedAt": sent}

    def _order(
        self, chance: random.Random, order: int, customer: int, kind: str, days: int
    ) -> Iterator[dict[str, Any]]:
        _, lines, price, back = _KINDS[kind]
        is_late = chance.random() < _LATE
        day = self.last_day - timedelta(
            chance.randrange(1, 15) if is_late else chance.randrange(days)
        )
        is_back = chance.random() < back
        for line in range(1, chance.randrange(1, 2 * lines) + 1):
            quantity = chance.randrange(1, 13)
            yield {
                "CustomerID": str(10_000 + customer),
                "InvoiceNo": f"{'C' if is_back else ''}{600_000 + order}",
                "Line": line,
                "InvoiceDate": day.isoformat(),
                "Quantity": -quantity if is_back else quantity,
                "UnitPrice": round(price * chance.uniform(0.5, 8.0), 2),
            }
