"""What the send log says of customers, as the catalog names it: whom campaigns contacted, and when.

Both are empty tables until something was delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

if TYPE_CHECKING:
    import pyarrow as pa

    from customer_segmentation.delivery.log import SendLog


class ContactsDataset(AbstractDataset[Any, Any]):
    """Loads every contact that a receiver has taken, and everybody held out.

    Args:
        filepath: The log's folder, a path or URL.
        metadata: For plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Nothing need be there yet."""
        # No `_filepath`: each delivery adds to it, and a plan is no less valid for it.
        self._folder = filepath
        self.metadata = metadata

    def load(self) -> pa.Table:
        """`delivery.assignments.CONTACTS`: customer_id, campaign, day, offer, ..., in_hold_out.

        Raises:
            UserError: A record is not as this project writes it.
        """
        from customer_segmentation.delivery.assignments import (  # noqa: PLC0415 - slow import
            contacts,
        )

        return contacts(self._log)

    @property
    def _log(self) -> SendLog:
        from customer_segmentation.delivery.log import SendLog  # noqa: PLC0415 - slow import

        return SendLog(self._folder)

    def save(self, data: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Refused.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("the send log is written by deliveries")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._folder}


class AssignmentsDataset(ContactsDataset):
    """Loads each customer of each campaign once, as first sent to a receiver, or held out."""

    def load(self) -> pa.Table:
        """The columns of `ContactsDataset`; `day` is the first contact's.

        Raises:
            UserError: A record is not as this project writes it.
        """
        from customer_segmentation.delivery.assignments import (  # noqa: PLC0415 - slow import
            assignments,
        )

        return assignments(self._log)
