"""A source beside that of customers, which may be absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from customer_segmentation.errors import UserError
from customer_segmentation.sources.content import UTF8
from customer_segmentation.sources.dataset import SourceDataset

if TYPE_CHECKING:
    import pyarrow as pa

    from customer_segmentation.sources.landed import Landed


class OptionalSource(AbstractDataset[None, Any]):
    """Lands a source where it stays for the process alone, and gives it as a table of text.

    It is small beside the customers, is collected in every environment, and leaves no copy that an
    erasure would have to find.

    Args:
        place: Absolute path or URL, as for `SourceDataset`; '' where there is none.
        encoding: Of text without a byte-order mark.
        metadata: For plugins.

    Attributes:
        place: Where it is.
        landed: What the last load landed; None without a source.
    """

    def __init__(
        self, *, place: str, encoding: str = UTF8, metadata: dict[str, Any] | None = None
    ) -> None:
        """The file need not be there yet."""
        # No `_filepath`: it is not a run's to change, and what is made of it is not outdated by it.
        self._source = SourceDataset(filepath=place, encoding=encoding) if place else None
        self.place = place
        self.metadata = metadata
        self.landed: Landed | None = None

    def load(self) -> pa.Table | None:
        """The headers as sent, every cell as text, and `row_number`; None without a source.

        Raises:
            UserError: It is not there, or no table.
        """
        if self._source is None:
            return None
        import pyarrow as pa  # noqa: PLC0415 - only where something is read

        table = pa.Table.from_pandas(self._source.load(), preserve_index=False)
        self.landed = self._source.landed
        return table

    def save(self, data: None) -> None:  # noqa: ARG002 - the parent's signature
        """Not possible: a source is only read."""
        raise UserError(f"{self.place} is a source: it is read and never written.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"place": self.place}
