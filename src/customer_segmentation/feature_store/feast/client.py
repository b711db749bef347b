"""Feast's store, which answers a feature that does not exist with the nearest that do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from feast import FeatureService, FeatureStore
from feast.errors import FeatureViewNotFoundException
from feast.infra.offline_stores.offline_store import RetrievalJob
from feast.online_response import OnlineResponse

from customer_segmentation.feature_store.definitions import no_feature

_Features = list[str] | FeatureService


class SegmentationFeatureStore(FeatureStore):
    """A `feast.FeatureStore`."""

    def get_online_features(
        self,
        features: _Features,
        *args: Any,  # noqa: ANN401 - as the parent has it
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> OnlineResponse:
        """As the parent's.

        Raises:
            UserError: A feature does not exist; names the nearest.
        """
        with self._naming(features):
            return super().get_online_features(features, *args, **kwargs)

    def get_historical_features(
        self,
        entity_df: Any = None,  # noqa: ANN401 - as above
        features: _Features = [],  # noqa: B006 - as the parent has it
        *args: Any,  # noqa: ANN401 - as above
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> RetrievalJob:
        """As the parent's.

        Raises:
            UserError: A feature does not exist; names the nearest.
        """
        with self._naming(features):
            return super().get_historical_features(entity_df, features, *args, **kwargs)

    @contextmanager
    def _naming(self, features: _Features) -> Iterator[None]:
        try:
            yield
        except (KeyError, FeatureViewNotFoundException) as error:
            asked: Sequence[str] = features if isinstance(features, list) else []
            views = self.list_feature_views()
            known = [f"{view.name}:{one.name}" for view in views for one in view.features]
            for name in asked:
                if name not in known:
                    raise no_feature(name, known) from error
            raise
