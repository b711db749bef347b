"""The state machine of an environment: what runs after what, and how each ends."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from customer_segmentation.cloud_job import ALERTS
from customer_segmentation.run_lock import EXPIRY
from tools.deploy.declared import Job, declared
from tools.deploy.job_states import RUNNERS
from tools.deploy.project import measuring, steps
from tools.deploy.state_machine import definition, documents, environments, schedules

TASKS = [*(step.name for step in steps()), *declared().alone]


@pytest.fixture(params=[(place, kind) for place in environments() for kind in RUNNERS])
def machine(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each environment's, as it is written."""
    environment, kind = request.param
    return definition(environment, RUNNERS[kind])


def alone() -> dict[str, Job]:
    """The jobs that are no part of a whole run."""
    return {
        name: getattr(declared(), name) for name in ("feedback", "scoring", "retraining", "gate")
    }


def followers(state: dict[str, Any]) -> set[str]:
    """The states that may come after one."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {way[key] for way in ways for key in ("Next", "Default") if key in way}


def test_environments_that_run_by_themselves_have_one_and_a_developers_own_has_none() -> None:
    assert environments() == ["staging", "prod"]


def test_every_state_is_reached_and_leads_on(machine: dict[str, Any]) -> None:
    states = machine["States"]
    reached, waiting = set(), {machine["StartAt"]}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= followers(states[name]) - reached
    assert reached == {*states}
    ends = {name for name, state in states.items() if not followers(state)}
    assert ends == {"done", "refused", "failed"}


def test_what_monitoring_found_is_told_to_the_topic_and_stops_nothing(
    machine: dict[str, Any],
) -> None:
    states = machine["States"]
    for name in declared().alerts_after:
        asked = states[f"{name}_ended"]["Choices"][0]["Next"]
        assert asked == f"{name}_has_alerts"
        told = states[states[asked]["Choices"][0]["Next"]]
        assert told["Arguments"]["Message"] == "{% $outcome.alert.text %}"
        assert told["Next"] == told["Catch"][0]["Next"] == states[asked]["Default"]
        assert f"--{ALERTS}=yes" in json.dumps(states[name])
    others = {*TASKS} - {*declared().alerts_after}
    assert not [name for name in others if ALERTS in json.dumps(states[name])]


def test_jobs_follow_the_kedro_graph_and_are_tried_again_as_declared(
    machine: dict[str, Any],
) -> None:
    states = machine["States"]
    for step, after in pairwise(steps()):
        next_state = states[f"{step.name}_ended"]["Choices"][0]["Next"]
        if step == measuring()[-1]:
            next_state = states[next_state]["Choices"][0]["Next"]
        assert next_state == after.name
    jobs = {**declared().jobs, **alone()}
    for name, job in jobs.items():
        tries = [each["MaxAttempts"] for each in states[name].get("Retry", [])]
        assert tries == ([job.retries] if job.retries else [])
        # A job that was killed holds the environment until its lease has ended.
        assert all(each["IntervalSeconds"] > EXPIRY for each in states[name].get("Retry", []))
        assert states[name]["TimeoutSeconds"] == job.timeout_minutes * 60


def test_a_gate_alone_reads_the_customers_that_it_measures_by_and_learns_nothing(
    machine: dict[str, Any],
) -> None:
    states, last = machine["States"], measuring()[-1].name
    assert "'gate' in $runs" in states["asks_for_jobs"]["Choices"][0]["Condition"]
    assert "gate" not in states["asks_for_learning"]["Choices"][0]["Condition"]
    assert states[f"{last}_ended"]["Choices"][0]["Next"] == "asks_for_learning"
    assert states["asks_for_learning"]["Default"] == "asks_for_scoring"
    assert [step.name for step in measuring()] == ["ingestion", "transformation"]


def test_a_job_runs_the_pipelines_that_are_declared_on_the_file_that_landed(
    machine: dict[str, Any],
) -> None:
    states, jobs = machine["States"], declared().jobs
    for name, job in jobs.items():
        given = json.dumps(states[name]["Arguments"])
        assert f"--pipelines={','.join(job.pipelines)}" in given
        assert "'--SEGMENTATION_SOURCE=' & $source" in given
        assert "--LANDING=s3://${bucket}/landed/source/" in given
        assert "--env=" in given


def test_a_refusal_is_an_answer_and_all_else_a_failure_both_told(machine: dict[str, Any]) -> None:
    states = machine["States"]
    for name in TASKS:
        ways = states[f"{name}_ended"]
        assert [each["Next"] for each in ways["Choices"]][-1] == "tell_refusal"
        assert ways["Default"] == "tell_failure"
        assert {each["Next"] for each in states[name]["Catch"]} == {"tell_failure"}
    assert (states["tell_refusal"]["Next"], states["tell_failure"]["Next"]) == ("refused", "failed")
    assert states["refused"]["Type"] != "Fail"
    assert states["failed"]["Type"] == "Fail"


def test_what_came_of_contacts_is_taken_in_before_anything_that_goes_by_it(
    machine: dict[str, Any],
) -> None:
    states = machine["States"]
    assert followers(states["is_its_turn"]) == {"asks_for_feedback", "wait"}
    assert states["feedback_ended"]["Choices"][0]["Next"] == "asks_for_jobs"
    assert states["asks_for_feedback"]["Default"] == "asks_for_jobs"


def test_each_night_feedback_comes_before_what_watches_and_staging_alone_learns_anew() -> None:
    hours = {name: int(one.cron.split()[1]) for name, one in declared().schedules.items() if one}
    for name in ("staging", "prod"):
        assert hours[f"{name}_feedback"] < hours[name]
    relearning = [
        (one.environment, hours[name])
        for name, one in declared().schedules.items()
        if one and "retraining" in one.runs
    ]
    # After the night's monitoring has said what drifted.
    assert relearning == [("staging", hours["staging_retraining"])]
    assert hours["staging_retraining"] > hours["staging"]
    minutes = declared().feedback.timeout_minutes * (declared().feedback.retries + 1)
    assert all(minutes <= 60 * (hours[name] - hours[f"{name}_feedback"]) for name in environments())


def test_serving_is_refreshed_after_a_promotion_and_after_nothing_else(
    machine: dict[str, Any],
) -> None:
    states = machine["States"]
    before = {name for name, state in states.items() if "refresh_serving" in followers(state)}
    assert before == {"gate_ended"}


def test_schedules_are_those_declared_in_the_words_of_aws() -> None:
    assert schedules("prod") == {
        "prod": {"expression": "cron(0 4 * * ? *)", "runs": ["scoring"]},
        "prod_feedback": {"expression": "cron(0 2 * * ? *)", "runs": ["feedback"]},
        "prod_promotion": {"expression": "cron(0 3 1 * ? *)", "runs": ["gate"]},
    }


def test_terraform_reads_no_percent_sign_as_its_own() -> None:
    assert not [path for path, text in documents().items() if "%{" in text]
