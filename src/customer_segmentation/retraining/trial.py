"""What a challenger must have shown before it may become the champion."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from fsspec.core import url_to_fs

from customer_segmentation.bundles.challenger import Challenger, Compared
from customer_segmentation.monitoring.shadow import SHADOW, ShadowCounts
from customer_segmentation.new_files import WRITING
from customer_segmentation.promotion.gates import Gate
from customer_segmentation.retraining.parameters import TrialParameters

_GATE, _OF_OUTCOMES = "shadow", "response"
# The figures that time alone mends.
CUSTOMERS, AWAITED = "customers", "awaited"
_TENTH = 0.1

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shadows:
    """What servers counted of challengers.

    Attributes:
        root: The folder `monitoring` of an environment, a path or URL.
    """

    root: str

    def of(self, champion: str, challenger: str) -> ShadowCounts:
        """What all servers counted of a challenger beside a champion.

        A file that cannot be read is left out, and the log says so.

        Args:
            champion: The id of its bundle; what was counted beside another one is not asked for.
            challenger: Likewise.
        """
        place = f"{self.root.replace('s3a://', 's3://', 1).rstrip('/')}/{SHADOW}/{challenger}"
        files, path = url_to_fs(place, use_listings_cache=False)
        found = [ShadowCounts(champion, challenger)]
        for file in sorted(files.find(path)):
            if not file.endswith(".json") or WRITING in file:
                continue
            try:
                counts = ShadowCounts.of(json.loads(files.cat_file(file)))
            except (FileNotFoundError, ValueError) as error:
                logger.warning("%s is not counted: %s", file, error)
                continue
            if (counts.champion, counts.challenger) == (champion, challenger):
                found.append(counts)
        return reduce(ShadowCounts.merged, found)


def agreement(counts: ShadowCounts) -> float | None:
    """The share of customers whom both put into a segment of the same key; None without any."""
    same = sum(n for (old, new), n in counts.pairs.items() if old == new)
    return same / counts.customers if counts.customers else None


def gates_of_shadow(
    counts: ShadowCounts,
    expected: float | None,
    bounds: TrialParameters,
    *,
    is_judged: bool,
    is_awaited: bool = False,
) -> list[Gate]:
    """What it did beside the champion.

    Args:
        counts: Of all servers.
        expected: The share of the customers here on whom both agree; None if it is not known.
        bounds: What it must show.
        is_judged: Whether outcomes tell which of the two is right.
        is_awaited: Whether outcomes come, and so will tell it once there are enough.
    """
    tried = counts.customers + counts.failed
    seen = tried + counts.skipped
    enough = Gate(
        *(_GATE, CUSTOMERS, "customers whom it was tried on beside the champion"),
        *(counts.customers, bounds.min_customers),
        is_least=True,
    )
    # Neither good nor bad is told of too few.
    if seen < bounds.min_customers:
        return [enough]
    failed = counts.failed / tried if tried else None
    skipped = counts.skipped / seen if seen else 0.0
    gates = [
        enough,
        Gate(_GATE, "failed", "share of them whom it could not answer", failed, bounds.max_failed),
        Gate(
            *(_GATE, "skipped", "share of the answered that it was too slow for"),
            *(skipped, bounds.max_skipped),
        ),
    ]
    agreed = agreement(counts)
    if expected is not None:
        less = None if agreed is None else expected - agreed
        figure = f"agreement with the champion, below the {expected:.3f} on the customers here"
        gates.append(Gate(_GATE, "surprise", figure, less, bounds.max_surprise))
    if counts.chances and not is_judged:
        figure = "mean change of the probability of an answer, which no outcomes bear out"
        name, change = AWAITED if is_awaited else "chances", _change(counts)
        gates.append(Gate(_GATE, name, figure, change, bounds.max_chance_change))
    return gates


def gates_of_outcomes(compared: Sequence[Compared]) -> list[Gate]:
    """Whether it foretells answers at least as well, by each comparison that is given."""
    return [gate for one in compared for gate in _gates_of(one)]


def _gates_of(compared: Compared) -> list[Gate]:
    kind, suffix = ("later contacts", "")
    if compared.is_out_of_fold:
        kind, suffix = ("contacts out of fold", "_out_of_fold")
    told = f"on {compared.contacts:,} {kind}, {compared.answers:,} of whom answered"
    figures = [
        ("unknown", f"contacts without a probability, {told}", float(compared.unknown)),
        ("log_loss", f"log loss above the champion's, beyond chance, {told}", compared.worse_loss),
        ("profit", f"profit a contact below its, beyond chance, {told}", compared.worse_profit),
    ]
    return [
        Gate(_OF_OUTCOMES, f"{name}{suffix}", figure, value, 0.0) for name, figure, value in figures
    ]


def evidence(tried: Challenger, later: Compared | None, bounds: TrialParameters) -> list[Compared]:
    """What outcomes say of a challenger, where there are enough to tell which model is right.

    Neither stands in for the other: who was shown to be worse is not redeemed by a few later
    contacts that show nothing.

    Args:
        tried: Its entry, with what its own outcomes say.
        later: Both on contacts that came later.
        bounds: How many are enough.
    """
    return [one for one in (tried.compared, later) if one and _are_enough(one, bounds)]


def _are_enough(compared: Compared, bounds: TrialParameters) -> bool:
    fewest = min(compared.answers, compared.contacts - compared.answers)
    return fewest >= bounds.min_outcomes


def goes_on(gates: Sequence[Gate]) -> bool:
    """Whether time alone may mend what is wrong: too few customers, or too few outcomes, yet."""
    wrong = [gate for gate in gates if not gate.passed]
    mended = {(_GATE, CUSTOMERS), (_GATE, AWAITED)}
    return bool(wrong) and all((gate.gate, gate.name) in mended for gate in wrong)


def _change(counts: ShadowCounts) -> float:
    total = sum(counts.chances.values())
    return sum(abs(old - new) * n for (old, new), n in counts.chances.items()) * _TENTH / total
