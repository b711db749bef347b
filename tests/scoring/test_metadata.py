"""What an artifact says of itself, and that equal segmenters give equal bytes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from customer_segmentation.scoring.graph import build_segmenter, input_columns
from customer_segmentation.scoring.metadata import metadata_of, schema_of
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.marketing import CONTRACT, EDUCATION, PRODUCTS

ROOT = Path(__file__).parents[2]
PRINT_HASH = (
    "import hashlib; from customer_segmentation.scoring.graph import build_segmenter;"
    "from tests.scoring.example import make_segmenter;"
    "print(hashlib.sha256(build_segmenter(make_segmenter()).SerializeToString()).hexdigest())"
)


def test_metadata_is_the_same_read_from_the_file_and_from_a_session(
    artifact: onnx.ModelProto, scorer: Scorer
) -> None:
    assert metadata_of(artifact) == scorer.metadata


def test_metadata_names_columns_outputs_segments_and_codes(
    segmenter: Segmenter, scorer: Scorer
) -> None:
    metadata = scorer.metadata
    assert tuple(metadata["columns"]) == input_columns(segmenter)
    assert tuple(metadata["outputs"]) == scorer.outputs
    assert metadata["segments"][1] == {"key": "s1", "name": "Segment 1"}
    assert metadata["codes"]["product"] == list(PRODUCTS)
    assert metadata["codes"]["offer"] == ["newsletter", "discount", "preview"]


def test_metadata_hold_the_schema_with_the_rules_of_every_column_in_order(
    segmenter: Segmenter, scorer: Scorer
) -> None:
    read = schema_of(scorer.metadata)
    assert read.model_dump(mode="json") == segmenter.schema.model_dump(mode="json")
    assert tuple(read.columns.values()) == CONTRACT
    assert read.columns["education"].categories == EDUCATION
    assert read.as_of.isoformat() == scorer.metadata["provenance"]["as_of"]


def test_metadata_holds_every_learned_number_exactly(segmenter: Segmenter, scorer: Scorer) -> None:
    scaling = scorer.metadata["scaling"]
    assert scaling["features"] == list(segmenter.scaling.features)
    for name in ("caps", "means", "deviations"):
        assert scaling[name] == getattr(segmenter.scaling, name).tolist()
    assert scorer.metadata["learned"] == segmenter.learned
    assert scorer.metadata["provenance"] == segmenter.provenance


def test_the_version_is_of_the_content(segmenter: Segmenter, scorer: Scorer) -> None:
    def version(changed: Segmenter) -> str:
        return str(metadata_of(build_segmenter(changed))["version"])

    moved = segmenter.centroids + np.array([1e-9] + [0.0] * (segmenter.centroids.shape[1] - 1))
    versions = [
        version(replace(segmenter, centroids=moved)),
        version(replace(segmenter, names=segmenter.names[::-1])),
        version(replace(segmenter, provenance={})),
    ]
    assert version(segmenter) == scorer.version
    assert len({scorer.version, *versions}) == 4
    assert re.fullmatch("[0-9a-f]{12}", scorer.version)


def test_another_process_makes_the_same_bytes() -> None:
    processes = [
        subprocess.Popen(  # noqa: S603 - this interpreter and the text above
            [sys.executable, "-c", PRINT_HASH],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    hashes = [process.communicate()[0] for process in processes]
    assert hashes[0] == hashes[1]
    assert re.fullmatch("[0-9a-f]{64}\n", hashes[0])


@pytest.mark.parametrize("trace", [str(ROOT), os.sep + "site-packages", ".py", ":00"])
def test_the_artifact_holds_no_path_and_no_time(artifact: onnx.ModelProto, trace: str) -> None:
    assert trace.encode() not in artifact.SerializeToString()
