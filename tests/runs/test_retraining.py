"""A model learned anew is tried, judged, promoted or refused; meanwhile the champion answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from customer_segmentation.bundles.bundle import RESPONSE, StoredBundle
from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.monitoring.shadow import ShadowCounts, shadow_file
from customer_segmentation.promotion.whole_run import candidate_bundle
from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.scoring.metadata import metadata_of
from tests.runs.project import Project
from tests.runs.tables import read_table
from tests.runs.test_feedback import write_inbox
from tests.security.turned import turned_round

RETRAINING, PROMOTION = "--pipeline=retraining", "--pipeline=promotion"
DAY = "--params=feedback.day=2014-08-01"
OF_CHALLENGER = "--params=promotion.source=challenger"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, quick_run: Project) -> Project:
    root = tmp_path_factory.mktemp("retraining") / "project"
    shutil.copytree(quick_run.root, root)
    return Project(root)


@pytest.fixture(scope="module")
def store(project: Project) -> BundleStore:
    return BundleStore(str(project.root / "data" / "models"), "dev")


def count(project: Project, one: Challenger, **changes: object) -> None:
    """As servers do that tried it on 2,000 customers."""
    given = {
        "customers": 2_000,
        "pairs": {("affluent", "affluent"): 2_000},
        "chances": {(1, 1): 2_000},
        **changes,
    }
    counts = ShadowCounts(one.champion, one.bundle, **given)  # type: ignore[arg-type] # a table
    root = str(project.root / "data" / "monitoring")
    file = Path(shadow_file(root, counts, "2026-11-30T10", "w1"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(counts.stated()))


def current(store: BundleStore) -> Challenger:
    found = store.challenger()
    assert found
    return found


def test_where_nothing_is_due_nothing_is_learned_and_the_command_ends_well(
    project: Project, store: BundleStore
) -> None:
    before, kept = project.files(), store.kept()
    result = project.run(RETRAINING)
    assert result.exit_code == 0, result.output
    assert result.output.strip().splitlines()[-1].startswith("nothing is due: ")
    assert "Running node" not in result.output
    assert project.files() == before
    assert store.kept() == kept


def test_what_is_learned_anew_is_tried_and_the_champion_and_its_tables_stay(
    project: Project, store: BundleStore
) -> None:
    champion = store.champion()
    tables = {name: one for name, one in project.files().items() if "gold" in name}
    result = project.run(RETRAINING, "--params=retraining.by_hand=true,supervised_training.seed=8")
    assert result.exit_code == 0, result.output
    one = current(store)
    assert "and answers nobody: 100.0% of the customers here" in result.output
    assert store.champion() == champion
    assert champion
    assert one.champion == champion.id != one.bundle
    assert (one.why, one.agreement) == ("by hand", 1.0)
    assert one.bundle in store.kept()
    assert {name: one for name, one in project.files().items() if "gold" in name} == tables
    # The candidate is that of the last whole run, as the tables are.
    assert store.candidate() == one.champion


def test_while_it_is_tried_no_other_is_learned(project: Project, store: BundleStore) -> None:
    result = project.run(RETRAINING)
    assert result.exit_code == 0, result.output
    assert f"nothing is due: bundle {current(store).bundle} is tried since" in result.output


def test_the_command_tells_what_is_tried_and_how_it_does(
    project: Project, store: BundleStore
) -> None:
    one = current(store)
    told = project.kedro("challenger").output
    assert f"Bundle {one.bundle} is tried beside {one.champion}, the champion of dev" in told
    assert "Why: by hand (somebody asked for it)" in told
    assert "Tried on 0 customers who were answered" in told


def test_one_that_was_tried_on_too_few_is_not_promoted_and_its_trial_goes_on(
    project: Project, store: BundleStore
) -> None:
    before = current(store)
    result = project.run(PROMOTION, OF_CHALLENGER)
    assert result.exit_code == 1
    assert "refused by shadow. The champion is unchanged." in result.output
    assert "its trial goes on" in result.output
    assert store.challenger() == before


def test_one_that_passed_its_gates_becomes_the_champion_and_is_tried_no_longer(
    project: Project, store: BundleStore
) -> None:
    one = current(store)
    count(project, one)
    result = project.run(PROMOTION, OF_CHALLENGER)
    assert result.exit_code == 0, result.output
    live = store.live()
    assert live
    assert live.bundle == one.bundle
    assert {"shadow"} <= {gate["gate"] for gate in live.gates}
    assert store.challenger() is None
    assert store.challengers.all()[-1].event == "promoted"
    told = project.kedro("challenger").output
    assert "dev: nothing is tried beside the champion" in told
    assert f"The last was {one.bundle}: promoted" in told


def test_a_bad_one_is_refused_dropped_and_why_is_kept(project: Project, store: BundleStore) -> None:
    live, champion = store.live(), store.champion()
    assert live
    assert champion
    bad = turned(champion)
    store.add(bad)
    store.challengers.begin(
        Challenger(bundle=bad.id, champion=live.bundle, promotion=live.number, agreement=1.0)
    )
    count(project, current(store), chances={(1, 8): 2_000})
    result = project.run(PROMOTION, OF_CHALLENGER)
    assert result.exit_code == 1
    assert "refused by shadow. The champion is unchanged. It is tried no longer." in result.output
    assert store.live() == live
    assert store.challenger() is None
    last = store.challengers.all()[-1]
    assert (last.event, last.bundle, last.reason) == ("refused", bad.id, "refused by shadow")


def test_with_nothing_tried_there_is_nothing_to_promote_or_drop(project: Project) -> None:
    result = project.run(PROMOTION, OF_CHALLENGER)
    assert result.exit_code == 1
    assert "kedro run --env=dev --pipeline=retraining first" in result.output
    dropped = project.kedro("challenger", "--drop=no reason")
    assert dropped.exit_code == 1
    assert "dev: nothing is tried beside the champion" in dropped.output


@pytest.fixture(scope="module")
def answered(project: Project) -> Project:
    """A campaign that was planned, delivered, and answered by those who spend less."""
    named = "--params=campaign_planning.name=spring,campaign_planning.exploration=1.0"
    assert project.run("--pipeline=campaign_planning", named).exit_code == 0
    to = project.root / "sent"
    to.mkdir()
    sent = project.kedro("campaign", "deliver", f"--to={to}", "--on=2014-07-01")
    assert sent.exit_code == 0, sent.output
    data = str(project.root / "data")
    plan, customers = (read_table(data, name) for name in ("gold_campaign", "silver_customers"))
    told = plan[plan["is_contacted"] == 1].merge(customers, on="customer_id")
    told = told.sort_values("spend_wines")
    few = told["customer_id"].head(len(told) // 3)
    rows = [f"{place},{customer},spring,1,2014-07-10" for place, customer in enumerate(few)]
    header = "outcome_id,customer_id,campaign,answered,happened_at"
    write_inbox(project.root / "data", "answers.csv", [header, *rows])
    result = project.run("--pipeline=feedback", DAY)
    assert result.exit_code == 0, result.output
    return project


def test_what_is_learned_from_outcomes_is_judged_by_them_at_once(
    answered: Project, store: BundleStore
) -> None:
    champion = store.champion()
    assert champion
    result = answered.run(RETRAINING, f"{DAY},retraining.by_hand=true")
    assert result.exit_code == 0, result.output
    assert "Its response model is learned from outcomes." in result.output
    one = current(store)
    assert one.compared
    assert one.compared.is_out_of_fold
    assert one.compared.loss + 3.0 * one.compared.loss_error < 0.0
    told = answered.kedro("challenger").output
    contacts = f"On {one.compared.contacts:,} contacts that the champion was not learned from"
    assert f"{contacts}, out of fold: log loss lower by" in told
    # Without outcomes that bear it out, such a change is refused.
    count(answered, one, chances={(1, 8): 2_000})
    bounds = "promotion.source=challenger,retraining.trial.max_surprise=1.0"
    result = answered.run(PROMOTION, f"{DAY},{bounds}")
    live = store.live()
    assert live
    assert live.bundle == one.bundle, result.output
    gates = {gate["name"]: gate for gate in live.gates if gate["gate"] == "response"}
    assert [*gates] == ["unknown_out_of_fold", "log_loss_out_of_fold", "profit_out_of_fold"]
    assert "contacts out of fold" in gates["log_loss_out_of_fold"]["figure"]


def turned(bundle: StoredBundle) -> StoredBundle:
    """The bundle, whose response model says no where it said yes."""
    models = {name: bundle.files[name] for name in bundle.models}
    models[RESPONSE] = turned_round(models[RESPONSE])
    about = bundle.about
    made = {name: about[name] for name in ("environment", "run_id", "commit", "code")}
    told = candidate_bundle(
        models, {**made, "source_sha256": about["source_sha256"]}, about["figures"]
    )
    assert told
    assert metadata_of(read_model(told.files[RESPONSE]))["kind"] == "response"
    return told
