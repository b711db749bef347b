"""The bundles of Databricks: each resource as databricks-sdk has it, and what their job runs.

There is no Databricks here, nor its command: what of them is checked without is told in
docs/deploy_databricks.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import pipelines

from customer_segmentation.cli import alert as monitor_alert
from customer_segmentation.errors import UserError
from tools.access.__main__ import documents as access_documents
from tools.access.policies import Names
from tools.access.roles import declared as access_declared
from tools.deploy.databricks import check
from tools.deploy.databricks.check import BUNDLES, problems
from tools.deploy.databricks.cron import quartz
from tools.deploy.databricks.resolved import read_bundle, resolved
from tools.deploy.declared import declared
from tools.deploy.project import registered, steps

MAIN, SERVING = BUNDLES
TARGETS = [*declared().environments]


def resources(target: str, folder: Path = MAIN) -> dict[str, Any]:
    found, _ = resolved(read_bundle(folder), target)
    named: dict[str, Any] = found["resources"]
    return named


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)
def test_every_resource_of_every_target_is_as_the_sdk_has_it(folder: Path) -> None:
    assert problems(folder) == []


def task(job: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in job["tasks"] if each["task_key"] == key)
    return found


def changed(change: Callable[[dict[str, Any]], Any], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is found in the main bundle after a change of its resources."""
    bundle = deepcopy(read_bundle(MAIN))
    change(bundle["resources"])
    monkeypatch.setattr(check, "read_bundle", lambda _: bundle)
    return problems(MAIN)


def job_of(found: dict[str, Any]) -> dict[str, Any]:
    job: dict[str, Any] = found["jobs"]["segmentation"]
    return job


