"""Which bundle goes through the gates, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from customer_segmentation.bundles.bundle import Promotion, StoredBundle
from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.promotion.parameters import PromotionParameters


@dataclass(frozen=True)
class Chosen:
    """A bundle that is to become the champion.

    Attributes:
        bundle: Its files, whatever they hold.
        named: The id that it goes by, which its bytes must bear out.
        source: The environment that it was taken from.
        made_champion: The entry of that environment's log; None for a candidate.
        champion: The bundle that is live here; None if there is none.
        features: Versions and hashes of the features of every bundle that was live here.
        challenger: Its trial beside the champion, if it is the challenger.
    """

    bundle: StoredBundle
    named: str
    source: str
    made_champion: Promotion | None
    champion: StoredBundle | None
    features: tuple[Mapping[str, Any], ...] = ()
    challenger: Challenger | None = None


def choose(here: BundleStore, below: BundleStore | None, promotion: PromotionParameters) -> Chosen:
    """The champion of the environment below, or what was learned here: candidate or challenger.

    Raises:
        UserError: There is none, or the champion here cannot be read.
    """
    if promotion.source == "here":
        named = here.candidate()
        if named is None:
            raise UserError(
                f"{here.root}: no whole run has left a candidate here yet. Run kedro run "
                f"--env={here.environment} first"
            )
        return Chosen(
            here.read(named),
            named,
            here.environment,
            None,
            here.champion(),
            _features(here),
        )
    if promotion.source == "challenger":
        return _tried(here)
    if below is None:
        raise UserError(
            f"no environment is below {here.environment}: say --params=promotion.source=here to "
            "promote what was learned in it"
        )
    entry = below.live()
    if entry is None:
        raise UserError(
            f"{below.root}: {below.environment} has no champion to promote. Run kedro run "
            f"--env={below.environment}{'' if below.environment == 'dev' else ' and promote there'}"
            " first, or name the place by SEGMENTATION_MODELS_BELOW"
        )
    return Chosen(
        below.read(entry.bundle),
        entry.bundle,
        below.environment,
        entry,
        here.champion(),
        _features(here),
    )


def _tried(here: BundleStore) -> Chosen:
    """The challenger, whose id its models bear out."""
    tried = here.challenger()
    if tried is None:
        raise UserError(
            f"{here.root}: nothing is tried beside the champion of {here.environment}. Run kedro "
            f"run --env={here.environment} --pipeline=retraining first"
        )
    return Chosen(
        here.read(tried.bundle),
        tried.bundle,
        here.environment,
        None,
        here.champion(),
        _features(here),
        tried,
    )


def _features(here: BundleStore) -> tuple[Mapping[str, Any], ...]:
    return tuple(about["features"] for _, about in here.promoted() if "features" in about)
