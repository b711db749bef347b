"""The whole pipeline in memory: what it gives, from which engine, and in which order it saves."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import polars as pl
import pytest
import yaml
from scipy.special import softmax

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.supervised_training import create_pipeline, models
from customer_segmentation.pipelines.supervised_training.nodes import (
    build_cold_start,
    check_against_scikit_learn,
)
from customer_segmentation.scoring.artifact_file import WrongArtifactError
from customer_segmentation.scoring.metadata import INPUT, read_metadata
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified
from customer_segmentation.segmentation import quantised
from customer_segmentation.segmentation.training_parameters import TrainingParameters

ROOT = Path(__file__).parents[3]
CATALOG = yaml.safe_load((ROOT / "conf/base/catalog_supervised_training.yml").read_text())
CONFIGURED = yaml.safe_load((ROOT / "conf/base/parameters_supervised_training.yml").read_text())
BEHAVIOUR = ("spend", "purchase", "deal", "visits", "recency", "tenure", "enrolled", "campaign")
SEGMENTER = "0123456789ab"
# Each checks what it saves itself.
BUILDERS = {"build_cold_start", "build_response"}
METRICS = {
    "balanced_accuracy",
    "macro_f1",
    "log_loss",
    "brier_score",
    "expected_calibration_error",
}


def run(inputs: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Give every dataset of a run on the inputs, some of them changed."""
    data = {**inputs, **changed}
    for node in create_pipeline().nodes:
        # It scores with the segmenter, of which there are only metadata here.
        if node.name != "describe_customers":
            data |= node.run({name: data[name] for name in node.inputs})
    return data


def with_parameters(parameters: TrainingParameters, **changed: Any) -> dict[str, Any]:
    """Give the parameters' dataset with some of them changed."""
    return {"params:supervised_training": parameters.model_copy(update=changed)}


def fit(
    given: dict[str, Any], parameters: TrainingParameters, name: str = "logistic_regression"
) -> Any:
    """Give scikit-learn's model that the artifact of a run was built from."""
    found = given["cold_start_validation"]
    values = found.customers.columns(found.inputs)
    return models.fitted(name, values, found.customers.labels, parameters)


def content(artifact: onnx.ModelProto) -> bytes:
    """Give the artifact as it is written."""
    return artifact.SerializeToString(deterministic=True)


@pytest.fixture(scope="module")
def given(inputs) -> dict[str, Any]:
    return run(inputs)


@pytest.fixture(scope="module")
def metadata(given) -> dict[str, Any]:
    props = given["cold_start_candidate"].metadata_props
    return read_metadata({entry.key: entry.value for entry in props})


def test_every_model_has_the_mean_and_spread_of_every_metric(given) -> None:
    metrics = given["supervised_metrics"]
    assert {*metrics["demonstration"]["models"]} == {
        "baseline",
        "logistic_regression",
        "random_forest",
        "gradient_boosting",
        "neural_network",
    }
    for name in ("demonstration", "cold_start"):
        for values in metrics[name]["models"].values():
            assert {*values} == METRICS
            assert all({*numbers} == {"mean", "sd", "pooled"} for numbers in values.values())
    json.dumps(metrics, allow_nan=False)


def test_the_cold_start_model_beats_the_baseline(given) -> None:
    models = given["supervised_metrics"]["cold_start"]["models"]
    exported, baseline = models["logistic_regression"], models["baseline"]
    assert exported["balanced_accuracy"]["mean"] > baseline["balanced_accuracy"]["mean"] + 0.3
    assert exported["log_loss"]["mean"] < 0.7 * baseline["log_loss"]["mean"]


def test_the_metrics_say_that_only_tenured_customers_were_there(given, metadata) -> None:
    assert "no customer without purchases" in given["supervised_metrics"]["cold_start"]["note"]
    assert metadata["metrics"]["validated_on"] == "tenured customers"


