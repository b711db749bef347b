"""The models: small, seeded, single-threaded; and those that may be exported, as plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation.cold_start import (
    ColdStartModel,
    QuantisedColdStart,
    SignUpModel,
)
from customer_segmentation.segmentation.fitting import one_thread
from customer_segmentation.segmentation.rounding import rounded
from customer_segmentation.segmentation.training_parameters import (
    ModelParameters,
    TrainingParameters,
)

BASELINE = "baseline"
# Those that may be exported; the others may be as large as they like.
LIGHT = ("logistic_regression", "quantised_network")
TREES = ("random_forest", "gradient_boosting")
COMPARED = (BASELINE, *LIGHT, *TREES)
RELEARNING = (BASELINE, "logistic_regression", *TREES, "neural_network")


def unfitted(size: ModelParameters, seed: int) -> dict[str, Any]:
    """Every model by name; the baseline answers with the segments' shares."""
    from sklearn import dummy, ensemble  # noqa: PLC0415 - seconds others need not pay

    from customer_segmentation.pipelines.supervised_training import quantising  # noqa: PLC0415 - as above

    return {
        BASELINE: dummy.DummyClassifier(strategy="prior"),
        "logistic_regression": _logistic_regression(size),
        "random_forest": ensemble.RandomForestClassifier(
            size.trees, min_samples_leaf=size.min_leaf, random_state=seed
        ),
        "gradient_boosting": ensemble.HistGradientBoostingClassifier(
            max_iter=size.rounds,
            max_leaf_nodes=size.leaves,
            early_stopping=False,
            random_state=seed,
        ),
        "neural_network": _neural_network(size, seed),
        "quantised_network": quantising.QuantisedNetwork(_neural_network(size, seed)),
    }


def fitted(
    name: str,
    values: NDArray[np.float64],
    labels: NDArray[np.int64],
    parameters: TrainingParameters,
) -> Any:  # noqa: ANN401 - as above
    """A model fitted; what a light one learned is rounded to what is exported."""
    model = unfitted(parameters.models, parameters.seed)[name]
    with one_thread():
        model.fit(values, labels)
    if name == "logistic_regression":
        cap, scaler, regression = model
        cap.caps_ = rounded(cap.caps_)
        scaler.mean_, scaler.scale_ = rounded(scaler.mean_), rounded(scaler.scale_)
        regression.coef_ = rounded(regression.coef_)
        regression.intercept_ = rounded(regression.intercept_)
    return model


def artifact_of(model: Any, **about: Any) -> Any:  # noqa: ANN401 - as above
    """A fitted model's artifact.

    Args:
        model: Light, or trees, whose artifact is there to be measured.
        about: The fields of `SignUpModel`.
    """
    from customer_segmentation.pipelines.supervised_training import trees  # noqa: PLC0415 - as above
    from customer_segmentation.scoring import cold_start  # noqa: PLC0415 - as above

    if hasattr(model, "layers_"):
        return cold_start.build_cold_start(QuantisedColdStart(layers=model.layers_, **about))
    if not hasattr(model, "steps"):
        return cold_start.build_graph(SignUpModel(**about), trees.tree_scores(model), {})
    cap, scaler, regression = model
    weights, intercepts = regression.coef_, regression.intercept_
    if len(weights) == 1:
        # Of two segments, scikit-learn keeps the second one's weights against the first.
        weights = np.vstack([np.zeros_like(weights), weights])
        intercepts = np.concatenate([[0.0], intercepts])
    learned = {"caps": cap.caps_, "means": scaler.mean_, "deviations": scaler.scale_}
    learned |= {"weights": weights, "intercepts": intercepts}
    return cold_start.build_cold_start(ColdStartModel(**learned, **about))


def _neural_network(size: ModelParameters, seed: int) -> Any:  # noqa: ANN401 - as above
    from sklearn.neural_network import MLPClassifier  # noqa: PLC0415 - as above

    # On so few customers lbfgs takes a third of Adam's time, and 10 is as penalised as it needs.
    network = MLPClassifier(
        (size.units,), solver="lbfgs", alpha=10.0, max_iter=size.iterations, random_state=seed
    )
    return _standardised(network, size)


def _logistic_regression(size: ModelParameters) -> Any:  # noqa: ANN401 - as above
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - as above

    regression = LogisticRegression(
        C=size.inverse_penalty, solver="newton-cholesky", tol=1e-10, max_iter=200
    )
    return _standardised(regression, size)


def _standardised(model: Any, size: ModelParameters) -> Any:  # noqa: ANN401 - as above
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - as above
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - as above

    from customer_segmentation.segmentation import capping  # noqa: PLC0415 - as above

    return make_pipeline(capping.UpperCap(size.cap_quantile), StandardScaler(), model)
