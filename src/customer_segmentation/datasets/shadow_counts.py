"""What servers counted of challengers, as the catalog names it."""

from __future__ import annotations

from typing import Any

from kedro.io import AbstractDataset

from customer_segmentation.retraining.trial import Shadows


class ShadowCountsDataset(AbstractDataset[Any, Any]):
    """Loads where servers count; a bundle's counts are read when they are asked for.

    Args:
        filepath: The folder `monitoring` of an environment, a path or URL.
        metadata: For plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Nothing need be there yet."""
        # No `_filepath`: each hour adds to it, and no promotion is less valid for it.
        self._folder = filepath
        self.metadata = metadata

    def load(self) -> Shadows:
        """The counts of any challenger."""
        return Shadows(self._folder)

    def save(self, data: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Refused.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("servers count")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._folder}