def cluster_of(found: dict[str, Any]) -> dict[str, Any]:
    cluster: dict[str, Any] = job_of(found)["job_clusters"][0]["new_cluster"]
    return cluster


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: job_of(r).update(max_concurent_runs=1), r"max_concurent_runs: is no key there"),
        (
            lambda r: cluster_of(r).update(node="x"),
            r"job_clusters\[0\]\.new_cluster\.node: is no key",
        ),
        (lambda r: cluster_of(r).update(data_security_mode="SINGLE"), r"'SINGLE' is none of"),
        (lambda r: cluster_of(r).update(num_workers="2"), r"num_workers: '2' is no int"),
        (
            lambda r: cluster_of(r).update(node_type_id="${var.nod}"),
            r"\$\{var\.nod\} stands for nothing",
        ),
        (
            lambda r: task(job_of(r), "gate").update(max_retries=True),
            r"max_retries: True is no int",
        ),
        (
            lambda r: task(job_of(r), "gate").update(job_cluster_key="gpu"),
            r"gate: there is no cluster gpu",
        ),
        (
            lambda r: task(job_of(r), "export").update(depends_on=[{"task_key": "traning"}]),
            r"export: waits for traning, which is not before it",
        ),
        (
            lambda r: task(job_of(r), "gate").update(
                depends_on=[{"task_key": "export", "outcome": "true"}]
            ),
            r"gate: export has no outcome",
        ),
        (
            lambda r: task(job_of(r), "learn")["condition_task"].update(
                left="{{job.parameters.lern}}"
            ),
            r"learn: the job has no parameter lern",
        ),
        (
            lambda r: task(job_of(r), "serve")["notebook_task"].update(notebook_path="../x.py"),
            r"\.\./x\.py is not there",
        ),
        (
            lambda r: r["volumes"]["gold_models"].pop("volume_type"),
            r"gold_models: lacks volume_type",
        ),
        (lambda r: r["schemas"]["gold"].update(owner="me"), r"schemas\.gold\.owner: is no key"),
        (
            lambda r: r["alerts"]["hours_since_gold"]["schedule"].update(
                quartz_cron_schedule="0 * * * *"
            ),
            r"0 \* \* \* \* is no cron of Quartz's",
        ),
        (
            lambda r: r["alerts"]["hours_since_gold"].update(query_text="SELECT (1 AS value"),
            r"alerts\.hours_since_gold: .*Expecting \)",
        ),
        (lambda r: r["dashboards"]["segments"].update(file="x"), r"segments\.file: is no key"),
        (lambda r: r.update(tables={"x": {}}), r"tables\.x: is of no kind that is known"),
    ],
)
def test_a_slip_of_the_pen_is_found_with_its_place(
    change: Callable[[dict[str, Any]], Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = changed(change, monkeypatch)
    assert any(re.search(told, each) for each in found), found


def test_a_wrong_privilege_and_a_wrong_level_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(found: dict[str, Any]) -> None:
        found["schemas"]["gold"]["grants"] = [{"principal": "x", "privileges": ["READ"]}]
        found["dashboards"]["segments"]["permissions"] = [{"level": "CAN_LOOK", "group": "x"}]

    found = "\n".join(changed(change, monkeypatch))
    assert "schemas.gold.grants.privileges[0]: 'READ' is none of" in found
    assert "segments.permissions.permission_level: 'CAN_LOOK' is none of" in found
    assert "segments.permissions.group: is no key there" in found


def test_what_is_said_twice_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "databricks.yml").write_text("include: ['*.more']\nbundle: {name: one}\n")
    (tmp_path / "a.more").write_text("bundle: {name: other}\n")
    with pytest.raises(UserError, match=r"^a\.more: bundle: name is said twice: leave one out$"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("target", TARGETS)
def test_tasks_are_the_declared_jobs_in_the_order_of_the_kedro_graph(target: str) -> None:
    job = job_of(resources(target))
    for step in steps():
        found = task(job, step.name)
        waits = {each["task_key"] for each in found["depends_on"]}
        assert waits == ({*step.after} or {"learn"})
        assert found["max_retries"] == step.job.retries
        assert found["timeout_seconds"] == step.job.timeout_minutes * 60
    # A refusal is an answer.
    assert task(job, "gate")["max_retries"] == 0


@pytest.mark.parametrize("target", TARGETS)
def test_each_task_is_a_command_of_kedro_that_runs_pipelines_of_the_registry(target: str) -> None:
    registered()
    commands = [
        each["python_wheel_task"]["parameters"]
        for each in job_of(resources(target))["tasks"]
        if "python_wheel_task" in each
    ]
    # Of all but the last; it tells what monitoring found.
    *runs, alerts = commands
    assert alerts == [
        *("monitor", "alert"),
        *("--env=databricks", "--conf-source=/Workspace/files/conf"),
    ]
    parsed = monitor_alert.make_context("alert", [alerts[2]]).params
    assert parsed["env"] == "databricks"
    # Besides: feedback, gate, scoring, retraining.
    assert len(runs) == len(steps()) + 4
    for command in runs:
        # The configuration is where the bundle's files are, and those are the checkout's.
        assert command[1] == "--conf-source=/Workspace/files/conf"
        given = [each for each in command if not each.startswith("--conf-source")]
        parsed = kedro_run.make_context("run", given).params
        assert parsed["env"] == "databricks"
        assert {*parsed["pipelines"]} <= {*pipelines}


@pytest.mark.parametrize("target", TARGETS)
def test_a_person_names_no_id_and_each_catalog_takes_its_champion_from_the_one_below(
    target: str,
) -> None:
    settings = job_of(resources(target))["job_clusters"][0]["new_cluster"]["spark_env_vars"]
    below = {"dev": "dev", "staging": "dev", "prod": "staging"}[target]
    assert settings["SEGMENTATION_CATALOG"] == target
    assert settings["SEGMENTATION_MODELS_BELOW"] == f"/Volumes/{below}/gold/models"
    gate = task(job_of(resources(target)), "gate")["python_wheel_task"]["parameters"]
    assert gate[-1] == f"--params=promotion.source={'here' if target == 'dev' else 'below'}"


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)
@pytest.mark.parametrize("target", ["staging", "prod"])
def test_who_deploys_runs_it_since_dashboards_and_endpoints_may_have_no_other(
    target: str, folder: Path
) -> None:
    who = read_bundle(folder)["targets"][target]["run_as"]
    assert who == {"service_principal_name": "${workspace.current_user.userName}"}


def test_schedules_are_those_declared_and_what_arrives_starts_what_the_schedule_does() -> None:
    for target in TARGETS:
        jobs = resources(target)["jobs"]
        landed = jobs.pop("landed")
        assert landed["trigger"]["file_arrival"]["url"] == f"/Volumes/{target}/bronze/landed/inbox/"
        schedules = {name: job for name, job in jobs.items() if "schedule" in job}
        assert {name.removeprefix("schedule_") for name in schedules} == {
            *declared().scheduled(target)
        }
        for name, job in schedules.items():
            one = declared().scheduled(target)[name.removeprefix("schedule_")]
            assert job["schedule"]["quartz_cron_expression"] == quartz(one.cron)
        if usual := schedules.get(f"schedule_{target}"):
            assert landed["tasks"] == usual["tasks"]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 2 * * *", "0 0 2 * * ?"),
        ("0 3 1 * *", "0 0 3 1 * ?"),
        ("*/15 * * * *", "0 */15 * * * ?"),
        # Sunday is 0 and 7 there, and 1 here.
        ("30 6 * * 1-5", "0 30 6 ? * 2-6"),
        ("0 0 * * 0,7", "0 0 0 ? * 1,1"),
        ("0 0 * 1,7 6", "0 0 0 ? 1,7 7"),
        ("0 0 * * MON", "0 0 0 ? * MON"),
    ],
)
def test_cron_of_five_fields_is_quartz_of_six(cron: str, expected: str) -> None:
    assert quartz(cron) == expected