def test_rows_groups_and_members_are_counted(given) -> None:
    section = given["supervised_metrics"]["cold_start"]
    assert (section["customers"], section["rows"], section["groups"]) == (160, 160, 150)
    assert sum(section["members"].values()) == sum(map(sum, section["confusion"])) == 160


def test_mlflow_gets_one_number_a_metric(given) -> None:
    flat = given["supervised_mlflow_metrics"]
    expected = given["supervised_metrics"]["cold_start"]["models"]["logistic_regression"]
    assert flat["cold_start.balanced_accuracy"] == {
        "value": expected["balanced_accuracy"]["mean"],
        "step": 0,
    }
    assert "demonstration.neural_network.log_loss" in flat
    assert flat["cold_start.bytes"]["value"] == len(content(given["cold_start_candidate"]))
    assert flat["cold_start.quantised_network.one_row_us"]["value"] > 0.0
    # Of each candidate, size, AUC, differing answers and two times.
    assert len(flat) == (5 + 5) * len(METRICS) + 3 * 5


def test_no_input_of_the_cold_start_is_behaviour(given, metadata) -> None:
    names = [*metadata["columns"], *given["supervised_metrics"]["cold_start"]["inputs"]]
    assert [name for name in names if any(word in name for word in BEHAVIOUR)] == []
    assert "age" in names


def test_no_input_of_the_demonstration_is_a_campaign_answer(given) -> None:
    inputs = given["supervised_metrics"]["demonstration"]["inputs"]
    assert "spend_total" in inputs
    assert not {"responded", "campaigns_accepted", "accepted_campaign_1"} & {*inputs}


def test_the_configured_parameters_are_accepted() -> None:
    TrainingParameters(**CONFIGURED["supervised_training"])


def test_the_artifact_answers_as_scikit_learn_does(given, features, parameters) -> None:
    scorer = Scorer(content(given["cold_start_candidate"]))
    answers = scorer.score(features[list(scorer.columns)].to_numpy())
    inputs = given["supervised_metrics"]["cold_start"]["inputs"]
    fitted, values = fit(given, parameters), features[inputs].to_numpy()
    expected = fitted.predict_proba(values)
    found = [answers[name] for name in scorer.outputs if name.startswith("probability_")]
    np.testing.assert_array_equal(answers["segment"], fitted.predict(values))
    np.testing.assert_allclose(np.stack(found, axis=1), expected, rtol=0, atol=1e-9)


def exported(given: dict[str, Any], parameters: TrainingParameters, name: str) -> tuple[Any, Any]:
    """Give the artifact and the comparison where a model is named."""
    named = parameters.model_copy(update={"exported": name})
    validation = given["cold_start_validation"]
    return build_cold_start(validation, given["segmenter_candidate"], named)


def test_the_network_answers_by_the_arithmetic_of_whole_numbers(
    given, features, parameters
) -> None:
    artifact, compared = exported(given, parameters, "quantised_network")
    scorer = Scorer(content(artifact))
    answers = scorer.score(features[list(scorer.columns)].to_numpy())
    values = features[given["supervised_metrics"]["cold_start"]["inputs"]].to_numpy()
    scores = quantised.scores(fit(given, parameters, "quantised_network").layers_, values)
    np.testing.assert_array_equal(answers["segment"], scores.argmax(axis=1))
    found = [answers[name] for name in scorer.outputs if name.startswith("probability_")]
    np.testing.assert_allclose(np.stack(found, axis=1), softmax(scores, axis=1), rtol=0, atol=1e-12)
    assert compared.exported == "quantised_network"
    assert scorer.metadata["metrics"]["model"] == compared.summary["quantised_network"]


def test_a_network_that_disagrees_with_its_arithmetic_is_refused(given, parameters) -> None:
    artifact, compared = exported(given, parameters, "quantised_network")
    fitted = fit(given, parameters, "quantised_network")
    first, last = fitted.layers_
    fitted.layers_ = first, replace(last, offsets=-last.offsets)
    with pytest.raises(RuntimeError, match=r"disagrees with scikit-learn on"):
        check_against_scikit_learn(artifact, fitted, compared.validation)


