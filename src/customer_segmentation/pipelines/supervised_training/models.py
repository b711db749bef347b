"""The models: small, seeded, single-threaded; and the one that is exported, as plain numbers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.pipelines.supervised_training.parameters import ModelParameters
from customer_segmentation.segmentation.rounding import rounded

BASELINE = "baseline"
EXPORTED = "logistic_regression"
COMPARED = (BASELINE, EXPORTED, "random_forest", "gradient_boosting")
ALL = (*COMPARED, "neural_network")


def unfitted(size: ModelParameters, seed: int) -> dict[str, Any]:
    """Every model by name; the baseline answers with the segments' shares."""
    from sklearn import dummy, ensemble, neural_network  # noqa: PLC0415 - seconds others need not pay

    network = neural_network.MLPClassifier(
        (size.units,), max_iter=size.epochs, learning_rate_init=0.01, alpha=0.01, random_state=seed
    )
    return {
        BASELINE: dummy.DummyClassifier(strategy="prior"),
        EXPORTED: _logistic_regression(size),
        "random_forest": ensemble.RandomForestClassifier(
            size.trees, min_samples_leaf=size.min_leaf, random_state=seed
        ),
        "gradient_boosting": ensemble.HistGradientBoostingClassifier(
            max_iter=size.rounds,
            max_leaf_nodes=size.leaves,
            early_stopping=False,
            random_state=seed,
        ),
        "neural_network": _standardised(network, size),
    }


def fit_rounded(
    values: NDArray[np.float64], labels: NDArray[np.int64], size: ModelParameters
) -> Any:  # noqa: ANN401 - as above
    """The logistic regression fitted, its learned numbers rounded to what is exported."""
    model = _logistic_regression(size)
    with one_thread():
        model.fit(values, labels)
    cap, scaler, regression = model
    cap.caps_ = rounded(cap.caps_)
    scaler.mean_, scaler.scale_ = rounded(scaler.mean_), rounded(scaler.scale_)
    regression.coef_ = rounded(regression.coef_)
    regression.intercept_ = rounded(regression.intercept_)
    return model


def learned_numbers(model: Any) -> dict[str, NDArray[np.float64]]:  # noqa: ANN401 - as above
    """The numbers of a fitted logistic regression, by their names in `ColdStartModel`."""
    cap, scaler, regression = model
    weights, intercepts = regression.coef_, regression.intercept_
    if len(weights) == 1:
        # Of two segments, scikit-learn keeps the second one's weights against the first.
        weights = np.vstack([np.zeros_like(weights), weights])
        intercepts = np.concatenate([[0.0], intercepts])
    return {
        "caps": cap.caps_,
        "means": scaler.mean_,
        "deviations": scaler.scale_,
        "weights": weights,
        "intercepts": intercepts,
    }


def _logistic_regression(size: ModelParameters) -> Any:  # noqa: ANN401 - as above
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - as above

    regression = LogisticRegression(
        C=size.inverse_penalty, solver="newton-cholesky", tol=1e-10, max_iter=200
    )
    return _standardised(regression, size)


def _standardised(model: Any, size: ModelParameters) -> Any:  # noqa: ANN401 - as above
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - as above
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - as above

    from customer_segmentation.pipelines.supervised_training import capping  # noqa: PLC0415 - as above

    return make_pipeline(capping.UpperCap(size.cap_quantile), StandardScaler(), model)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread, on which these small fits are a hundred times faster; epochs end unannounced."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - as above
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as above

    with threadpool_limits(limits=1), warnings.catch_warnings():
        # The neural network's epochs are bounded on purpose.
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
