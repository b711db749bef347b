"""Who answers a campaign: profit out of fold on the public file, over repeats of the folds.

In each repeat customers are put into five folds anew, those who repeat each other into one, and
each is predicted by what was learned without their fold. Choosing the regression and making its
probabilities right are part of what is learned, by folds within the others. Everybody is contacted
whose probability exceeds cost / value. The peers have the same inputs and folds. The public file is
SEGMENTATION_REAL_CSV.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from lightweight import labelled
from numpy.typing import NDArray
from report import arguments, machine, table, write_json
from sklearn import dummy, ensemble, linear_model, pipeline, preprocessing
from sklearn.metrics import log_loss, roc_auc_score

from customer_segmentation.pipelines.supervised_training import policies
from customer_segmentation.segmentation import regression
from customer_segmentation.segmentation.answers import examples
from customer_segmentation.segmentation.fitting import assign_folds, one_thread
from customer_segmentation.segmentation.regression import chances
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from tools.engines import block

COST, VALUE = 3.0, 11.0
# Apart from those of a run, and from those that were looked at while the model was made.
FIRST_SEED = 20_000
CALIBRATION_BINS = 10
Values = NDArray[np.float64]
Peer = Callable[[regression.Example, Values], Values]


def peers() -> dict[str, Peer]:
    """Name -> probabilities of (rows x features), by what is learned from an example."""
    made = {
        "logistic regression, as it comes": lambda: pipeline.make_pipeline(
            preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=1_000)
        ),
        "gradient boosting, as it comes": lambda: ensemble.HistGradientBoostingClassifier(
            random_state=0
        ),
        "gradient boosting, 80 trees of 6 leaves": lambda: ensemble.HistGradientBoostingClassifier(
            learning_rate=0.08,
            max_iter=80,
            max_leaf_nodes=6,
            l2_regularization=5.0,
            early_stopping=False,
        ),
        "the share of answers": lambda: dummy.DummyClassifier(strategy="prior"),
    }

    def learned(make: Callable[[], Any]) -> Peer:
        return lambda example, values: (
            make().fit(example.values, example.answers).predict_proba(values)[:, 1]
        )

    return {name: learned(make) for name, make in made.items()}


def quality(customers: policies.Answered) -> dict[str, float]:
    """Of one model in one repeat."""
    answers, chances = customers.answers, customers.chances
    found = policies.profits(customers, COST, VALUE)
    parts = np.array_split(np.argsort(chances, kind="stable"), CALIBRATION_BINS)
    gaps = [abs(chances[part].mean() - answers[part].mean()) * len(part) for part in parts]
    return {
        "profit": found["model"],
        "contacted": float((chances * VALUE > COST).sum()),
        "AUC": float(roc_auc_score(answers, chances)),
        "log loss": float(log_loss(answers, chances)),
        "calibration error": float(sum(gaps) / len(answers)),
        "random": found["random"],
        "segments": found["segments"],
        "everybody": found["everybody"],
        "perfect": found["perfect"],
    }


def main() -> None:
    """Print the table."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20, help="of the folds, default 20")
    options = parser.parse_args()
    parameters = TrainingParameters(**block("supervised_training"))
    customers, _ = labelled(Path(os.environ["SEGMENTATION_REAL_CSV"]), parameters)
    example, kept = examples(customers, parameters)
    segments = customers.labels[kept]
    results: dict[str, list[dict[str, float]]] = {}
    with one_thread():
        for seed in range(FIRST_SEED, FIRST_SEED + options.repeats):
            folds = assign_folds(example.answers, example.groups, parameters.folds, seed)
            odds = regression.out_of_fold(example, folds, parameters)
            predicted = {"ours": chances(odds)}
            for name, peer in peers().items():
                predicted[name] = np.empty(len(odds))
                for fold in range(parameters.folds):
                    out = folds == fold
                    predicted[name][out] = peer(example.of(~out), example.values[out])
            for name, shares in predicted.items():
                answered = policies.Answered(
                    example.answers, shares, segments, folds, example.groups
                )
                results.setdefault(name, []).append(quality(answered))
    print(
        f"{len(example.answers):,} customers, {len(np.unique(example.groups)):,} of them distinct, "
        f"{int((~kept).sum())} left out; {options.repeats} repeats of {parameters.folds} folds; "
        f"cost {COST:g}, value {VALUE:g}; {machine()}"
    )
    rows = [
        {
            "model": name,
            **{metric: float(np.mean([one[metric] for one in found])) for metric in found[0]},
            "profit sd": float(np.std([one["profit"] for one in found], ddof=1)),
        }
        for name, found in results.items()
    ]
    shown = ("model", "profit", "profit sd", "contacted", "AUC", "log loss", "calibration error")
    table([{name: row[name] for name in shown} for row in rows])
    ours = rows[0]
    print(
        f"everybody {ours['everybody']:,.0f}, nobody 0, as many at random {ours['random']:,.0f}, "
        f"segments that pay {ours['segments']:,.0f}, perfect {ours['perfect']:,.0f}"
    )
    write_json(options.json, {"models": rows})


if __name__ == "__main__":
    main()
