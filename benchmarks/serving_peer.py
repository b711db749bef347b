"""The peer of `benchmarks/serving.py`: the same model behind FastAPI, as one would write it.

A pydantic model with the contract's ranges, an asynchronous endpoint, the same onnxruntime session,
the same full answer. `SEGMENTATION_SEGMENTER` names the artifact.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from fastapi import FastAPI
from pydantic import create_model
from pydantic.fields import FieldInfo

from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.contract import Contract

_scorer = Scorer(os.environ["SEGMENTATION_SEGMENTER"])
_said = _scorer.metadata
_contract = Contract(_said)
_keys = [segment["key"] for segment in _said["segments"]]
_labels = _said["codes"] | {"segment": _keys, "runner_up": _keys}


def _field(name: str) -> Any:  # noqa: ANN401 - pydantic's
    least, most = _contract.range_of(name)
    return (float, FieldInfo(annotation=float, ge=least, le=most))


_Customer = create_model(
    "Customer", customer_id=(str | None, None), **{name: _field(name) for name in _contract.needed}
)
_year = float(_contract.as_of.year)
app = FastAPI()


@app.post("/v1/segments")
async def segments(customer: _Customer) -> dict[str, Any]:  # type: ignore[valid-type]
    """Every answer of the artifact for one customer."""
    row = [getattr(customer, name, _year) for name in _scorer.columns]
    found = _scorer.score(np.array([row], dtype=np.float64))
    answer = {
        name: _labels[name][values[0]] if name in _labels else values[0].item()
        for name, values in found.items()
    }
    version = {"artifact_version": _scorer.version}
    return {"customer_id": customer.customer_id} | answer | version  # type: ignore[attr-defined]
