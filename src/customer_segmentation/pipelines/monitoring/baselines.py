"""The baselines that windows are compared with: those of bundles that are, or were, live."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from customer_segmentation.bundles.bundle import (
    BASELINE,
    RESPONSE,
    SEGMENTER,
    Promotion,
    StoredBundle,
)
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.summary import Baseline


@dataclass(frozen=True)
class Known:
    """A bundle, and what it learned from.

    Attributes:
        bundle: Its files.
        baseline: Of its artifact.
    """

    bundle: StoredBundle
    baseline: Baseline

    @property
    def segmenter(self) -> bytes:
        """The model that puts customers into segments."""
        return self.bundle.files[SEGMENTER]

    @property
    def response(self) -> bytes | None:
        """The model of answers, or the file that says why there is none; None in older bundles."""
        return self.bundle.files.get(RESPONSE)


class Baselines:
    """The baselines of an environment's bundles, read when they are asked for.

    Args:
        bundles: The environment's; None where it has none.
    """

    def __init__(self, bundles: BundleStore | None) -> None:
        self._bundles = bundles
        self._by_version: dict[str, Known | str] = {}

    @cached_property
    def champion(self) -> Known | str:
        """The bundle that is live now, before the run's end; or why nothing is compared with it."""
        live = self._bundles.live() if self._bundles else None
        if live is None:
            return "no champion was live before this run"
        return self._kept(live)

    def of(self, version: str) -> Known | str:
        """The bundle with this version of the segmenter; or why nothing is compared with it."""
        if version not in self._by_version:
            log = self._bundles.log() if self._bundles else []
            entries = [entry for entry in log if entry.artifact_version == version]
            self._by_version[version] = (
                self._kept(entries[-1])
                if entries
                else f"the artifact {version} was never live here"
            )
        return self._by_version[version]

    def _kept(self, entry: Promotion) -> Known | str:
        """The bundle of an entry of the log, which is not always kept as it was."""
        if not self._bundles:
            return ""
        try:
            bundle = self._bundles.bundle(entry.bundle)
        except UserError as error:
            return str(error)
        if BASELINE not in bundle.files:
            return (
                f"bundle {bundle.id} has no baseline, since it was made before there was "
                "monitoring: the next bundle that is promoted has one"
            )
        try:
            return Known(bundle, Baseline.of(bundle.files[BASELINE]))
        except ValueError as error:
            return (
                f"{BASELINE} of bundle {bundle.id} is damaged ({error}); restore its folder, or "
                "promote another bundle"
            )
