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
from customer_segmentation.monitoring.beside import Beside
from customer_segmentation.monitoring.collecting import joined
from customer_segmentation.monitoring.hourly import HourlyFiles, hours_of
from customer_segmentation.monitoring.shadow import ShadowCounts, shadow_file
from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.metrics import Metrics
from customer_segmentation.serving.settings import Settings
from customer_segmentation.tables.schemas import UNSEGMENTED

logger = logging.getLogger(__name__)

_MOST_CUSTOMERS = 20_000
_TENTHS = 10


class Unlike(Exception):  # noqa: N818 - it is no mistake
    """The challenger reads what the champion's callers do not give."""


@dataclass(frozen=True, eq=False)
class _Answered:
    """Customers whom the champion has answered."""

    champion: Bundle
    matrix: NDArray[np.float64]
    outputs: Mapping[str, NDArray[Any]]


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
        self._beside: Beside[_Answered] = Beside(
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
        except Exception as error:  # noqa: BLE001 - a store may raise anything
            self._say_once("look", f"who the challenger is cannot be read: {error}")
            return
        self._last_errors.pop("look", None)
        wanted = named.bundle if named and named.bundle != champion.id and self._share else None
        if wanted == (self._tried.id if self._tried else None):
            return
        if wanted is None:
            logger.info("no challenger is tried any more")
            self._tried = None
            return
        self._tried = Tried(wanted, self._loaded(wanted))

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
        if not self._beside.put(_Answered(champion, matrix, outputs), len(matrix)):
            self.skip(champion, len(matrix))

    def skip(self, champion: Bundle, customers: int) -> None:
        """Tell of customers whom it is not tried on."""
        if tried := self._tried:
            key = champion.id, tried.id
            with self._skipping:
                self._skipped[key] = self._skipped.get(key, 0) + customers

    def _loaded(self, bundle_id: str) -> Bundle | None:
        try:
            files = self._store.bundle(bundle_id).files
            models = files[SEGMENTER], files[COLD_START], files.get(RESPONSE)
            bundle = Bundle(*models, self._device)
        except Exception as error:  # noqa: BLE001 - nobody's answer depends on it
            self._say_once("load", f"challenger {bundle_id} cannot be tried: {error}")
            return None
        logger.info("challenger %s is tried beside the champion", bundle_id)
        return bundle

    def _try(self, taken: list[_Answered]) -> None:
        if taken and (tried := self._tried):
            self._try_on(tried, taken)
        with self._skipping:
            skipped, self._skipped = self._skipped, {}
        for (champion, challenger), count in skipped.items():
            self._files.add(ShadowCounts(champion, challenger, skipped=count))

    def _try_on(self, tried: Tried, taken: list[_Answered]) -> None:
        groups: dict[tuple[int, int], list[_Answered]] = {}
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


def compared(champion: Bundle, challenger: Bundle, together: list[_Answered]) -> ShadowCounts:
    """What both answer for some customers, in counts.

    Args:
        champion: Has answered.
        challenger: Is asked now.
        together: Of one champion, and with the same columns.

    Raises:
        Unlike: The challenger needs columns that the champion does not read, or means others by
            them.
    """
    matrix = np.concatenate([one.matrix for one in together])
    other = challenger.score(inputs_of(champion, challenger, matrix))
    parts = [(len(one.matrix), one.outputs) for one in together]
    unknown = np.full(len(matrix), np.nan)
    found = joined(parts, P_RESPONSE)
    own_chances = unknown if found is None else found
    chances = other.get(P_RESPONSE, unknown)
    is_known = ~np.isnan(own_chances)
    is_sound = (chances >= 0.0) & (chances <= 1.0)
    tenths = [
        np.minimum(values[is_known & is_sound] * _TENTHS, _TENTHS - 1).astype(int)
        for values in (own_chances, chances)
    ]
    names = [*champion.keys, UNSEGMENTED], [*challenger.keys, UNSEGMENTED]
    own_codes = np.concatenate([outputs["segment"] for _, outputs in parts])
    pairs = _counted(own_codes, other["segment"])
    return ShadowCounts(
        champion.id,
        challenger.id,
        len(matrix),
        {(names[0][own], names[1][its]): n for (own, its), n in pairs.items()},
        _counted(*tenths),
        failed=int((is_known & ~is_sound).sum()) if challenger.response else 0,
    )


def inputs_of(
    champion: Bundle, challenger: Bundle, matrix: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the challenger reads of customers, given what the champion has read.

    Customers of the champion's own day are of the challenger's: so it would have answered them.

    Args:
        champion: Has read the matrix.
        challenger: Reads it now.
        matrix: (customers x the first of the champion's `columns`).

    Raises:
        Unlike: As of `compared`.
    """
    place = {name: index for index, name in enumerate(champion.columns[: matrix.shape[1]])}
    needed = challenger.contract.columns
    if missing := [name for name in needed if name not in place]:
        message = f"the champion's callers do not give {', '.join(missing)}"
        raise Unlike(message)
    for name in challenger.contract.schema.canonical_columns(challenger.columns):
        own = champion.contract.rules.get(name)
        if own and own.categories != challenger.contract.rules[name].categories:
            message = f"{name} has other categories"
            raise Unlike(message)
    columns = [
        matrix[:, place[name]] if name in place else np.full(len(matrix), np.nan)
        for name in challenger.columns
    ]
    inputs = np.column_stack(columns)
    _move_day(champion, challenger, inputs)
    return inputs


def _move_day(champion: Bundle, challenger: Bundle, inputs: NDArray[np.float64]) -> None:
    """Put the challenger's day in the place of the champion's, where it was taken by default."""
    days = {name: i for i, name in enumerate(challenger.columns) if name in date_parts(AS_OF)}
    if not days:
        return
    (was, now) = (_day_of(bundle) for bundle in (champion, challenger))
    is_default = np.all([inputs[:, i] == was[name] for name, i in days.items()], axis=0)
    for name, i in days.items():
        inputs[is_default, i] = now[name]


def _day_of(bundle: Bundle) -> dict[str, float]:
    return bundle.contract.numbers_of(AS_OF, bundle.contract.as_of)


def _counted(one: NDArray[Any], other: NDArray[Any]) -> dict[tuple[int, int], int]:
    """Each pair of whole numbers, and how often it is there."""
    pairs, counts = np.unique(np.stack([one, other]), axis=1, return_counts=True)
    return {(int(a), int(b)): int(n) for (a, b), n in zip(pairs.T, counts, strict=True)}
