"""A challenger is tried on the customers whom the champion answers, and answers nobody."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.bundles.bundle import COLD_START, RESPONSE, SEGMENTER
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.beside import Beside, room_of
from customer_segmentation.monitoring.hourly import HourlyFiles, hours_of
from customer_segmentation.monitoring.shadow import ShadowCounts, shadow_file
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.metrics import Metrics
from customer_segmentation.serving.monitoring.comparing import ChampionAnswers, Unlike, compared
from customer_segmentation.serving.settings import Settings

logger = logging.getLogger(__name__)

_MOST_CUSTOMERS = 20_000


@dataclass(frozen=True)
class Tried:
    """A challenger, or what is known of one that cannot be loaded."""

    id: str
    bundle: Bundle | None


class Shadow:
    """Tries the environment's challenger.

    Args:
        settings: Where challenger and counts are, and the share of customers.
        metrics: Counts whether it agrees.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._store = BundleStore(settings.bundle)
        self._device, self._share = settings.device, settings.shadow_share
        hour = hours_of(settings.monitoring_hour)
        self._files = HourlyFiles(settings.monitoring, hour, shadow_file)
        self._metrics = metrics
        self._tried: Tried | None = None
        self._drawn = 0.0
        self._skipped: dict[tuple[str, str], int] = {}
        self._skipping = Lock()
        self._last_errors: dict[str, str] = {}
        self._beside: Beside[ChampionAnswers] = Beside(
            self._try, self._files.write, _MOST_CUSTOMERS, settings.monitoring_seconds
        )

    @property
    def is_on(self) -> bool:
        """Whether there is a challenger."""
        return self._tried is not None

    def start(self) -> None:
        """Begin to try and to write."""
        self._beside.start()

    def stop(self) -> None:
        """Have it come to its end."""
        self._beside.stop()

    def end(self, seconds: float) -> bool:
        """Wait for that, for so many seconds at most; whether all is written."""
        return self._beside.end(seconds)

    def look(self, champion: Bundle) -> None:
        """Take up the challenger that is named now, or leave the one that no longer is."""
        try:
            named = self._store.challenger()
            wanted = named.bundle if named and named.bundle != champion.id and self._share else None
            if wanted != (self._tried.id if self._tried else None):
                self._tried = Tried(wanted, self._loaded(wanted)) if wanted else None
                if wanted is None:
                    logger.info("no challenger is tried any more")
        except Exception as error:  # noqa: BLE001 - a store may raise anything
            # It is read again the next time: a store that is down says nothing of a challenger.
            self._say_once("look", f"the challenger cannot be read: {error}")
            return
        self._last_errors.pop("look", None)

    def put(
        self,
        champion: Bundle,
        matrix: NDArray[np.float64],
        outputs: Mapping[str, NDArray[Any]],
    ) -> None:
        """Have the challenger tried soon on customers whom the champion has answered."""
        self._drawn += self._share
        if self._drawn < 1.0:
            return
        self._drawn -= 1.0
        if not self._beside.put(ChampionAnswers(champion, matrix, outputs), room_of(matrix)):
            self.skip(champion, len(matrix))

    def skip(self, champion: Bundle, customers: int) -> None:
        """Tell of customers whom it is not tried on."""
        if tried := self._tried:
            key = champion.id, tried.id
            with self._skipping:
                self._skipped[key] = self._skipped.get(key, 0) + customers

    def _loaded(self, bundle_id: str) -> Bundle | None:
        """The challenger; None where its files are not those that are named, or cannot answer."""
        try:
            files = self._store.bundle(bundle_id).files
        except UserError as error:
            self._say_untried(bundle_id, error)
            return None
        try:
            models = files[SEGMENTER], files[COLD_START], files.get(RESPONSE)
            bundle = Bundle(*models, self._device)
        except Exception as error:  # noqa: BLE001 - nobody's answer depends on it
            self._say_untried(bundle_id, error)
            return None
        logger.info("challenger %s is tried beside the champion", bundle_id)
        return bundle

    def _say_untried(self, bundle_id: str, error: Exception) -> None:
        self._say_once("load", f"challenger {bundle_id} cannot be tried: {error}")

    def _try(self, taken: list[ChampionAnswers]) -> None:
        if taken and (tried := self._tried):
            self._try_on(tried, taken)
        with self._skipping:
            skipped, self._skipped = self._skipped, {}
        for (champion, challenger), count in skipped.items():
            self._files.add(ShadowCounts(champion, challenger, skipped=count))

    def _try_on(self, tried: Tried, taken: list[ChampionAnswers]) -> None:
        groups: dict[tuple[int, int], list[ChampionAnswers]] = {}
        for one in taken:
            groups.setdefault((id(one.champion), one.matrix.shape[1]), []).append(one)
        for together in groups.values():
            champion = together[0].champion
            count = sum(len(one.matrix) for one in together)
            try:
                if tried.bundle is None:
                    counts = ShadowCounts(champion.id, tried.id, failed=count)
                else:
                    counts = compared(champion, tried.bundle, together)
            except Unlike as error:
                self._say_once("unlike", f"challenger {tried.id} is not tried: {error}")
                counts = ShadowCounts(champion.id, tried.id, skipped=count)
            except Exception as error:  # noqa: BLE001 - nobody's answer depends on it
                # What a library says may hold what a customer sent.
                self._say_once("try", f"challenger {tried.id} fails ({type(error).__name__})")
                counts = ShadowCounts(champion.id, tried.id, failed=count)
            self._files.add(counts)
            same = sum(n for (one, other), n in counts.pairs.items() if one == other)
            self._metrics.shadowed(same, counts.customers - same)

    def _say_once(self, about: str, error: str) -> None:
        if self._last_errors.get(about) != error:
            logger.error("%s; no answer is another for that", error)
        self._last_errors[about] = error