def test_every_candidate_has_a_size_and_quality_and_the_trees_differ_from_none(given) -> None:
    section = given["supervised_metrics"]["cold_start"]
    rows, full = section["candidates"], section["full_model"]
    assert [*rows] == ["logistic_regression", "quantised_network", full]
    losses = {name: values["log_loss"]["mean"] for name, values in section["models"].items()}
    assert losses[full] == min(losses[name] for name in models.TREES)
    for name, row in rows.items():
        assert [*row] == ["bytes", "roc_auc", "balanced_accuracy", "log_loss", "differing"]
        assert row["log_loss"] == losses[name]
        assert 0.5 < row["roc_auc"] <= 1.0
    assert rows[full]["differing"] == 0.0
    assert rows["logistic_regression"]["differing"] > 0.0
    assert rows["logistic_regression"]["bytes"] < rows[full]["bytes"]


def test_times_are_in_mlflow_alone_since_all_else_is_the_same_for_equal_data(given) -> None:
    flat, section = given["supervised_mlflow_metrics"], given["supervised_metrics"]["cold_start"]
    for time in ("one_row_us", "thousand_rows_ms"):
        assert sum(name.endswith(time) for name in flat) == len(section["candidates"])
        assert flat[f"cold_start.{time}"]["value"] > 0.0
        assert time not in json.dumps(section)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("name", models.TREES)
