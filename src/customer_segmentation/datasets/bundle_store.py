"""An environment's bundles, as the catalog names them."""

from __future__ import annotations

from typing import Any

from kedro.io import AbstractDataset

from customer_segmentation.bundles.store import BundleStore


class BundleStoreDataset(AbstractDataset[Any, "BundleStore | None"]):
    """Loads the store of an environment's bundles; it is written by promotion alone.

    Args:
        filepath: The environment's folder of models, a path or URL.
        environment: The name of the environment; '' where there is none.
        metadata: For plugins.
    """

    def __init__(
        self, *, filepath: str, environment: str, metadata: dict[str, Any] | None = None
    ) -> None:
        """Nothing need be there yet."""
        # No `_filepath`: what a run reads here is not part of what its tables are made from.
        self._models, self._environment = filepath, environment
        self.metadata = metadata

    def load(self) -> BundleStore | None:
        """The store; None if there is no such environment."""
        return BundleStore(self._models, self._environment) if self._environment else None

    def save(self, data: Any) -> None:  # noqa: ANN401 - as the parent has it
        """Refused.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("bundles are written by promotion")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._models, "environment": self._environment}
