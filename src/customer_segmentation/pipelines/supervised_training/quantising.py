"""A neural network with int8 weights as a scikit-learn classifier; imported when one is built."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.extmath import softmax

from customer_segmentation.segmentation.quantised import quantise, scores

Values = NDArray[np.float64]


class QuantisedNetwork(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Fits a network, quantises its weights, and predicts by the arithmetic of whole numbers.

    Where inputs and hidden units are cut off is learned from the values it was fitted on.
    """

    def __init__(self, network: Any) -> None:  # noqa: ANN401 - as above
        """Keep the network: caps, a scaler and an MLPClassifier of one hidden layer, rectified."""
        self.network = network

    def fit(self, values: Values, labels: NDArray[np.int64]) -> QuantisedNetwork:
        """Learn `layers_` and `classes_`."""
        cap, scaler, network = clone(self.network).fit(values, labels)
        (first, second), (biases, offsets) = network.coefs_, network.intercepts_
        if second.shape[1] == 1:
            # Of two classes, scikit-learn keeps the second one's weights against the first.
            second = np.hstack([np.zeros_like(second), second])
            offsets = np.append(0.0, offsets)
        weights, lows = first / scaler.scale_[:, None], values.min(axis=0)
        hidden = quantise(weights, biases + (lows - scaler.mean_) @ weights, lows, cap.caps_)
        reached = hidden.outputs(values).max(axis=0).clip(min=0.0)
        self.layers_ = hidden, quantise(second, offsets, np.zeros_like(reached), reached)
        self.classes_ = network.classes_
        return self

    def predict_proba(self, values: Values) -> Values:
        """(rows x classes)."""
        shares: Values = softmax(scores(self.layers_, values))
        return shares

    def predict(self, values: Values) -> NDArray[np.int64]:
        """The likeliest class of each row; of equally likely ones, the first."""
        return np.asarray(self.classes_[scores(self.layers_, values).argmax(axis=1)])