def test_quartz_has_no_day_of_the_month_and_of_the_week_at_once() -> None:
    with pytest.raises(ValueError, match="give a day of the month or of the week, not both"):
        quartz("0 0 1 * 1")


def of_the_run(job: dict[str, Any], asked: set[str], failing: str = "") -> dict[str, str]:
    """What becomes of each task, by the rules of Databricks' page on running tasks conditionally.

    A task whose every dependency was left out is left out; NONE_FAILED wants no failure and at
    least one that ran.
    """
    states: dict[str, str] = {}
    for each in job["tasks"]:
        before = []
        for after in each.get("depends_on", []):
            state = states[after["task_key"]]
            is_other = "outcome" in after and state != f"said {after['outcome']}"
            before.append("excluded" if is_other and "failed" not in state else state)
        key = each["task_key"]
        ran = [state for state in before if state != "excluded"]
        if before and not ran:
            states[key] = "excluded"
        elif any("failed" in state for state in ran):
            states[key] = "upstream failed"
        elif len(ran) < len(before) and each.get("run_if") != "NONE_FAILED":
            states[key] = "excluded"
        elif "condition_task" in each:
            states[key] = f"said {str(key in asked).lower()}"
        else:
            states[key] = "failed" if key == failing else "ran"
    return states


def leaves(job: dict[str, Any]) -> set[str]:
    waited = {after["task_key"] for each in job["tasks"] for after in each.get("depends_on", [])}
    return {each["task_key"] for each in job["tasks"]} - waited


LEARNED = {step.name for step in steps()}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"learn"}, LEARNED),
        ({"learn", "promote"}, LEARNED | {"gate", "serve"}),
        ({"promote"}, {"gate", "serve"}),
        ({"score"}, {"scoring"}),
        ({"promote", "score"}, {"gate", "serve", "scoring"}),
        ({"relearn"}, {"retraining"}),
        ({"hear"}, {"feedback"}),
        ({"hear", "learn"}, LEARNED | {"feedback"}),
        (set(), set()),
    ],
)
def test_the_job_runs_what_is_asked_for_and_no_more(asked: set[str], expected: set[str]) -> None:
    states = of_the_run(job_of(resources("prod")), asked)
    assert {name for name, state in states.items() if state == "ran"} == expected


