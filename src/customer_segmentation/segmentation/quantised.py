"""A network whose weights are int8: sums of small whole numbers, exact in whatever order.

Seven bits an input, not eight: without VNNI, x86 adds two products of an unsigned and a signed byte
in 16 bits, where 2 x 127 x 127 fits and 2 x 255 x 127 does not.
Source: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation.rounding import rounded

Values = NDArray[np.float64]

MAX_LEVEL = 127


@dataclass(frozen=True)
class Layer:
    """One layer: each input becomes a level from 0 to 127, and their weighted sums the outputs.

    An input is cut off below at its `low` and above at its `low + 127 step`: outliers before the
    first layer, and before the next one what a rectifier cuts off, with a `low` of 0.

    Attributes:
        lows: One an input.
        steps: One an input: what one level more stands for.
        weights: (inputs x outputs), int8 from -127 to 127.
        scales: One an output: what its weighted sum of levels is multiplied by.
        offsets: One an output, added after that.
    """

    lows: Values
    steps: Values
    weights: NDArray[np.int8]
    scales: Values
    offsets: Values

    def outputs(self, values: Values) -> Values:
        """(rows x outputs) of (rows x inputs), in the same steps as the graph."""
        levels = np.floor((values - self.lows) / self.steps + 0.5).clip(0.0, MAX_LEVEL)
        sums = levels.astype(np.int64) @ self.weights.astype(np.int64)
        return sums * self.scales + self.offsets


def quantise(weights: Values, offsets: Values, lows: Values, highs: Values) -> Layer:
    """The layer whose outputs are nearly `(values - lows) @ weights + offsets`.

    Args:
        weights: (inputs x outputs).
        offsets: One an output.
        lows: Of each input, where it is cut off below.
        highs: Of each input, where it is cut off above.
    """
    steps = rounded(_or_one((highs - lows) / MAX_LEVEL))
    a_level = weights * steps[:, None]
    scales = rounded(_or_one(np.abs(a_level).max(axis=0) / MAX_LEVEL))
    # A scale that was rounded down would let the largest weight just above 127.
    whole = np.rint(a_level / scales).clip(-MAX_LEVEL, MAX_LEVEL).astype(np.int8)
    return Layer(rounded(lows), steps, whole, scales, rounded(offsets))


def scores(layers: Sequence[Layer], values: Values) -> Values:
    """(rows x classes) of (rows x features): what a softmax makes probabilities of."""
    for layer in layers:
        values = layer.outputs(values)
    return values


def _or_one(steps: Values) -> Values:
    """Of what never differs a step of 1, since none can be measured."""
    return np.where(steps > 0.0, steps, 1.0)
