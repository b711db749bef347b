"""The graph of a network with int8 weights, against the same arithmetic in NumPy."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from scipy.special import softmax

from customer_segmentation.schema.evaluate import on_arrays
from customer_segmentation.scoring.artifact_file import WrongArtifactError
from customer_segmentation.scoring.cold_start import build_cold_start
from customer_segmentation.scoring.metadata import VERSION, metadata_of, with_metadata
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.cold_start import ColdStartModel, QuantisedColdStart
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.quantised import MAX_LEVEL, Layer, scores
from tests.marketing import SCHEMA
from tests.scoring.example import quantised_like

# In the order of the artifact's columns.
COLUMNS = ("income", "as_of_year", "year_birth", "marital_status")


@pytest.fixture(scope="module")
def model() -> QuantisedColdStart:
    return quantised_like(
        ColdStartModel(
            features=("income", "age", "partnered"),
            caps=np.array([90_000.0, 80.0, 1.0]),
            means=np.array([50_000.0, 45.0, 0.6]),
            deviations=np.array([20_000.0, 12.0, 0.5]),
            weights=np.zeros((3, 3)),
            intercepts=np.array([0.2, 0.1, -0.3]),
            names=tuple(SegmentName(key, key.title()) for key in ("low", "middle", "high")),
            segmenter_version="0123456789ab",
            schema=SCHEMA,
            provenance={"source": "test"},
            metrics={},
        )
    )


@pytest.fixture(scope="module")
def artifact(model) -> onnx.ModelProto:
    return build_cold_start(model)


@pytest.fixture(scope="module")
def scorer(artifact) -> Scorer:
    return Scorer(artifact.SerializeToString(deterministic=True))


def customers(rows: int) -> np.ndarray:
    """Draw an input matrix."""
    draw = np.random.default_rng(0)
    income = draw.uniform(0, 200_000, rows).round()
    birth, marital = draw.integers(1930, 1996, rows), draw.integers(0, 5, rows)
    return np.column_stack([income, np.full(rows, 2014.0), birth, marital])


def shares(answers: dict[str, np.ndarray]) -> np.ndarray:
    """Give (rows x segments)."""
    return np.stack([values for name, values in answers.items() if name != "segment"], axis=1)


def by_hand(model: QuantisedColdStart, matrix: np.ndarray) -> np.ndarray:
    """Scores by NumPy, (rows x segments)."""
    columns = {name: matrix[:, place] for place, name in enumerate(COLUMNS)}
    features = on_arrays(SCHEMA, model.features, columns)
    return scores(model.layers, np.column_stack([features[name] for name in model.features]))


def test_it_answers_as_the_arithmetic_of_whole_numbers_does(scorer, model) -> None:
    matrix = customers(20_000)
    answers, expected = scorer.score(matrix), by_hand(model, matrix)
    assert scorer.columns == COLUMNS
    np.testing.assert_array_equal(answers["segment"], expected.argmax(axis=1))
    np.testing.assert_allclose(shares(answers), softmax(expected, axis=1), rtol=0, atol=1e-12)
    assert (np.bincount(answers["segment"]) > 100).all()


def test_the_file_holds_weights_of_one_byte_and_multiplies_them_as_such(artifact, model) -> None:
    constants = {
        node.output[0]: onnx.numpy_helper.to_array(node.attribute[0].t)
        for node in artifact.graph.node
        if node.op_type == "Constant"
    }
    factors = [
        constants[node.input[1]] for node in artifact.graph.node if node.op_type == "MatMulInteger"
    ]
    for factor, layer in zip(factors, model.layers, strict=True):
        assert factor.dtype == np.int8
        np.testing.assert_array_equal(factor, layer.weights)


def test_a_customer_gets_the_same_answer_alone_and_in_a_batch(scorer) -> None:
    matrix = customers(50)
    together = scorer.score(matrix)
    for row in range(50):
        alone = scorer.score(matrix[row : row + 1])
        assert alone["segment"][0] == together["segment"][row]
        np.testing.assert_allclose(shares(alone)[0], shares(together)[row], rtol=0, atol=1e-15)


@pytest.mark.parametrize("rows", [1, 5])
def test_the_largest_sums_are_exact_on_this_processor(model, rows: int) -> None:
    """With inputs of eight bits, processors without VNNI cut off the sum of two products."""
    first, last = model.layers
    whole = np.full(first.weights.shape, MAX_LEVEL, dtype=np.int8)
    whole[:, 1::2] = -MAX_LEVEL
    extreme = replace(model, layers=(replace(first, weights=whole), last))
    matrix = np.repeat([[90_000.0, 2014.0, 1934.0, 2.0]], rows, axis=0)
    found = Scorer(build_cold_start(extreme).SerializeToString(deterministic=True)).score(matrix)
    expected = softmax(by_hand(extreme, matrix), axis=1)
    np.testing.assert_allclose(shares(found), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("column", range(len(COLUMNS)))
@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_a_missing_input_gives_no_segment_and_no_probability(scorer, column, missing) -> None:
    matrix = customers(3)
    whole = scorer.score(matrix)
    matrix[1, column] = missing
    answers = scorer.score(matrix)
    assert answers["segment"][1] == -1
    assert np.isnan(shares(answers)[1]).all()
    np.testing.assert_array_equal(answers["segment"][[0, 2]], whole["segment"][[0, 2]])


def test_no_customers_give_no_answers(scorer) -> None:
    assert all(len(values) == 0 for values in scorer.score(np.empty((0, 4))).values())


def test_of_equally_likely_segments_the_lowest_is_given(model) -> None:
    first, last = model.layers
    silent = Layer(last.lows, last.steps, 0 * last.weights, last.scales, 0.0 * last.offsets)
    undecided = replace(model, layers=(first, silent))
    answers = Scorer(build_cold_start(undecided).SerializeToString()).score(customers(5))
    assert answers["segment"].tolist() == [0] * 5


def test_the_metadata_hold_every_learned_number(scorer, model) -> None:
    said = scorer.metadata
    assert (said["kind"], said["segmenter_version"]) == ("cold_start", "0123456789ab")
    assert len(said["layers"]) == len(model.layers)
    for told, layer in zip(said["layers"], model.layers, strict=True):
        assert told == {name: values.tolist() for name, values in vars(layer).items()}


def test_no_weight_of_a_graph_can_be_negated(artifact) -> None:
    """The version is right, and the answers are not those which the metadata tell."""
    metadata = {key: value for key, value in metadata_of(artifact).items() if key != VERSION}
    count = 0
    for place, node in enumerate(artifact.graph.node):
        if node.op_type != "Constant" or node.attribute[0].t.data_type != onnx.TensorProto.INT8:
            continue
        values = np.frombuffer(node.attribute[0].t.raw_data, dtype=np.int8)
        for number in np.flatnonzero(values):
            model = onnx.ModelProto()
            model.CopyFrom(artifact)
            signs = np.where(np.arange(len(values)) == number, -1, 1).astype(np.int8)
            model.graph.node[place].attribute[0].t.raw_data = (values * signs).tobytes()
            with pytest.raises(WrongArtifactError, match="contradicting its metadata"):
                Scorer(with_metadata(model, metadata).SerializeToString(deterministic=True))
            count += 1
    assert count > 30


def test_another_weight_makes_another_version(scorer, model) -> None:
    first, last = model.layers
    weights = last.weights.copy()
    weights[0, 0] += 1 if weights[0, 0] < MAX_LEVEL else -1
    other = build_cold_start(replace(model, layers=(first, replace(last, weights=weights))))
    changed = Scorer(other.SerializeToString()).metadata[VERSION]
    assert changed != scorer.metadata[VERSION]
