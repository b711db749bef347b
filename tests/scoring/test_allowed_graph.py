"""What the checks of an artifact allow, held against every artifact that this project can make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.allowed_graph import IR_VERSIONS, OPERATORS, OPSETS
from customer_segmentation.scoring.artifact_file import MAX_BYTES, WrongArtifactError
from customer_segmentation.scoring.cold_start import build_cold_start
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import VERSION, metadata_of, with_metadata
from customer_segmentation.scoring.response import build_response
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.cold_start import ColdStartModel
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.projection import Projection
from customer_segmentation.segmentation.response import Bends, Regression, ResponseModel
from customer_segmentation.segmentation.scaling import Scaling
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.marketing import COLUMNS, FEATURES, SCHEMA, numeric_columns
from tests.scoring.example import make_response, make_segmenter, quantised_like

ROUNDED_AWAY = {-1.0, 0.0, 1.0, 1e-6, 1e-300}
# Everything that a segment could be made of.
EVERYTHING = (*FEATURES, *numeric_columns([*COLUMNS, AS_OF]))
# `supervised_training.models.units` allows no more.
MOST_UNITS = 64


def segmenter_of(features: tuple[str, ...], components: int, segments: int) -> Segmenter:
    draw = np.random.default_rng(0)
    count = len(features)
    numbers = [draw.uniform(1.0, 2.0, count) for _ in range(3)]
    base = np.linalg.qr(draw.normal(size=(count, count)))[0][:, :components]
    return replace(
        make_segmenter(),
        scaling=Scaling(features, *numbers),
        projection=Projection(base, np.full(components, 1.0 / components)),
        centroids=draw.normal(size=(segments, components)),
        names=tuple(SegmentName(f"s{n}", f"Segment {n}") for n in range(segments)),
    )


def segmenter_of_formulas() -> Segmenter:
    """Of features whose formulas have what no shipped one has, and of logarithms."""
    formulas = {"a": "log(income)", "b": "income <= 5", "c": "income != 5"}
    block = SCHEMA.model_dump(mode="json")
    block["features"] |= {name: {"formula": text} for name, text in formulas.items()}
    made = segmenter_of(("income", *formulas), 2, 2)
    logarithms = replace(made.scaling, logs=("income", "b"))
    return replace(made, scaling=logarithms, schema=Schema.model_validate(block))


def cold_start_of(features: tuple[str, ...], segments: int) -> ColdStartModel:
    draw = np.random.default_rng(0)
    like = segmenter_of(features, 1, segments)
    return ColdStartModel(
        features=features,
        **{name: getattr(like.scaling, name) for name in ("caps", "means", "deviations")},
        weights=draw.normal(size=(segments, len(features))),
        intercepts=draw.normal(size=segments),
        names=like.names,
        segmenter_version="0123456789ab",
        schema=like.schema,
        provenance=like.provenance,
        metrics={},
    )


def response_of_everything() -> ResponseModel:
    """All that is known before a contact, as many features as are taken, two bends each."""
    known = [name for name in EVERYTHING if SCHEMA.is_known_before(name)][:60]
    draw = np.random.default_rng(0)
    numbers = [draw.uniform(1.0, 2.0, len(known)) for _ in range(3)]
    places = tuple(range(len(known)))
    regression = Regression(
        scaling=Scaling(tuple(known), *numbers),
        bends=Bends(places + places, tuple(draw.normal(size=2 * len(known)))),
        weights=draw.normal(size=3 * len(known)),
        intercept=0.5,
    )
    return replace(make_response("0123456789ab"), regression=regression)


def artifacts() -> Iterator[onnx.ModelProto]:
    """Every feature and decision, all and none; with all components, and with one."""
    for segmenter in (
        make_segmenter(),
        segmenter_of(EVERYTHING, len(EVERYTHING), 12),
        segmenter_of(("age",), 1, 2),
        segmenter_of(("income", "age"), 1, 2),
    ):
        yield build_segmenter(segmenter)
        yield build_segmenter(replace(segmenter, decisions=(), learned={}))
    yield build_segmenter(segmenter_of_formulas())
    yield build_cold_start(cold_start_of(EVERYTHING, 12))
    yield build_cold_start(cold_start_of(("age",), 2))
    yield build_cold_start(quantised_like(cold_start_of(EVERYTHING, 12), MOST_UNITS))
    yield build_cold_start(quantised_like(cold_start_of(("age",), 2), 1))
    yield build_response(make_response("0123456789ab"))
    yield build_response(response_of_everything())


@pytest.fixture(scope="module")
def built() -> list[onnx.ModelProto]:
    return list(artifacts())


def test_the_allowed_operators_are_those_that_our_artifacts_use(
    built: list[onnx.ModelProto],
) -> None:
    assert {node.op_type for model in built for node in model.graph.node} == OPERATORS
    assert {node.domain for model in built for node in model.graph.node} == {""}
    assert {model.ir_version for model in built} == IR_VERSIONS
    assert {opset.version for model in built for opset in model.opset_import} == OPSETS


def test_every_artifact_that_can_be_made_is_taken(built: list[onnx.ModelProto]) -> None:
    for model in built:
        content = model.SerializeToString(deterministic=True)
        assert len(content) < MAX_BYTES / 4
        assert Scorer(content).metadata["version"]


def test_whoever_scores_refuses_what_is_none_of_ours(
    artifact: onnx.ModelProto, tmp_path: Path
) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(artifact)
    model.graph.node[0].op_type = "Loop"
    path = tmp_path / "segmenter.onnx"
    path.write_bytes(model.SerializeToString(deterministic=True))
    with pytest.raises(WrongArtifactError, match="Promote the file that kedro run wrote"):
        Scorer(path)


def test_hardly_a_number_of_a_graph_can_be_changed(artifact: onnx.ModelProto) -> None:
    """The version is right, and the answers are not those which the metadata tell."""
    metadata = {key: value for key, value in metadata_of(artifact).items() if key != VERSION}
    taken = []
    for place, node in enumerate(artifact.graph.node):
        if node.op_type == "Constant" and node.attribute[0].t.data_type == onnx.TensorProto.DOUBLE:
            model = onnx.ModelProto()
            model.CopyFrom(artifact)
            tensor = model.graph.node[place].attribute[0].t
            values = np.frombuffer(tensor.raw_data)
            tensor.raw_data = np.where(values == 0.0, 1e9, values * 1.5).tobytes()
            with suppress(WrongArtifactError):
                Scorer(with_metadata(model, metadata).SerializeToString(deterministic=True))
                taken += values.tolist()
    # A code becomes a whole number again, and code 0 is given by another step as well; what counts
    # as nothing, and the least distance, are far below any customer's.
    assert {number for number in taken if not np.isnan(number)} <= ROUNDED_AWAY
