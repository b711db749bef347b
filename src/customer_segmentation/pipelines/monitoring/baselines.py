"""The baselines that windows are compared with: those of bundles that are, or were, live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
from customer_segmentation.scoring.metadata import has_model
from customer_segmentation.scoring.verify import verified


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
    def models(self) -> list[tuple[bytes, Mapping[str, Any]]]:
        """Segmenter and response model with their metadata, as far as there are such models."""
        told = [(SEGMENTER, self.segmenter), (RESPONSE, self.response)]
        return [(self.bundle.files[name], one) for name, one in told if one and has_model(one)]

    @cached_property
    def segmenter(self) -> Mapping[str, Any]:
        """What the model says of itself that puts customers into segments."""
        return verified(self.bundle.files[SEGMENTER])

    @cached_property
    def response(self) -> Mapping[str, Any]:
        """What the model of answers says of itself, or the file of why there is none.

        Empty in bundles that are older than that.
        """
        content = self.bundle.files.get(RESPONSE)
        return verified(content) if content else {}


class Baselines:
    """The baselines of an environment's bundles, read when they are asked for.

    Args:
        bundles: The environment's; None where it has none.
    """

    def __init__(self, bundles: BundleStore | None) -> None:
        self._bundles = bundles
        self._by_models: dict[tuple[str, str], Known | str] = {}

    @cached_property
    def champion(self) -> Known | str:
        """The bundle that is live now, before the run's end; or why nothing is compared with it."""
        live = self._bundles.live() if self._bundles else None
        if live is None:
            return "no champion was live before this run"
        return self._kept(live)

    def of(self, version: str, response: str) -> Known | str:
        """The bundle that has answered; or why nothing is compared with it.

        Args:
            version: Of its segmenter.
            response: Of its response model. Of a segmenter that was live with several, another
                bundle will do where that one is not kept: it has the same bins.
        """
        key = version, response
        if key not in self._by_models:
            self._by_models[key] = self._found(version, response)
        return self._by_models[key]

    def _found(self, version: str, response: str) -> Known | str:
        log = self._bundles.log() if self._bundles else []
        entries = {one.bundle: one for one in reversed(log) if one.artifact_version == version}
        if not entries:
            return f"the artifact {version} was never live here"
        found = [self._kept(entry) for entry in entries.values()]
        known = [one for one in found if isinstance(one, Known)]
        exact = [one for one in known if one.baseline.summary.response == response]
        return next(iter([*exact, *known, *found]))

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
