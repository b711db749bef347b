"""An environment's bundles, and its champion, as the catalog names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from customer_segmentation.bundles.bundle import RESPONSE, SEGMENTER
from customer_segmentation.bundles.store import BUNDLES, BundleStore
from customer_segmentation.errors import UserError

if TYPE_CHECKING:
    import onnx


class BundleStoreDataset(AbstractDataset[Any, Any]):
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
        return self._store if self._environment else None

    @property
    def _store(self) -> BundleStore:
        return BundleStore(self._models, self._environment)

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


class ChampionDataset(BundleStoreDataset):
    """Loads the segmenter of the bundle that is live; arguments as for the store."""

    _model = SEGMENTER

    @property
    def _filepath(self) -> str | None:
        """Where the model is: what is made with it is made from this file."""
        live = self._store.live()
        return f"{self._store.root}/{BUNDLES}/{live.bundle}/{self._model}" if live else None

    @property
    def version(self) -> str | None:
        """The version of the segmenter."""
        live = self._store.live()
        return live.artifact_version if live else None

    def load(self) -> onnx.ModelProto:
        """The model, whose bytes are those that were promoted.

        Raises:
            UserError: Nothing was promoted here yet, the bundle was changed, or it is one without
                such a model.
        """
        from customer_segmentation.scoring.artifact_file import (  # noqa: PLC0415 - slow import
            read_model,
        )

        champion = self._store.champion()
        if champion is None:
            raise UserError(no_champion(self._store.environment))
        if self._model not in champion.files:
            environment = self._store.environment
            raise UserError(
                f"bundle {champion.id}, the champion of {environment}, has no {self._model}: it is "
                f"older than that. Promote another, which kedro run --env={environment} makes"
            )
        return read_model(champion.files[self._model])

    def _exists(self) -> bool:
        return self._store.live() is not None


class ResponseChampionDataset(ChampionDataset):
    """Loads the response model of the bundle that is live, or the file that says there is none.

    Arguments as for the store. `version` is the segmenter's, which names the bundle.
    """

    _model = RESPONSE


def no_champion(environment: str) -> str:
    """What to do where nothing was promoted yet."""
    return (
        f"{environment} has no champion yet: promote a bundle with kedro run --env={environment} "
        "--pipeline=promotion"
    )
