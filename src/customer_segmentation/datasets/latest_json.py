"""A JSON file that another pipeline leaves, if it has left one."""

from __future__ import annotations

import json
from typing import Any

from kedro.io import AbstractDataset

from customer_segmentation.datasets.pending import filesystem_of
from customer_segmentation.errors import UserError


class LatestJsonDataset(AbstractDataset[Any, Any]):
    """Loads what a JSON file holds now; None where there is none.

    Args:
        filepath: Of the file, a path or URL.
        metadata: For plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Nothing need be there yet."""
        # No `_filepath`: what is made with it is no less valid once it changes.
        self._place = filepath
        self.metadata = metadata

    def load(self) -> Any:  # noqa: ANN401 - any JSON
        """What it holds.

        Raises:
            UserError: It is no JSON.
        """
        files, path = filesystem_of(self._place)
        try:
            return json.loads(files.cat_file(path))
        except FileNotFoundError:
            return None
        except ValueError as error:
            message = f"{self._place} is not as a run wrote it: remove it, and run again"
            raise UserError(message) from error

    def save(self, data: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Refused.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("another entry of the catalog writes it")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._place}
