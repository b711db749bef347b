"""A data function of Spotfire: the segment and every decision of customers, by the ONNX file.

Packages of its Python: onnxruntime (numpy and pandas are there). docs/bi.md registers it.

Inputs
    customers   table: customer_id and the columns that the file needs, as gold_features has them
    artifact    value, text: the path of segmenter.onnx
Outputs
    answers     table: customer_id, segment, segment_name, runner_up, margin, and every decision;
                all but customer_id are empty where an input is missing
"""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pandas as pd

_PREFIX = "customer_segmentation."
_KEY = "customer_id"


def score(customers: pd.DataFrame, artifact: str) -> pd.DataFrame:
    """A row a customer, in their order.

    Args:
        customers: As gold_features has them; other columns are not read.
        artifact: Path of the file.

    Raises:
        ValueError: A column that the file needs is not there.
    """
    session = onnxruntime.InferenceSession(artifact, providers=["CPUExecutionProvider"])
    told = {
        name.removeprefix(_PREFIX): json.loads(text)
        for name, text in session.get_modelmeta().custom_metadata_map.items()
        if name.startswith(_PREFIX)
    }
    columns = told["columns"]
    if missing := sorted({_KEY, *columns} - {*customers.columns}):
        raise ValueError(f"the table `customers` has no {', '.join(missing)}: take gold_features")
    matrix = np.column_stack(
        [pd.to_numeric(customers[name]).to_numpy(np.float64, na_value=np.nan) for name in columns]
    )
    numbers = dict(
        zip(told["outputs"], session.run(told["outputs"], {"customers": matrix}), strict=True)
    )
    segment = numbers["segment"]
    words = {
        "segment": _in_words(segment, [one["key"] for one in told["segments"]]),
        "segment_name": _in_words(segment, [one["name"] for one in told["segments"]]),
        "runner_up": _in_words(numbers["runner_up"], [one["key"] for one in told["segments"]]),
    }
    for name in told["outputs"]:
        if name in told["codes"]:
            words[name] = _in_words(numbers[name], told["codes"][name])
        elif name not in words:
            words[name] = np.where(segment < 0, np.nan, numbers[name])
    return pd.DataFrame({_KEY: customers[_KEY].astype(object), **words})


def _in_words(codes: np.ndarray, words: list[str]) -> np.ndarray:
    """Each code's word; None for -1."""
    return np.array([*words, None], dtype=object)[codes]


# Spotfire makes a variable of each input, and reads each output from one.
answers = score(customers, artifact)  # noqa: F821
