"""The peer of `benchmarks/serving.py`: the same model behind FastAPI, as one would write it.

A pydantic model with the contract's ranges, an asynchronous endpoint, the same onnxruntime session,
the same full answer. `SEGMENTATION_SEGMENTER` names the artifact.
"""

import os
from typing import Any

import numpy as np
from fastapi import FastAPI
from pydantic import create_model
from pydantic.fields import FieldInfo

from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.validation import Contract


def create() -> FastAPI:
    """The application, one a process."""
    scorer = Scorer(os.environ["SEGMENTATION_SEGMENTER"])
    said = scorer.metadata
    contract = Contract(said)
    keys = [segment["key"] for segment in said["segments"]]
    labels = said["codes"] | {"segment": keys, "runner_up": keys}
    year = float(contract.as_of.year)
    limits = {name: contract.range_of(name) for name in contract.needed}
    fields: dict[str, Any] = {
        name: (float, FieldInfo(annotation=float, ge=minimum, le=maximum))
        for name, (minimum, maximum) in limits.items()
    }
    customer_type = create_model("Customer", customer_id=(str | None, None), **fields)
    app = FastAPI()

    @app.post("/v1/segments")
    async def segments(customer: customer_type) -> dict[str, Any]:  # type: ignore[valid-type]
        row = [getattr(customer, name, year) for name in scorer.columns]
        found = scorer.score(np.array([row], dtype=np.float64))
        answer = {
            name: labels[name][values[0]] if name in labels else values[0].item()
            for name, values in found.items()
        }
        version = {"artifact_version": scorer.version}
        return {"customer_id": customer.customer_id} | answer | version  # type: ignore[attr-defined]

    return app
