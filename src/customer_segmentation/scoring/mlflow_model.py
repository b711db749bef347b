"""Write a segmenter as an MLflow model, which `mlflow models serve` and registries take.

The model is MLflow's own ONNX flavour over the artifact: whoever serves it needs onnxruntime and
nothing of this project. The graph's input is float64, so that MLflow casts nothing, and its answers
are the artifact's. Its columns are the artifact's numeric ones, the snapshot's day among them: a
category is its code, and a missing number is null.

    python -m customer_segmentation.scoring.mlflow_model --out FOLDER
    mlflow models serve --model-uri FOLDER --env-manager local
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from customer_segmentation.bundles.bundle import SEGMENTER
from customer_segmentation.bundles.store import BUNDLES, BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.scoring.probe import made_up
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

_MODELS = Path("data/models")


def save_model(artifact: Path, out: Path) -> None:
    """Write a folder with the MLflow model of a segmenter.

    Args:
        artifact: `segmenter.onnx`, the folder of a bundle, or an environment's folder of models,
            of which the champion is meant.
        out: The folder to make.

    Raises:
        UserError: There is no segmenter, or something is at `out`.
    """
    path = _located(artifact)
    if not path.is_file():
        message = f"{path} is not there: run kedro run, or name another by --artifact"
        raise UserError(message)
    if out.exists() and any(out.iterdir()):
        message = f"{out} is there already: name another folder, or remove it"
        raise UserError(message)
    # Read once: what is checked is what is written.
    content = path.read_bytes()
    try:
        scorer = Scorer(content)
    except Exception as error:
        message = f"{path} is no ONNX file that can be run: {error}"
        raise UserError(message) from error
    if scorer.metadata["kind"] != "segmenter":
        message = f"{path} is no segmenter: name segmenter.onnx, which kedro run wrote"
        raise UserError(message)
    import mlflow.onnx  # noqa: PLC0415 - slow import

    mlflow.onnx.save_model(path=out, **flavour(scorer, content))


def _located(artifact: Path) -> Path:
    """The segmenter that a path means, which need not be there."""
    if not artifact.is_dir():
        return artifact
    if (artifact / SEGMENTER).is_file():
        return artifact / SEGMENTER
    live = BundleStore(str(artifact)).live()
    return artifact / BUNDLES / live.bundle / SEGMENTER if live else artifact / SEGMENTER


def flavour(scorer: Scorer, content: bytes) -> dict[str, Any]:
    """What MLflow's ONNX flavour is given to save or log an artifact.

    Args:
        scorer: The artifact, opened.
        content: Its bytes.
    """
    import mlflow.onnx  # noqa: PLC0415 - slow import
    import onnx  # noqa: PLC0415 - slow import
    import pandas as pd  # noqa: PLC0415 - slow import

    example, metadata = example_customer(scorer), scorer.metadata
    as_of = metadata["customers"]["as_of"]
    return {
        "onnx_model": onnx.load_model_from_string(content),
        "signature": _signature(scorer, example),
        "input_example": pd.DataFrame([example]),
        "metadata": {ARTIFACT_VERSION: scorer.version, "as_of": as_of},
        "onnx_execution_providers": ["CPUExecutionProvider"],
        "onnx_session_options": {"intra_op_num_threads": 1, "inter_op_num_threads": 1},
        # One file, whose bytes are known.
        "save_as_external_data": False,
        "pip_requirements": mlflow.onnx.get_default_pip_requirements(),
    }


def example_customer(scorer: Scorer) -> dict[str, float]:
    """Numeric column -> value of a customer of the artifact's day, within every range."""
    return dict(zip(scorer.columns, made_up(scorer.metadata)[1].tolist(), strict=True))


def _signature(scorer: Scorer, example: dict[str, float]) -> ModelSignature:
    """Every column by name, none optional: the graph has no defaults."""
    from mlflow.models import ModelSignature  # noqa: PLC0415 - slow import
    from mlflow.types import ColSpec, Schema  # noqa: PLC0415 - slow import

    answers = scorer.score(np.array([list(example.values())]))
    kinds = {name: "long" if a.dtype == np.int64 else "double" for name, a in answers.items()}
    return ModelSignature(
        inputs=Schema([ColSpec("double", name) for name in scorer.columns]),
        outputs=Schema([ColSpec(kind, name) for name, kind in kinds.items()]),
    )


def main(arguments: list[str] | None = None) -> None:
    """Write the MLflow model of an artifact."""
    parser = argparse.ArgumentParser(prog="python -m customer_segmentation.scoring.mlflow_model")
    parser.add_argument(
        "--artifact", type=Path, default=_MODELS, help="segmenter.onnx, or its folder"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to make")
    given = parser.parse_args(arguments)
    try:
        save_model(given.artifact, given.out)
    except UserError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
