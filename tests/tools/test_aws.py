"""An environment of AWS in the emulator: a file lands, gold tables and answers come out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

import pandas as pd
import pytest

from tests.runs.project import CHECKOUT, Project, make_project, shell
from tests.services.terraform import ABSENT
from tools.aws.__main__ import CUSTOMER, SAMPLE
from tools.aws.emulated import applied, served, zips
from tools.aws.rehearsal import Execution, Rehearsal
from tools.deploy.project import steps
from tools.ministack import ministack_python
from tools.terraform import NoTerraformError

pytestmark = pytest.mark.deploy

RUN_SECONDS = 600.0
# In the command of a process that Terraform starts.
_PROVIDER, _SECONDS = "terraform-provider", 60.0
ROWS = 1_500
# Set in a process, and so in all that it starts.
MARK = "SEGMENTATION_TEST_OF_AWS"


@dataclass(frozen=True)
class Story:
    """What happened to an environment, in this order.

    Attributes:
        made: How many resources Terraform made.
        first: The run of a file that landed.
        second: A run that was ordered while the first one was on.
        segments: gold_segments, then.
        answer: Of the API for a customer of the file, then.
        receipt: Of the API for a customer's record that was posted, then.
        posted: The objects of the lake that posting it has made.
        unsigned: The status for a caller who does not say who it is.
        bad: The run of a file that is no table of customers.
        refused: The run of a gate before which another kind of model stands.
        told: What the topic was told.
        left: What Terraform holds at the end.
    """

    made: int
    first: Execution
    second: Execution
    segments: pd.DataFrame
    answer: dict[str, object]
    receipt: dict[str, object]
    posted: list[str]
    unsigned: int
    bad: Execution
    refused: Execution
    told: list[str]
    left: list[str]


@pytest.fixture(scope="module")
def source() -> bytes:
    """A file that is not the sample, which a run without a file would read."""
    return b"".join(SAMPLE.read_bytes().splitlines(keepends=True)[: ROWS + 1])


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, source: bytes) -> Project:
    """A developer's own run of the same file."""
    project = make_project(tmp_path_factory.mktemp("dev") / "project")
    (project.root / "customers.csv").write_bytes(source)
    return project


@pytest.fixture(scope="module")
def direct(dev: Project) -> pd.DataFrame:
    return run(dev)


@pytest.fixture(scope="module")
def story(dev: Project, direct: pd.DataFrame, source: bytes) -> Iterator[Story]:
    if ministack_python() is None:
        pytest.skip("ministack is not there: make services")
    assert len(direct)
    # Another number of segments is another kind of model.
    run(dev, "--params=clustering.k.minimum=4,promotion.even_if_worse=true")
    with served() as (server, folder):
        try:
            environment = applied(server, folder, zips(folder))
        except NoTerraformError as error:
            pytest.skip(f"{ABSENT}{str(error).splitlines()[0]}")
        made = len(environment.workspace.resources())
        good = environment.drop("customers.csv", source)
        wait_for_start(environment)
        environment.start({"runs": []})
        first, second = (environment.ended(number, RUN_SECONDS) for number in (1, 2))
        segments = environment.table("gold/segments.parquet").to_pandas()
        answer = environment.ask(CUSTOMER)
        receipt = environment.ask(CUSTOMER, route="/v1/records")
        posted = environment.keys("landed/records/")
        with pytest.raises(HTTPError) as refusal:
            environment.ask(CUSTOMER, signed=False)
        environment.drop("bad.csv", b"a,b\n1,2\n")
        bad = environment.ended(3, RUN_SECONDS)
        put(dev.root / "data" / "models", environment)
        environment.start({"runs": ["gate"], "source": good})
        refused = environment.ended(4, RUN_SECONDS)
        told = environment.told()
        environment.workspace.destroy()
        left = environment.workspace.resources()
        yield Story(
            made=made,
            first=first,
            second=second,
            segments=segments,
            answer=answer,
            receipt=receipt,
            posted=posted,
            unsigned=refusal.value.code,
            bad=bad,
            refused=refused,
            told=told,
            left=left,
        )


def run(project: Project, *options: str) -> pd.DataFrame:
    done = shell(
        project,
        *("kedro", "run", *options),
        SEGMENTATION_SOURCE=str(project.root / "customers.csv"),
    )
    assert done.returncode == 0, done.stderr
    return pd.read_parquet(project.root / "data" / "gold" / "segments.parquet")


