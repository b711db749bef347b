"""`/ping` and `/invocations`: MLflow's scoring protocol, and SageMaker's container contract.

The answers are those of `mlflow models serve` for the model of `scoring.mlflow_model`, with null
for MLflow's NaN, which JSON lacks. Beside `predictions`, `unsegmented` says why rows have the
segment -1; MLflow's clients ignore it. Unlike MLflow, it accepts `inputs` as a bare matrix, and
columns without the snapshot's day, which defaults to the artifact's.

SageMaker starts a container with the argument `serve`, asks `/ping` and `/invocations` on port 8080
and sends no API key, since it authenticates callers itself: `customer_segmentation.sagemaker`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from litestar import Response, get, post
from numpy.typing import NDArray

from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.limits import (
    LACKING,
    NO_CATEGORY,
    NO_DATE,
    NOT_WHOLE,
    limits_of,
)
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.scoring.ranges import Span
from customer_segmentation.serving.guard import bundle_of
from customer_segmentation.serving.model_inputs import Matrix, ModelInputs
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.responses import CSV, JSON, AnyRequest, json_response
from customer_segmentation.serving.validation import Contract, Problem, limit_problems
from customer_segmentation.tables.schemas import UNSEGMENTED

if TYPE_CHECKING:
    # It has the online store, whose answers say why they are none as this module does.
    from customer_segmentation.serving.server import Server

# A row of numbers costs a tenth of a record.
ROWS_A_CUSTOMER = 10
_YEAR, _DAY = date_parts(AS_OF)
_CHARSETS = ("utf-8", "utf8", "us-ascii")


class Unsegmented(msgspec.Struct):
    """A row without a segment, counted from 0, and what is wrong with its columns."""

    row: int
    problems: list[Problem]


def invocation_routes(server: Server) -> list[Any]:
    """The routes; a request may have ten times as many rows as `/v1/segments` customers."""
    max_rows = server.settings.max_customers * ROWS_A_CUSTOMER

    @get("/ping", opt={"access": "probe"}, sync_to_thread=False)
    def ping() -> Response[bytes]:
        server.require_ready()
        return json_response({})

    @post("/invocations", opt={"access": "score"}, status_code=200)
    async def invocations(request: AnyRequest) -> Response[bytes]:
        bundle = bundle_of(request.scope)
        media_type, parameters = request.content_type
        charset = parameters.get("charset", "utf-8").strip('"').lower()
        has_header = parameters.get("header", "present") == "present"
        if media_type not in {JSON, CSV} or charset not in _CHARSETS or not has_header:
            detail = f"the body is {JSON}, or {CSV} with a header, in UTF-8: say so in Content-Type"
            raise RefusedError(415, detail)
        body = await request.body()
        inputs = ModelInputs(bundle.segmenter.metadata, max_rows)
        read = inputs.from_csv if media_type == CSV else inputs.from_json
        # In a thread: ten thousand rows would block the event loop.
        matrix = await asyncio.to_thread(read, body)
        outputs = await asyncio.to_thread(bundle.segmenter.score, matrix)
        server.monitor.answered(bundle, matrix, outputs)
        keys, counts = np.unique(outputs["segment"], return_counts=True)
        names = [*bundle.keys, UNSEGMENTED]
        scored = zip(keys, counts, strict=True)
        server.metrics.count({(names[key], "segmenter"): int(count) for key, count in scored})
        columns = [values.tolist() for values in outputs.values()]
        rows = [dict(zip(outputs, row, strict=True)) for row in zip(*columns, strict=True)]
        answer: dict[str, Any] = {"predictions": rows}
        if -1 in keys:
            answer["unsegmented"] = await asyncio.to_thread(
                explain_unsegmented, bundle.contract, matrix, outputs["segment"]
            )
        return json_response(answer)

    return [ping, invocations]


def explain_unsegmented(
    contract: Contract, matrix: Matrix, segments: NDArray[np.int64]
) -> list[Unsegmented]:
    """Each row whose segment is -1, with some of its problems, at least the first.

    Args:
        contract: The artifact's.
        matrix: (rows x the artifact's columns), NaN for missing.
        segments: The artifact's answers, one per row.
    """
    places = np.flatnonzero(segments < 0)
    rows = [Unsegmented(place, []) for place in places.tolist()]
    numbers = dict(zip(contract.columns, matrix[places].T, strict=True))
    for name, values in numbers.items():
        wrong = {LACKING: np.isnan(values)}
        for span in contract.spans:
            # A span of several columns is a rule on another column than the snapshot's.
            if name in span.weights and (len(span.weights) == 1 or name not in (_YEAR, _DAY)):
                for problem, is_wrong in _outside(contract, span, name, numbers):
                    wrong[problem] = wrong.get(problem, False) | is_wrong
        for problem, is_wrong in wrong.items():
            entry = Problem(name, problem, _accepted(contract, name))
            for number in np.flatnonzero(is_wrong).tolist():
                rows[number].problems.append(entry)
    limit_problems(row.problems for row in rows)
    return rows


def _outside(
    contract: Contract, span: Span, name: str, numbers: Mapping[str, Matrix]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each problem that a span can find in a column, and the rows that have it."""
    values = np.sum([weight * numbers[each] for each, weight in span.weights.items()], axis=0)
    below, above = values < span.minimum, values > span.maximum
    is_broken = ~(below | above | np.isnan(values)) & (values != np.floor(values))
    # The parts of a rule on several columns are checked by their own spans.
    is_broken &= span.whole and len(span.weights) == 1
    (column,) = contract.schema.canonical_columns([name]) or (AS_OF,)
    rule = contract.rules.get(column)
    if not rule or rule.kind == "category":
        yield NO_CATEGORY if rule else NO_DATE, below | above | is_broken
        return
    limits = limits_of(rule, None)
    if rule.kind == "date":
        yield limits[0].problem, below | above | is_broken
        return
    if rule.age:
        yield limits[0].problem, below | above
    for limit in limits:
        yield limit.problem, (values < limit.minimum) | (values > limit.maximum)
    yield NOT_WHOLE, is_broken


def _accepted(contract: Contract, name: str) -> str:
    """What a column of numbers accepts, in words that are true for every row."""
    if name in (_YEAR, _DAY):
        return "the year of a day" if name == _YEAR else "a day of the year, 1 to 366"
    (column,) = contract.schema.canonical_columns([name])
    rule = contract.rules[column]
    if rule.age:
        youngest, oldest = rule.age
        return f"a year from {oldest} to {youngest} years before {_YEAR}"
    if rule.kind == "category":
        return "a code: " + ", ".join(f"{n} {word}" for n, word in enumerate(rule.categories))
    if rule.kind == "date":
        return (
            f"of a day from {rule.earliest} to the snapshot's, as its year and its day of the year"
        )
    return contract.accepted(column)
