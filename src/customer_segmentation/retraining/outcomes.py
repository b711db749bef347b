"""The response model, learned from what came of contacts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from customer_segmentation.campaigns.outcomes import ANSWERED, CAMPAIGN
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.feedback.training import DAY, TRAINING, WEIGHT, training_set
from customer_segmentation.retraining.parameters import RetrainingParameters
from customer_segmentation.schema.evaluate import on_arrays
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.scoring.metadata import metadata_of, schema_of
from customer_segmentation.scoring.ranges import are_within, spans
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.answers import LearnedAnswers, learn_answers
from customer_segmentation.segmentation.labelled import LabelledCustomers, LeftOut
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from customer_segmentation.tables.history import History

FIRST, LAST, LEARNED_UNTIL = "first", "last", "learned_until"


@dataclass(frozen=True)
class KnownOutcomes:
    """What came of contacts.

    Attributes:
        training: As `feedback.training.training_set` gives it; None where nothing was recorded.
        until: The day, in ISO format, that outcomes are known up to.
    """

    training: Any
    until: str


def known_outcomes(
    outcomes: History, assignments: IntoDataFrame, inputs: History, feedback: FeedbackParameters
) -> KnownOutcomes:
    """Each contact that had time to answer, with what was known of the customer.

    Args:
        outcomes: `gold_outcomes`.
        assignments: Each customer of each campaign once, as the send log tells.
        inputs: `gold_campaign_inputs`.
        feedback: The day, and how long customers are given to answer.
    """
    until = (feedback.day or datetime.now(UTC).date()).isoformat()
    came, known = outcomes.everything(), inputs.everything()
    if came is None or known is None:
        return KnownOutcomes(None, until)
    days = feedback.answer_days
    return KnownOutcomes(training_set(came, assignments, known, until, answer_days=days), until)


def learn_response_from(  # noqa: PLR0913 - what is learned from, and how
    training: IntoDataFrame,
    segmenter: bytes,
    parameters: TrainingParameters,
    retraining: RetrainingParameters,
    until: str,
    *,
    since: str = "",
) -> LearnedAnswers | LeftOut:
    """The response model of a segmenter, from outcomes; or why there are too few.

    Args:
        training: As `feedback.training.training_set` gives it.
        segmenter: Its file.
        parameters: Of the regression.
        retraining: Fewest answers, and how soon outcomes are forgotten.
        until: The day, in ISO format, that outcomes are known up to.
        since: The first day of contacts that count, in ISO format; '' for all.
    """
    rows = contacts_since(training, since)
    answered = int(rows[ANSWERED].sum() or 0)
    fewest = min(answered, len(rows) - answered)
    if fewest < retraining.min_answers:
        return LeftOut(
            f"{answered:,} of {len(rows):,} contacts answered: of those who did, or who did not, "
            f"there are fewer than {retraining.min_answers:,} (`retraining.min_answers`)"
        )
    customers = contacted(rows, segmenter, until, retraining)
    learned = learn_answers(customers, parameters)
    if isinstance(learned, LeftOut):
        return learned
    days = rows[DAY].to_list()
    about = {
        "from": "outcomes",
        FIRST: min(days),
        LAST: max(days),
        LEARNED_UNTIL: until,
    }
    return LearnedAnswers(**{**vars(learned), "about": about})


def contacts_since(training: IntoDataFrame, since: str) -> nw.DataFrame[Any]:
    """What is learned from, in one order whichever contacts came in, so that sums are the same.

    Args:
        training: As `feedback.training.training_set` gives it.
        since: As of `learn_response_from`.
    """
    rows = nw.from_native(training, eager_only=True).sort(KEY, CAMPAIGN, DAY)
    return rows.filter(nw.col(DAY) >= since)


def contacted(
    rows: nw.DataFrame[Any], segmenter: bytes, until: str, retraining: RetrainingParameters
) -> LabelledCustomers:
    """Contacts as customers to learn from: what was known of each, and whether they answered.

    Args:
        rows: As of `learn_response_from`.
        segmenter: Its file, by which they are put into segments.
        until: As of `learn_response_from`.
        retraining: What a contact counts.
    """
    metadata = metadata_of(read_model(segmenter))
    schema = schema_of(metadata)
    numbers = {*schema.numeric_columns([*schema.columns, AS_OF])}
    inputs = {
        name: _allowed(name, rows[name].cast(nw.Float64).to_numpy().astype(np.float64), schema)
        for name in rows.columns
        # What the schema does not know any more is not looked at.
        if name not in TRAINING and name in numbers
    }
    known = {*inputs}
    features = [name for name in schema.features if known.issuperset(schema.needed_inputs([name]))]
    made = on_arrays(schema, features, inputs)
    response = schema.roles.response
    columns = {**inputs, **made, response: rows[ANSWERED].to_numpy().astype(np.float64)}
    scorer = Scorer(segmenter)
    absent = np.full(len(rows), np.nan)
    matrix = np.column_stack([inputs.get(name, absent) for name in scorer.columns])
    segments = scorer.score(np.ascontiguousarray(matrix))["segment"]
    return LabelledCustomers(
        schema,
        tuple(columns),
        np.ascontiguousarray(np.column_stack(list(columns.values()))),
        segments.astype(np.int64),
        tuple(SegmentName(**segment) for segment in metadata["segments"]),
        len(rows),
        _weights(rows, until, retraining),
        np.unique(rows[KEY].to_numpy().astype(str), return_inverse=True)[1].astype(np.int64),
    )


def _allowed(name: str, values: NDArray[np.float64], schema: Schema) -> NDArray[np.float64]:
    """The values, without those that this schema's contract does not allow: another's did."""
    is_right = are_within(values[:, None], [name], spans([name], schema))
    return np.where(is_right, values, np.nan)


def _weights(
    rows: nw.DataFrame[Any], until: str, retraining: RetrainingParameters
) -> NDArray[np.float64]:
    """(rows) how much each counts: all together as many as they tell of.

    Weights are cut off, without which a few explored customers decide everything. Who is contacted
    depends on the inputs alone, so that a regression whose form holds needs none of them (Little
    and Rubin 2002). Source: Ionides, Truncated importance sampling (2008). Of how many equal rows
    they tell as much: Kish, Survey sampling (1965).
    """
    weights = np.minimum(rows[WEIGHT].to_numpy().astype(np.float64), retraining.most_weight)
    half_life_days = retraining.half_life_days
    if half_life_days is not None:
        last = date.fromisoformat(until)
        ages = [max(0, (last - date.fromisoformat(day)).days) for day in rows[DAY].to_list()]
        weights = weights * 0.5 ** (np.array(ages) / half_life_days)
    effective: NDArray[np.float64] = weights * weights.sum() / (weights**2).sum()
    return effective
