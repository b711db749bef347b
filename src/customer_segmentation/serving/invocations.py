"""`/ping` and `/invocations`: MLflow's scoring protocol, and SageMaker's container contract.

The answers are those of `mlflow models serve` for the model of `scoring.mlflow_model`, with null
for MLflow's NaN, which JSON lacks. Beside `predictions`, `unsegmented` says why rows have the
segment -1; MLflow's clients ignore it. Unlike MLflow, it accepts `inputs` as a bare matrix, and
columns without the snapshot's day, which defaults to the artifact's.

SageMaker starts a container with the argument `serve`, asks `/ping` and `/invocations` on port 8080
and sends no API key, since it authenticates callers itself. The entry point is
`python -m customer_segmentation.serving`; see docs/serving.md for the environment variables.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from litestar import Response, get, post

from customer_segmentation.scoring.decoding import UNSEGMENTED
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.guard import bundle_of
from customer_segmentation.serving.model_inputs import (
    Matrix,
    ModelInputs,
    TooManyRowsError,
    WrongInputError,
)
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.responses import CSV, JSON, AnyRequest, json_response
from customer_segmentation.serving.server import Server
from customer_segmentation.serving.unsegmented import explain_unsegmented

# A row of numbers costs a tenth of a record.
ROWS_A_CUSTOMER = 10
_CHARSETS = ("utf-8", "utf8", "us-ascii")


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
        media_type = _media_type(request)
        body = await request.body()
        # In a thread: ten thousand rows would block the event loop.
        matrix = await asyncio.to_thread(_read, bundle, body, media_type, max_rows)
        found = await asyncio.to_thread(bundle.segmenter.score, matrix)
        keys, counts = np.unique(found["segment"], return_counts=True)
        names = [*bundle.keys, UNSEGMENTED]
        server.metrics.scored({names[k]: int(n) for k, n in zip(keys, counts, strict=True)})
        columns = [values.tolist() for values in found.values()]
        rows = [dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True)]
        answer: dict[str, Any] = {"predictions": rows}
        if -1 in keys:
            answer["unsegmented"] = await asyncio.to_thread(
                explain_unsegmented, bundle.contract, matrix, found["segment"]
            )
        return json_response(answer)

    return [ping, invocations]


def _media_type(request: AnyRequest) -> str:
    media_type, parameters = request.content_type
    charset = parameters.get("charset", "utf-8").strip('"').lower()
    has_header = parameters.get("header", "present") == "present"
    if media_type not in {JSON, CSV} or charset not in _CHARSETS or not has_header:
        detail = f"the body is {JSON}, or {CSV} with a header, in UTF-8: say so in Content-Type"
        raise RefusedError(415, detail)
    return media_type


def _read(bundle: Bundle, body: bytes, media_type: str, max_rows: int) -> Matrix:
    inputs = ModelInputs(bundle.segmenter.metadata, max_rows)
    try:
        return inputs.from_csv(body) if media_type == CSV else inputs.from_json(body)
    except TooManyRowsError as error:
        raise RefusedError(413, str(error)) from error
    except WrongInputError as error:
        raise RefusedError(400, str(error)) from error
