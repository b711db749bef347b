"""From dev to prod: the README's transcript, and what promotions leave behind."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest
from click.testing import Result

from customer_segmentation.bundles.bundle import BASELINE, MODELS
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.lineage.ledger import read_ledger
from customer_segmentation.monitoring.summary import Baseline
from customer_segmentation.scoring.mlflow_model import example_customer
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.bundle import Champion
from tests.runs.project import Project, make_project, transcript
from tests.services.s3 import S3Server

BUCKET = "promotion"
# What differs between two runs: ids of bundles and versions, times, who ran it.
VARYING = re.compile(
    r"\b[0-9a-f]{12}\b|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|(?<=of )\w+(?=, from)|0\.\d+"
)


@dataclass(frozen=True)
class Step:
    """A command of the transcript, what it printed, and lines that the README shows of it."""

    command: list[str]
    result: Result
    shown: list[str]


def as_kedro(command: str) -> list[str]:
    """The arguments of `kedro` that a target of the Makefile runs."""
    make, target, *given = shlex.split(command)
    assert make == "make"
    values = dict(one.split("=", 1) for one in given)
    environment = [] if target == "run" else [f"--env={target}"]
    arguments = shlex.split(values.get("ARGS", ""))
    return [values.get("COMMAND", "run"), *environment, *arguments]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: Path) -> Project:
    made = make_project(tmp_path_factory.mktemp("promotion") / "project", tracking)
    made.make_quick()
    return made


@pytest.fixture(scope="module")
def steps(project: Project, moto_server: S3Server, spark: Any) -> Iterator[list[Step]]:
    """Every command of the transcript, in one process."""
    del spark
    moto_server.make_bucket(BUCKET)
    with pytest.MonkeyPatch.context() as patch:
        settings = moto_server.environment() | {"SEGMENTATION_BUCKET": BUCKET}
        for name, value in settings.items():
            patch.setenv(name, value)
        done = []
        for command, shown in transcript("From dev to prod"):
            arguments = as_kedro(command)
            done.append(Step(arguments, project.kedro(*arguments), shown))
        yield done


@pytest.fixture
def staging(steps: list[Step]) -> BundleStore:
    assert steps
    return BundleStore(f"s3://{BUCKET}/models", "staging")


@pytest.mark.spark
def test_the_transcript_is_what_the_commands_print(steps: list[Step]) -> None:
    for step in steps:
        printed = [VARYING.sub("*", line) for line in step.result.output.splitlines()]
        for line in step.shown:
            assert VARYING.sub("*", line) in printed, step.result.output


@pytest.mark.spark
def test_only_the_refused_promotion_ends_with_an_error(steps: list[Step]) -> None:
    failed = [step for step in steps if step.result.exit_code]
    assert [step.result.exit_code for step in failed] == [1]
    assert "is not promoted to staging: refused by" in failed[0].result.output


@pytest.mark.spark
def test_a_bundle_is_the_same_in_every_environment(project: Project, staging: BundleStore) -> None:
    models = project.root / "data" / "models"
    dev = BundleStore(str(models), "dev")
    prod = BundleStore(str(project.root / "data" / "prod" / "models"), "prod")
    champion = staging.champion()
    assert champion
    assert champion == prod.champion() == dev.bundle(champion.id)
    (live,) = prod.log()
    assert (live.source, live.bundle, live.files) == ("staging", champion.id, champion.hashes)
    baseline = Baseline.of(champion.files[BASELINE])
    assert baseline.version == live.artifact_version
    assert baseline.summary.customers == champion.about["customers"]


@pytest.mark.spark
def test_the_definitions_of_features_are_promoted_with_their_hash(
    project: Project, staging: BundleStore
) -> None:
    assert staging.live()
    told = {}
    for environment in ("dev", "staging"):
        said = project.kedro("feature", "versions", f"--env={environment}")
        assert said.exit_code == 0, said.output
        lines = [line.split()[:3] for line in said.output.splitlines()[1:]]
        told[environment] = {tuple(line) for line in lines}
    assert told["staging"] == told["dev"]
    assert {line[:2] for line in told["dev"]} == {
        ("1", "customer_features"),
        ("1", "customer_model_inputs"),
    }


@pytest.mark.spark
def test_the_log_holds_who_promoted_what_with_which_figures(staging: BundleStore) -> None:
    first, overridden, back = staging.log()
    assert [one.kind for one in (first, overridden, back)] == ["promotion", "promotion", "rollback"]
    assert all(gate["passed"] for gate in first.gates)
    assert overridden.overridden == ("agreement", "segments", "quality")
    assert (overridden.approver, overridden.reason) == ("Ana", "trial")
    assert overridden.run_id
    assert (back.bundle, back.previous) == (first.bundle, overridden.bundle)
    assert (back.approver, back.reason) == ("Ana", "three suffice")


@pytest.mark.spark
def test_a_refused_promotion_leaves_its_figures_and_nothing_else(
    project: Project, staging: BundleStore
) -> None:
    before = {name: staging._files.info(name)["ETag"] for name in staging._files.find(BUCKET)}
    log = staging.log()
    result = project.run("--env=staging", "--pipeline=promotion")
    assert result.exit_code == 1
    assert staging.log() == log
    ledger = f"{BUCKET}/lineage.json"
    after = {name: staging._files.info(name)["ETag"] for name in staging._files.find(BUCKET)}
    assert {n: e for n, e in after.items() if n != ledger} == {
        n: e for n, e in before.items() if n != ledger
    }
    page = (project.root / "data/staging/reporting/promotion.html").read_text()
    assert "Refused by agreement, segments, quality" in page


@pytest.mark.spark
def test_mlflow_has_the_figures_of_each_gate(project: Project, steps: list[Step]) -> None:
    assert steps
    mlflow.set_tracking_uri(f"sqlite:///{project.root / 'mlflow.db'}")
    runs = mlflow.search_runs(search_all_experiments=True)
    figures = [name for name in runs.columns if name.startswith("metrics.promotion.")]
    assert {name.split(".")[2] for name in figures} == {
        *("provenance", "same_answers", "features", "contract", "freshness"),
        *("agreement", "segments", "quality", "stability"),
    }
    refused = runs[runs["status"] == "FAILED"]
    assert (refused["metrics.promotion.agreement.ari"] < 0.8).all()


@pytest.mark.spark
def test_mlflows_registry_has_the_champion_and_its_answers(
    project: Project, staging: BundleStore
) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{project.root / 'mlflow.db'}")
    champion = staging.champion()
    assert champion
    for file in MODELS:
        scorer = Scorer(champion.files[file])
        example = pd.DataFrame([example_customer(scorer)])
        name = f"customer_segmentation_staging_{file.removesuffix('.onnx')}"
        model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
        assert model.metadata.signature is not None
        assert model.input_example is not None
        answered = model.predict(example)
        for output, values in scorer.score(example.to_numpy()).items():
            np.testing.assert_array_equal(answered[output], values)
    dev = BundleStore(str(project.root / "data" / "models"), "dev").live()
    assert dev
    for alias in ("candidate", "champion"):
        version = mlflow.MlflowClient().get_model_version_by_alias(
            "customer_segmentation_dev_segmenter", alias
        )
        assert version.tags["bundle"] == dev.bundle


@pytest.mark.spark
def test_with_configuration_from_elsewhere_the_project_is_still_this_one(
    project: Project, staging: BundleStore, tmp_path: Path
) -> None:
    live = staging.live()
    assert live
    shutil.copytree(project.root / "conf", tmp_path / "conf")
    for environment in ("dev", "staging"):
        own = project.kedro("champion", f"--env={environment}")
        lent = project.kedro("champion", f"--env={environment}", f"--conf-source={tmp_path}/conf")
        assert lent.stdout == own.stdout
        assert "no champion" not in own.stdout


@pytest.mark.spark
def test_a_server_takes_up_what_the_log_says(staging: BundleStore) -> None:
    champion = Champion(staging.root)
    live = staging.live()
    assert live
    assert champion.current.version == live.artifact_version
    assert not champion.refresh()


@pytest.mark.spark
def test_a_table_of_all_promotions_is_one_command_away(
    project: Project, staging: BundleStore, tmp_path: Path
) -> None:
    result = project.kedro("champion", "--env=staging", "--all")
    file = tmp_path / "promotions.csv"
    file.write_text(result.stdout)
    table = pd.read_csv(file)
    assert table["number"].tolist() == [1, 2, 3]
    assert table["bundle"].tolist() == [one.bundle for one in staging.log()]
    assert table["live_until"].tolist()[:2] == table["live_from"].tolist()[1:]


@pytest.mark.spark
def test_scoring_takes_the_champion_and_learns_nothing(
    project: Project, staging: BundleStore
) -> None:
    result = project.run("--env=staging", "--pipeline=scoring")
    assert result.exit_code == 0, result.output
    live = staging.live()
    assert live
    segments = pl.read_parquet(f"s3://{BUCKET}/gold/segments.parquet")
    assert segments["artifact_version"].unique().to_list() == [live.artifact_version]
    assert segments.height == 2202
    assert staging.candidate() is None
    ledger = read_ledger(f"s3://{BUCKET}/lineage.json")
    assert ledger.entries["gold_segments"].artifact_version == live.artifact_version


def test_without_a_champion_nothing_is_scored_and_the_way_to_one_is_told(
    new_project: Project,
) -> None:
    result = new_project.run("--pipeline=scoring")
    assert result.exit_code == 1
    assert "dev has no champion yet: promote a bundle with kedro run --env=dev" in result.output


def test_bounds_that_are_typed_ask_for_somebody_who_answers_for_them(new_project: Project) -> None:
    bounds = "--params=promotion.bounds.min_ari=0.1"
    result = new_project.run("--pipeline=promotion", bounds)
    assert result.exit_code == 1
    assert "bounds of gates belong in conf/<env>/parameters_promotion.yml" in result.output


def test_an_override_without_a_reason_is_refused(new_project: Project) -> None:
    result = new_project.run("--pipeline=promotion", "--params=promotion.approver=Ana")
    assert result.exit_code == 1
    assert "an override takes both `approver` and `reason`" in result.output


@pytest.mark.spark
def test_what_was_learned_here_goes_through_the_same_gates(project: Project) -> None:
    result = project.run("--pipeline=promotion")
    assert result.exit_code == 0, result.output
    assert "is the champion of dev already" in result.output