def test_the_file_of_trees_that_is_measured_answers_as_they_do(
    given, parameters, name, count
) -> None:
    found = given["cold_start_validation"]
    customers, values = found.customers, found.customers.columns(found.inputs)
    labels = np.minimum(customers.labels, count - 1)
    model = models.fitted(name, values, labels, parameters)
    about = {"features": found.inputs, "names": customers.segments[:count]}
    described = {"segmenter_version": SEGMENTER, "provenance": {}, "metrics": {}}
    artifact = models.artifact_of(model, schema=customers.schema, **about, **described)
    session = ort.InferenceSession(content(artifact))
    columns = customers.schema.needed_inputs(found.inputs)
    segment, *shares = session.run(None, {INPUT: customers.columns(columns)})
    expected = model.predict_proba(values)
    np.testing.assert_allclose(np.stack(shares, axis=1), expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(segment, expected.argmax(axis=1))
    with pytest.raises(WrongArtifactError):
        Scorer(content(artifact))


def test_the_artifact_says_what_it_is_made_for(metadata, sign_up) -> None:
    assert metadata["kind"] == "cold_start"
    assert metadata["segmenter_version"] == "0123456789ab"
    assert metadata["provenance"] == {"customers": 160}
    assert metadata["features"] == sign_up
    assert set(metadata["metrics"]["model"]) == METRICS


def test_an_artifact_that_disagrees_with_scikit_learn_is_refused(given, inputs, parameters) -> None:
    penalised = parameters.models.model_copy(update={"inverse_penalty": 1e-4})
    other = run(inputs, **with_parameters(parameters, models=penalised))["cold_start_candidate"]
    with pytest.raises(RuntimeError, match=r"disagrees with scikit-learn on .* Nothing was saved"):
        check_against_scikit_learn(other, fit(given, parameters), given["cold_start_validation"])


def test_nothing_is_saved_before_the_artifact_is_checked() -> None:
    for node in create_pipeline().nodes:
        if {*node.outputs} & {*CATALOG}:
            checked = {"cold_start_candidate", "cold_start_comparison"}
            assert node.name in BUILDERS or {*node.inputs} & checked, node.name


def test_every_free_output_is_in_the_catalog() -> None:
    pipeline = create_pipeline()
    assert {*CATALOG} == pipeline.outputs() | {"cold_start_candidate", "response_candidate"}


def test_a_second_run_in_another_order_gives_the_same_bytes_and_metrics(
    given, inputs, features, segments
) -> None:
    again = run(
        inputs,
        gold_features=features.sample(frac=1.0, random_state=5),
        gold_segments=segments.sample(frac=1.0, random_state=6),
    )
    assert content(again["cold_start_candidate"]) == content(given["cold_start_candidate"])
    assert again["supervised_metrics"] == given["supervised_metrics"]


@pytest.mark.parametrize("table", [pl.from_pandas, lambda frame: pl.from_pandas(frame).lazy()])
def test_polars_gives_the_same_bytes_and_metrics_as_pandas(
    given, inputs, features, segments, table
) -> None:
    again = run(inputs, gold_features=table(features), gold_segments=table(segments))
    assert content(again["cold_start_candidate"]) == content(given["cold_start_candidate"])
    assert again["supervised_metrics"] == given["supervised_metrics"]


def test_a_sample_bounds_the_customers_that_are_learned_from(inputs, parameters) -> None:
    given = run(inputs, **with_parameters(parameters, sample_rows=80))
    section = given["supervised_metrics"]["cold_start"]
    assert section["customers"] == 160
    assert 60 <= section["rows"] <= 100


def test_customers_with_a_missing_input_are_left_out_and_counted(inputs, features, caplog) -> None:
    gaps = features.assign(income=features["income"].where(features.index >= 7))
    section = run(inputs, gold_features=gaps)["supervised_metrics"]["cold_start"]
    assert (section["rows_left_out"], section["rows"]) == (7, 153)
    assert "7 of 160 customers lack one of" in caplog.text


def test_customers_without_a_segment_are_left_out(inputs, segments) -> None:
    unknown = segments.assign(segment_id=segments["segment_id"].where(segments.index >= 5, -1))
    given = run(inputs, gold_segments=unknown)
    assert given["supervised_metrics"]["cold_start"]["customers"] == 155


@pytest.mark.parametrize("name", models.LIGHT)
def test_two_segments_are_enough(inputs, segments, segmenter_of, parameters, name) -> None:
    two = segments.assign(segment_id=(segments["segment_id"] == 2).astype("int64"))
    two["segment"] = two["segment_id"].map({0: "low_spend", 1: "moderate"})
    named = with_parameters(parameters, exported=name)
    given = run(inputs, gold_segments=two, segmenter_candidate=segmenter_of(2), **named)
    assert given["supervised_metrics"]["cold_start"]["exported"] == name
    assert len(given["supervised_metrics"]["cold_start"]["members"]) == 2


def require_no_cold_start(found: dict[str, Any], why: str) -> None:
    """Said in the metrics, the artifact and the figures, and no metric of it is kept."""
    told = found["supervised_metrics"]["cold_start"]
    said = verified(found["cold_start_candidate"].SerializeToString(deterministic=True))
    assert re.search(why, told["left_out"])
    assert said["kind"] == "no_cold_start"
    assert said["reason"] == told["left_out"]
    assert (said["segmenter_version"], said["version"]) == (SEGMENTER, told["version"])
    assert not [name for name in found["supervised_mlflow_metrics"] if "cold_start" in name]
    for name in ("supervised_confusion_plot", "supervised_calibration_plot"):
        assert told["left_out"] in found[name].texts[0].get_text()


def test_too_few_members_of_a_segment_leave_the_models_out(inputs, segments) -> None:
    low = segments["segment"] == "low_spend"
    few = pd.concat([segments[~low], segments[low].tail(2)])
    found = run(inputs, gold_segments=few)
    require_no_cold_start(found, "`low_spend` has 2 different customers .* than the 3 folds")
    assert found["supervised_metrics"]["demonstration"]["left_out"]
    # Who answers is told in no regard of segments.
    assert not [n for n in found["supervised_mlflow_metrics"] if not n.startswith("response.")]


def test_repeats_of_one_customer_do_not_make_enough_members(inputs, features, segments) -> None:
    only = segments["segment"] == "high_value"
    once = segments[only].index[0]
    kept, repeats = segments[~only | (segments.index == once)], [f"again{n}" for n in range(9)]
    tables = {
        "gold_features": pd.concat(
            [features, features.loc[[once] * 9].assign(customer_id=repeats)], ignore_index=True
        ),
        "gold_segments": pd.concat(
            [kept, segments.loc[[once] * 9].assign(customer_id=repeats)], ignore_index=True
        ),
    }
    require_no_cold_start(run(inputs, **tables), "`high_value` has 1 different customers")


def test_one_segment_leaves_the_models_out(inputs, segments, segmenter_of) -> None:
    one = segments.assign(segment="low_spend", segment_id=0)
    found = run(inputs, gold_segments=one, segmenter_candidate=segmenter_of(1))
    require_no_cold_start(found, "`low_spend` is the only segment")


def test_segments_of_another_run_are_a_clear_error(inputs, segments) -> None:
    with pytest.raises(UserError, match=r"of different runs\. Run kedro run"):
        run(inputs, gold_segments=segments.assign(segment="loyal"))


def test_segments_of_other_customers_are_a_clear_error(inputs, segments) -> None:
    others = segments.assign(customer_id="x" + segments["customer_id"])
    with pytest.raises(UserError, match="none of the customers of gold_features"):
        run(inputs, gold_segments=others)


@pytest.mark.parametrize("blank", [False, True])
def test_without_anything_of_sign_up_there_is_no_cold_start_model_and_all_else(
    inputs, features, sign_up, blank
) -> None:
    blanked = features.assign(**dict.fromkeys(sign_up))
    without = blanked if blank else features.drop(columns=sign_up)
    found = run(inputs, gold_features=without)
    require_no_cold_start(
        found,
        "none of year_birth, education, .*, income, .* is present and differs between customers",
    )
    assert "left_out" not in found["supervised_metrics"]["demonstration"]


def test_a_schema_without_sign_up_features_has_no_cold_start_model_and_all_else(
    inputs, segmenter_of
) -> None:
    found = run(inputs, segmenter_candidate=segmenter_of(3, []))
    require_no_cold_start(found, "the schema names no sign_up_features")
    assert "left_out" not in found["supervised_metrics"]["demonstration"]


def test_an_input_that_many_lack_is_left_out_and_not_the_customers(inputs, features) -> None:
    holes = features.assign(age=features["age"].where(features.index % 3 > 0))
    told = run(inputs, gold_features=holes)["supervised_metrics"]["cold_start"]
    assert "age" not in told["inputs"]
    assert told["rows_left_out"] == 0


def test_a_cold_start_model_that_tells_no_more_than_sizes_is_left_out(
    inputs, features, sign_up
) -> None:
    random = np.random.default_rng(0)
    noise = {name: random.permutation(features[name]) for name in sign_up}
    # Of features that are not those of their columns, no response model is made.
    mixed = features.assign(**noise).drop(columns="responded")
    found = run(inputs, gold_features=mixed)
    require_no_cold_start(found, "predict the segment no better than its size does")
    assert isinstance(found["supervised_metrics"]["cold_start"]["is_worse_than_none"], bool)


def test_figures_name_segments_and_say_how_they_were_validated(given) -> None:
    for name in ("supervised_confusion_plot", "supervised_calibration_plot"):
        texts = [
            text.get_text() for text in given[name].findobj(lambda part: hasattr(part, "get_text"))
        ]
        assert any("High-value" in text for text in texts)
        assert any("Out-of-fold predictions on tenured customers" in text for text in texts)


def test_wiring_imports_no_heavy_library() -> None:
    code = (
        "import sys, customer_segmentation.pipelines.supervised_training;"
        "print({'sklearn', 'matplotlib', 'onnx', 'ndonnx', 'mlflow'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - this interpreter
    assert done.stdout.strip() == "set()"
