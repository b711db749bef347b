"""Two response models on what came of the same contacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from customer_segmentation.bundles.challenger import Compared
from customer_segmentation.campaigns.outcomes import ANSWERED
from customer_segmentation.campaigns.parameters import OfferParameters
from customer_segmentation.feedback.training import DAY, WEIGHT
from customer_segmentation.retraining.outcomes import LAST
from customer_segmentation.schema.parts import KEY
from customer_segmentation.scoring.metadata import P_RESPONSE, has_model
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified
from customer_segmentation.segmentation.answers import LearnedAnswers
from customer_segmentation.segmentation.regression import chances

Values = NDArray[np.float64]

# Of probabilities: an answer that was called impossible costs much, and not everything.
_EDGE = 1e-6


def compare_on_outcomes(
    training: IntoDataFrame,
    champion: bytes | None,
    challenger: bytes | None,
    offers: Mapping[str, OfferParameters],
) -> Compared | None:
    """Both response models on contacts that came after what either was learned from.

    Args:
        training: As `feedback.training.training_set` gives it.
        champion: The file of its response model, if it has one.
        challenger: Likewise.
        offers: Cost and value of each; of one that is not among them, those of the first.

    Returns:
        None if one has no model, or there are no such contacts.
    """
    if champion is None or challenger is None:
        return None
    files = champion, challenger
    told = [verified(content) for content in files]
    if not all(map(has_model, told)):
        return None
    rows = nw.from_native(training, eager_only=True)
    is_new = np.logical_and.reduce([_is_later(rows, each) for each in told])
    rows = _chosen(rows, is_new)
    if not len(rows):
        return None
    old, new = (_scored(rows, content) for content in files)
    return _compared(rows, old, new, offers)


def _compared(
    rows: nw.DataFrame[Any], old: Values, new: Values, offers: Mapping[str, OfferParameters]
) -> Compared | None:
    costs, values = _terms(rows["offer"].to_list(), offers)
    return compare(
        *(old, new),
        answers=rows[ANSWERED].to_numpy().astype(np.float64),
        weights=rows[WEIGHT].to_numpy().astype(np.float64),
        customers=rows[KEY].to_numpy().astype(str),
        costs=costs,
        values=values,
    )


def compare_out_of_fold(
    rows: nw.DataFrame[Any],
    learned: LearnedAnswers,
    champion: bytes | None,
    challenger: bytes,
    offers: Mapping[str, OfferParameters],
) -> Compared | None:
    """What was just learned beside the champion, on the contacts that it was learned from.

    Each is foretold by what was learned without its customer, so that nobody need be left out and
    no later campaign be waited for. Source: Stone, Cross-validatory choice and assessment of
    statistical predictions (1974).

    Args:
        rows: As `contacts_since` gives those that it was learned from.
        learned: From these.
        champion: The file of its response model, if it has one.
        challenger: The file of what was learned, which may know customers that it was not learned
            from: what it would have said of these is not known.
        offers: As of `compare_on_outcomes`.

    Returns:
        None if the champion has no model, or was learned from all of the contacts itself.
    """
    if champion is None:
        return None
    told = verified(champion)
    if not has_model(told):
        return None
    foretold = np.full(len(rows), np.nan)
    foretold[learned.kept] = chances(learned.odds)
    which = _is_later(rows, told)
    which &= learned.kept | np.isnan(_scored(rows, challenger))
    if not which.any():
        return None
    rows = _chosen(rows, which)
    found = _compared(rows, _scored(rows, champion), foretold[which], offers)
    return replace(found, is_out_of_fold=True) if found else None


def _chosen(rows: nw.DataFrame[Any], which: NDArray[np.bool_]) -> nw.DataFrame[Any]:
    return rows.filter(nw.new_series("chosen", which, backend=rows.implementation))


def _is_later(rows: nw.DataFrame[Any], metadata: Mapping[str, Any]) -> NDArray[np.bool_]:
    """(rows) the contacts that came after what a response model was learned from."""
    last = str(metadata["metrics"].get(LAST) or metadata["provenance"]["as_of"])[:10]
    later: NDArray[np.bool_] = rows[DAY].to_numpy().astype(str) > last
    return later


def compare(  # noqa: PLR0913 - contacts in columns
    champion: Values,
    challenger: Values,
    *,
    answers: Values,
    weights: Values,
    customers: NDArray[Any],
    costs: Values,
    values: Values,
) -> Compared | None:
    """Probabilities of the same contacts, held against what came of them; None if there is none.

    Args:
        champion: (n,) its probabilities; NaN where it knows none, which are left out.
        challenger: (n,)
        answers: (n,) 0 or 1.
        weights: (n,) how many customers each stands for.
        customers: (n,) the same for contacts of one customer.
        costs: (n,) of the contact.
        values: (n,) of an answer.
    """
    is_known = np.isfinite(champion)
    unknown = int((is_known & ~np.isfinite(challenger)).sum())
    both = is_known & np.isfinite(challenger)
    if not is_known.any():
        return None
    if not both.any():
        return Compared(int(is_known.sum()), int(answers[is_known].sum()), unknown)
    old, new, came, worth = (
        part[both] for part in (champion, challenger, answers, values * answers - costs)
    )
    chosen_old, chosen_new = (p * values[both] > costs[both] for p in (old, new))
    _, groups = np.unique(customers[both], return_inverse=True)
    loss, loss_error = _mean(_losses(new, came) - _losses(old, came), weights[both], groups)
    gained = worth * (chosen_old.astype(float) - chosen_new.astype(float))
    profit, profit_error = _mean(gained, weights[both], groups)
    return Compared(
        *(int(is_known.sum()), int(answers[is_known].sum()), unknown),
        *(loss, loss_error, profit, profit_error),
    )


def _losses(p: Values, answers: Values) -> Values:
    inside = np.clip(p, _EDGE, 1.0 - _EDGE)
    lost: Values = -np.log(np.where(answers == 1.0, inside, 1.0 - inside))
    return lost


def _mean(values: Values, weights: Values, groups: NDArray[np.int64]) -> tuple[float, float]:
    """A weighted mean, and its standard error, contacts of one customer being one."""
    total = weights.sum()
    mean = float(weights @ values / total)
    summed = np.bincount(groups, weights * (values - mean))
    return mean, float(np.sqrt((summed**2).sum()) / total)


def _scored(rows: nw.DataFrame[Any], content: bytes) -> Values:
    scorer, known = Scorer(content), {*rows.columns}
    absent = np.full(len(rows), np.nan)
    columns = [
        rows[name].cast(nw.Float64).to_numpy() if name in known else absent
        for name in scorer.columns
    ]
    matrix = np.ascontiguousarray(np.column_stack(columns), dtype=np.float64)
    scored: Values = scorer.score(matrix)[P_RESPONSE]
    return scored


def _terms(
    names: list[str], offers: Mapping[str, OfferParameters]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first = next(iter(offers.values()))
    found = [offers.get(name, first) for name in names]
    return np.array([one.cost for one in found]), np.array([one.value for one in found])
