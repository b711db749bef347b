"""The models that could answer at sign-up: size, speed, quality, and how often they disagree.

Logistic regression and a network with int8 weights beside the full model, the better of two kinds
of trees, each as an ONNX file over the same columns. Quality is out of fold; answers differ from
the full model's, or the network's from those of the same network before its weights were quantised.
The public file is SEGMENTATION_REAL_CSV; without it, only generated customers are taken.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import onnxruntime as ort
import pandas as pd
import spox.opset.ai.onnx.v21 as op
from report import arguments, machine, table, write_json
from spox import Tensor, argument, build

from customer_segmentation.pipelines.supervised_training import comparison, metrics, models, nodes
from customer_segmentation.pipelines.supervised_training.folds import Validation, validate
from customer_segmentation.pipelines.supervised_training.sample import (
    LabelledCustomers,
    draw_labelled_customers,
)
from customer_segmentation.schema.parts import KEY
from customer_segmentation.scoring.graph import constant
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.quantised import MAX_LEVEL
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from tests.marketing import SCHEMA
from tools.engines import ARTIFACT, block, run_on
from tools.generator import write

FEATURES = 17


def labelled(file: Path, parameters: TrainingParameters) -> tuple[LabelledCustomers, Any]:
    """The customers of a file with the segments that are learned from them, and the segmenter."""
    made = run_on("pandas", file, SCHEMA, ["gold_features", ARTIFACT])
    features, artifact = made["gold_features"], made[ARTIFACT]
    scorer = Scorer(artifact.SerializeToString(deterministic=True))
    ids = scorer.score(scorer.matrix(nw.from_native(features)))["segment"]
    keys = np.array([segment["key"] for segment in scorer.metadata["segments"]])
    segments = pd.DataFrame({KEY: features[KEY], "segment_id": ids, "segment": keys[ids]})
    return draw_labelled_customers(features, segments, artifact, parameters), artifact


def measured(
    data: str, file: Path, parameters: TrainingParameters, repeats: int
) -> list[dict[str, Any]]:
    """A row of the table for each model."""
    customers, segmenter = labelled(file, parameters)
    validation = nodes.validate_cold_start(customers, parameters)
    if not isinstance(validation, Validation):
        message = f"{data}: no cold-start model, since {validation.reason}"
        raise TypeError(message)
    summary = metrics.summarise(validation, parameters.calibration_bins)
    names = (*models.LIGHT, *models.TREES)
    candidates = comparison.fit_candidates(
        names, validation, summary, metadata_of(segmenter), parameters
    )
    for name in models.LIGHT:
        one = candidates[name]
        nodes.check_against_scikit_learn(one.artifact, one.fitted, validation)
    files = {name: one.file for name, one in candidates.items()}
    sizes = {name: len(file) for name, file in files.items()}
    chosen = comparison.choose(validation, summary, sizes, comparison.AUTO)
    matrix = validation.customers.columns(SCHEMA.needed_inputs(validation.inputs))
    times = [comparison.latency(files, matrix) for _ in range(repeats)]
    qualities = comparison.qualities(validation, summary, sizes)
    float_network = models.unfitted(parameters.models, parameters.seed)["neural_network"]
    unquantised = validate(
        customers, validation.inputs, {"float": float_network}, parameters.folds, parameters.seed
    )
    answers = {
        name: shares.argmax(axis=1)
        for name, shares in (validation.probabilities | unquantised.probabilities).items()
    }
    by_int8 = float((answers["quantised_network"] != answers["float"]).mean())
    return [
        {
            "data": data,
            "model": name + (" (chosen)" if name == chosen else ""),
            "bytes": sizes[name],
            "1 row us": float(np.median([time[name]["one_row_us"] for time in times])),
            "1,000 rows ms": float(np.median([time[name]["thousand_rows_ms"] for time in times])),
            "AUC": row["roc_auc"],
            "balanced": row["balanced_accuracy"],
            "log loss": row["log_loss"],
            "differ from full": row["differing"],
            "differ by int8": by_int8 if name == "quantised_network" else 0.0,
        }
        for name, row in qualities.items()
    ]


def wrong_sums(largest: int) -> float:
    """The share of sums of products of two bytes that onnxruntime gets wrong on this machine.

    Args:
        largest: Input: 127 for seven bits, 255 for eight.
    """
    draw = np.random.default_rng(0)
    levels = draw.integers(0, largest + 1, (5_000, FEATURES)).astype(np.uint8)
    weights = draw.integers(-MAX_LEVEL, MAX_LEVEL + 1, (FEATURES, 8)).astype(np.int8)
    given = argument(Tensor(np.uint8, ("N", FEATURES)))
    sums = op.matmul_integer(given, constant(weights, np.int8))
    content = build({"levels": given}, {"sums": sums}).SerializeToString()
    (found,) = ort.InferenceSession(content).run(None, {"levels": levels})
    return float((found != levels.astype(np.int64) @ weights.astype(np.int64)).mean())


def main() -> None:
    """Print the table of the public file, where it is named, and of generated customers."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000, help="generated, default 50,000")
    parser.add_argument("--repeats", type=int, default=21, help="of the times, default 21")
    options = parser.parse_args()
    parameters = TrainingParameters(**block("supervised_training"))
    all_rows = parameters.model_copy(update={"sample_rows": options.rows})
    rows = []
    if real := os.environ.get("SEGMENTATION_REAL_CSV"):
        rows += measured("public file", Path(real), parameters, options.repeats)
    with tempfile.TemporaryDirectory() as folder:
        (file,) = write(Path(folder) / "customers.csv", options.rows, seed=1)
        rows += measured(f"{options.rows:,} generated", file, all_rows, options.repeats)
    print(f"one thread; times are medians of {options.repeats} rounds; {machine()}")
    table(rows)
    wrong = {bits: wrong_sums(2**bits - 1) for bits in (7, 8)}
    for bits, share in wrong.items():
        print(f"{share:.1%} of int32 sums are wrong on this processor with inputs of {bits} bits")
    write_json(options.json, {"models": rows, "wrong_sums": wrong})


if __name__ == "__main__":
    main()