@pytest.mark.parametrize("failing", [*sorted(LEARNED), *sorted(declared().alone)])
def test_a_failure_anywhere_is_a_failure_of_the_whole_run(failing: str) -> None:
    """Databricks decides by the tasks that no other waits for; one left out counts as well."""
    job = job_of(resources("prod"))
    states = of_the_run(job, {"hear", "learn", "promote", "score", "relearn"}, failing)
    assert any("failed" in states[name] for name in leaves(job))
    after_gate = {"gate": "upstream failed", "scoring": "ran"}.get(failing)
    if failing in LEARNED:
        assert states["gate"] == "upstream failed"
    elif after_gate:
        assert states["serve"] == after_gate


def test_an_environment_has_one_job_that_writes_and_that_one_runs_once_at_a_time() -> None:
    for target in TARGETS:
        jobs = resources(target)["jobs"]
        writing = [
            job for job in jobs.values() if any("python_wheel_task" in t for t in job["tasks"])
        ]
        assert [job["max_concurrent_runs"] for job in writing] == [1]
        assert writing[0]["queue"] == {"enabled": True}


def test_grants_are_those_of_the_sql_that_access_writes() -> None:
    told = access_documents(Names({role: [role] for role in access_declared().roles}))
    granted = set()
    for line in re.findall(r"^GRANT (.*) ON (SCHEMA|VOLUME) (\S+) TO `(.*)`;", *_sql(told)):
        privileges, kind, name, role = line
        granted.add((kind, name, role, frozenset(privileges.replace(" ", "_").split(",_"))))
    found = set()
    for target in TARGETS:
        for kind, group in (("SCHEMA", "schemas"), ("VOLUME", "volumes")):
            for resource in resources(target)[group].values():
                name = ".".join(
                    resource[key]
                    for key in ("catalog_name", "schema_name", "name")
                    if key in resource
                )
                for grant in resource["grants"]:
                    role = grant["principal"].removeprefix("segmentation-")
                    # Of models, which the SQL knows nothing of.
                    held = frozenset(grant["privileges"]) - {"CREATE_MODEL"}
                    found.add((kind, name, role, held))
    assert found == granted


def _sql(told: dict[str, str]) -> tuple[str, int]:
    return told["unity_catalog.sql"], re.MULTILINE


def test_who_may_read_models_may_use_them_and_nobody_else() -> None:
    access = access_declared()
    for target in TARGETS:
        expected = {
            f"segmentation-{role}"
            for role in access.roles
            if "models" in access.readable(role, target)
        }
        for model in resources(target)["registered_models"].values():
            assert {each["principal"] for each in model["grants"]} == expected
            assert all(each["privileges"] == ["EXECUTE"] for each in model["grants"])
        endpoint = resources(target, SERVING)["model_serving_endpoints"]["segmenter"]
        asked = {each["group_name"] for each in endpoint.get("permissions", [])}
        assert asked <= expected


def test_no_file_of_the_bundle_has_an_address_a_secret_or_an_id() -> None:
    for path in MAIN.rglob("*"):
        if path.suffix in {".yml", ".json", ".py"}:
            text = path.read_text("utf-8")
            assert not re.search(r"https?://|dapi[0-9a-f]{8}|\b\d{12}\b|\b[0-9a-f]{32}\b", text), (
                path
            )
            if path.suffix == ".yml":
                assert yaml.safe_load(text)


@pytest.mark.parametrize("target", TARGETS)
def test_alerts_ask_by_themselves_where_runs_start_by_themselves(target: str) -> None:
    for alert in resources(target)["alerts"].values():
        is_paused = alert["schedule"].get("pause_status") == "PAUSED"
        assert is_paused == (not declared().scheduled(target))


def test_queries_of_alerts_are_of_tables_that_runs_make() -> None:
    for alert in resources("prod")["alerts"].values():
        for table in sqlglot.parse_one(alert["query_text"], dialect="databricks").find_all(
            sqlglot.exp.Table
        ):
            layer_table = f"{table.db}_{table.name}"
            if table.db:
                made = {n for p in registered().values() for n in p.datasets()}
                assert layer_table in made
