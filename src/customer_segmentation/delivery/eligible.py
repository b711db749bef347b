"""Who may be contacted on the day of a delivery, whatever the plan said on its own day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.delivery.plan import Standing
from customer_segmentation.delivery.records import texts
from customer_segmentation.schema.parts import KEY

_NO_CUSTOMER, _NEVER = "no customers any more", "never contacted"


@dataclass(frozen=True)
class EligibleCustomers:
    """The customers whom a list may hold.

    Attributes:
        as_of: The day of the newest table of customers.
        known: (m,) the ids of all customers.
        barred: The ids of those whom no campaign contacts.
        agreed: Purpose -> the ids of those who may be contacted for it.
        labels: Purpose -> what people call it.
    """

    as_of: date
    known: pa.Array
    barred: pa.Array
    agreed: Mapping[str, pa.Array]
    labels: Mapping[str, str]

    @classmethod
    def of(
        cls, customers: Standing, agreed: Mapping[str, pa.Array], labels: Mapping[str, str]
    ) -> EligibleCustomers:
        """The same of a table of customers."""
        ids = texts(customers.rows[KEY])
        barred = ids.filter(customers.rows["never"].combine_chunks())
        return cls(customers.as_of, ids, barred, agreed, labels)

    def may_be_contacted(self, ids: pa.Array, purposes: pa.Array) -> pa.Array:
        """Whether each of these customers may, each for a purpose; '' needs no consent."""
        whys = self._whys(ids, purposes)
        return pc.invert(reduce(pc.or_, whys.values()))

    def kept(self, rows: pa.Table) -> pa.Table:
        """Those of some members who may be contacted."""
        return rows.filter(self.may_be_contacted(texts(rows[KEY]), texts(rows["purpose"])))

    def reasons(self, rows: pa.Table) -> dict[str, int]:
        """Why others may not: reason -> how many; a customer counts for the first of several."""
        found: dict[str, int] = {}
        left = pa.repeat(pa.scalar(value=True), len(rows))
        for why, applies in self._whys(texts(rows[KEY]), texts(rows["purpose"])).items():
            count = pc.sum(pc.and_(left, applies)).as_py() or 0
            left = pc.and_(left, pc.invert(applies))
            found |= {why: count} if count else {}
        return found

    def _whys(self, ids: pa.Array, purposes: pa.Array) -> dict[str, pa.Array]:
        whys = {
            _NO_CUSTOMER: pc.invert(pc.is_in(ids, value_set=self.known)),
            _NEVER: pc.is_in(ids, value_set=self.barred),
        }
        for purpose in pc.unique(purposes).to_pylist():
            if purpose:
                agreed = self.agreed.get(purpose, pa.array([], pa.string()))
                refused = pc.invert(pc.is_in(ids, value_set=agreed))
                label = self.labels.get(purpose, purpose)
                whys[f"without consent to {label}"] = pc.and_(
                    pc.fill_null(pc.equal(purposes, purpose), fill_value=False), refused
                )
        return whys