def wait_for_start(environment: Rehearsal) -> None:
    client = environment.server.client("stepfunctions")
    machine = environment.outputs["runs"]["state_machine_arn"]
    until = time.monotonic() + 60
    while not client.list_executions(stateMachineArn=machine)["executions"]:
        assert time.monotonic() < until
        time.sleep(0.2)


def put(models: Path, environment: Rehearsal) -> None:
    """Let the champion of a folder be that of the environment below."""
    client = environment.server.client("s3")
    for path in models.rglob("*"):
        if path.is_file():
            key = f"below/{path.relative_to(models).as_posix()}"
            client.upload_file(str(path), environment.bucket, key)


def test_a_file_that_lands_becomes_gold_tables_by_itself(story: Story) -> None:
    assert story.first.status == "SUCCEEDED"
    assert story.first.output == {"outcome": "done", "runs": ["jobs", "gate"]}
    jobs = [name for name in story.first.states if name in {step.name for step in steps()}]
    assert jobs == [step.name for step in steps()]


def test_the_gold_tables_are_those_of_a_run_of_ones_own(story: Story, direct: pd.DataFrame) -> None:
    columns = ["customer_id", "segment", "runner_up", "margin", "offer"]
    there, here = (
        each[columns].sort_values("customer_id").reset_index(drop=True)
        for each in (story.segments, direct)
    )
    pd.testing.assert_frame_equal(there, here, check_dtype=False, rtol=1e-9)


def test_the_api_answers_with_the_new_champion_as_the_table_does(story: Story) -> None:
    row = story.segments.set_index("customer_id").loc[CUSTOMER["customer_id"]]
    assert story.answer["segment"] == row["segment"]
    assert story.answer["margin"] == row["margin"]
    assert "refresh_serving" in story.first.states


def test_a_record_that_is_posted_lands_and_waits_for_the_next_run(story: Story) -> None:
    assert story.receipt["objects"] == 1
    assert [Path(key).stem for key in story.posted] == [story.receipt["receipt"]]
    # The third run is that of the next file, which is a wrong one.
    assert story.bad.status == "FAILED"


def test_the_api_answers_nobody_who_does_not_sign(story: Story) -> None:
    assert story.unsigned == 403


def test_a_second_run_waits_for_the_first(story: Story) -> None:
    assert story.second.status == "SUCCEEDED"
    assert story.second.states.count("wait") >= 1
    assert story.second.states[-1] == "done"


def test_a_wrong_file_fails_in_the_projects_own_words_and_somebody_is_told(story: Story) -> None:
    assert story.bad.status == "FAILED"
    assert story.bad.output["Error"] == "ingestion.wrong"
    assert story.bad.output["Cause"].startswith("bad.csv: no column for `customer_id`")
    told = next(each for each in story.told if "ingestion failed" in each)
    assert "bad.csv: no column for `customer_id`" in told


def test_a_gate_that_refuses_is_an_answer_that_somebody_is_told(story: Story) -> None:
    assert story.refused.status == "SUCCEEDED"
    assert story.refused.output["outcome"] == "refused"
    assert "refresh_serving" not in story.refused.states
    assert any("gate refused" in each and "is not promoted" in each for each in story.told)


def test_nothing_of_it_is_left(story: Story) -> None:
    assert story.made > 80
    assert story.left == []


@pytest.mark.usefixtures("story")
def test_ctrl_c_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    environment = os.environ | {MARK: str(tmp_path), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "tools.aws"],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert any("Functions are packed" in line for line in lines)
        assert _in_time(lambda: any(_PROVIDER in one for one in marked(str(tmp_path))))
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    assert "stopped" in said
    assert process.returncode
    # Terraform's provider ends by itself, once nobody talks to it.
    assert _in_time(lambda: not marked(str(tmp_path))), marked(str(tmp_path))
    assert [*tmp_path.iterdir()] == []


def _in_time(is_so: Callable[[], bool]) -> bool:
    """Whether it becomes so."""
    until = time.monotonic() + _SECONDS
    while not (found := is_so()) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def marked(value: str) -> list[str]:
    """The commands of processes that were started by one with a mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={value}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue
    return found
