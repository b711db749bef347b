"""Runs add to the history: later files, other models of one day, and runs that are killed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from customer_segmentation.datasets.history_parts import HistoryPartsDataset
from customer_segmentation.lineage import publishing
from tests.runs.project import Project
from tests.runs.test_belonging import run
from tests.runs.test_one_state import Killed, waiting

LATER = "--params=customers.as_of=2014-09-30"
ALONE = "--pipelines=clustering,label_generation,history"


def parts(project: Project) -> dict[str, bytes]:
    folder = project.root / "data" / "gold" / "history"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def gold(project: Project, table: str) -> pd.DataFrame:
    return pd.read_parquet(project.root / "data" / "gold" / f"{table}.parquet")


def flow(project: Project) -> dict:
    return json.loads((project.root / "data/reporting/segment_flow.json").read_text())


def report(project: Project) -> str:
    return (project.root / "data/reporting/report.html").read_text()


def change_customers(project: Project) -> None:
    """Every fourth customer spends a third on wine and buys twice as often with a discount."""
    sample = project.root / "data/sample/customers.csv"
    table = pd.read_csv(sample, sep="\t", dtype=str, keep_default_na=False)
    changed = table.index[::4]
    wines, deals = (pd.to_numeric(table.loc[changed, n]) for n in ("MntWines", "NumDealsPurchases"))
    table.loc[changed, "MntWines"] = (wines // 3).astype(str)
    table.loc[changed, "NumDealsPurchases"] = (2 * deals).astype(str)
    # One is gone, and one is new.
    table = table.iloc[1:]
    table.loc[table.index[-1], "ID"] = "999999"
    table.to_csv(sample, sep="\t", index=False)


def test_the_first_run_states_everybody_and_says_that_history_begins(quick_run: Project) -> None:
    ((name, _),) = parts(quick_run).items()
    assert name.startswith("2014-06-30_")
    history = pd.read_parquet(quick_run.root / "data/gold/history" / name)
    segments = gold(quick_run, "segments")
    for column in ("customer_id", "as_of", "segment", "runner_up", "artifact_version"):
        assert history[column].tolist() == segments[column].tolist()
    assert (history["margin"] - segments["margin"]).abs().max() <= 0.00005
    assert history["customer_id"].is_monotonic_increasing
    assert len(gold(quick_run, "movers")) == 0
    assert "The history begins with this run" in report(quick_run)


def test_a_later_file_adds_a_snapshot_and_the_run_says_who_moved_and_why(
    used_project: Project,
) -> None:
    before, first = gold(used_project, "segments"), parts(used_project)
    change_customers(used_project)
    run(used_project, LATER)
    both = parts(used_project)
    assert len(both) == 2
    # What was said stays as it was.
    assert first.items() < both.items()
    now, movers, told = (
        gold(used_project, "segments"),
        gold(used_project, "movers"),
        flow(used_project),
    )
    pairs = before.merge(now, on="customer_id", suffixes=("_before", "_now"))
    moved = pairs[pairs["segment_before"] != pairs["segment_now"]].sort_values("customer_id")
    assert movers["customer_id"].tolist() == moved["customer_id"].tolist()
    assert movers["from_segment"].tolist() == moved["segment_before"].tolist()
    assert movers["to_segment"].tolist() == moved["segment_now"].tolist()
    assert len(movers) == told["moved"] == sum(told["causes"].values()) > 50
    # The model of before is kept, so every cause is known.
    assert told["causes"]["data"] > 0
    assert told["causes"]["model"] > 0
    assert told["causes"]["unknown"] == 0
    counts = {cause: count for cause, count in told["causes"].items() if count}
    assert movers["cause"].value_counts().to_dict() == counts
    assert sum(told["entered"].values()) == len(
        set(now["customer_id"]) - set(before["customer_id"])
    )
    assert sum(told["left"].values()) == len(set(before["customer_id"]) - set(now["customer_id"]))
    assert "in both snapshots (2014-06-30, 2014-09-30)" in report(used_project)
    assert '<svg class="flow"' in report(used_project)
    with sqlite3.connect(used_project.root / "mlflow.db") as database:
        query = "select value from metrics where key = 'history.share_moved'"
        ((share,),) = database.execute(query).fetchall()
    assert share == pytest.approx(told["moved"] / (told["moved"] + told["stayed"]))
    # The same again says nothing new, and finds the same movers.
    movers_before = (used_project.root / "data/gold/movers.parquet").read_bytes()
    run(used_project, "--pipeline=history", LATER)
    assert parts(used_project) == both
    assert (used_project.root / "data/gold/movers.parquet").read_bytes() == movers_before


def test_where_the_champion_scores_a_later_file_only_the_data_moved_anybody(
    used_project: Project,
) -> None:
    change_customers(used_project)
    run(used_project, "--pipeline=scoring", LATER)
    assert len(parts(used_project)) == 2
    told = flow(used_project)
    assert told["before"]["artifact_version"] == told["artifact_version"]
    assert told["causes"]["data"] == told["moved"] == len(gold(used_project, "movers")) > 0


def test_with_border_calm_those_near_a_border_stay_where_the_history_has_them(
    used_project: Project,
) -> None:
    before = gold(used_project, "segments").set_index("customer_id")["segment"]
    first = parts(used_project)
    change_customers(used_project)
    run(used_project, "--pipeline=scoring", LATER)
    nearest = gold(used_project, "segments").set_index("customer_id")
    moved = {*gold(used_project, "movers")["customer_id"]}
    # As if that run had not been: the history says last where they were on the former day.
    for name in parts(used_project).keys() - first.keys():
        (used_project.root / "data" / "gold" / "history" / name).unlink()
    calm = f"{LATER},label_generation.border_calm=0.2"
    run(used_project, "--pipeline=scoring", calm)
    calmed = gold(used_project, "segments").set_index("customer_id")
    stayed = calmed.index[calmed["segment"] != nearest["segment"]]
    assert 0 < len(stayed) < len(moved)
    assert {*stayed} <= moved
    assert (calmed.loc[stayed, "segment"] == before[stayed]).all()
    assert (calmed.loc[stayed, "margin"] == 0.0).all()
    assert (nearest.loc[stayed, "margin"] < 0.2).all()
    # The same again says nothing new.
    after = parts(used_project)
    run(used_project, "--pipeline=scoring", calm)
    assert parts(used_project) == after


def test_another_model_of_the_same_day_is_stated_too_and_moved_whom_it_moved(
    used_project: Project,
) -> None:
    run(used_project, ALONE, "--params=clustering.k.minimum=4")
    assert len(parts(used_project)) == 2
    told = flow(used_project)
    assert told["before"]["as_of"] == told["as_of"] == "2014-06-30"
    assert told["causes"]["model"] == told["moved"] == len(gold(used_project, "movers")) > 0
    # Back to the former one: that is what holds now.
    run(used_project, ALONE)
    assert len(parts(used_project)) == 3


def test_a_run_that_is_killed_before_its_end_adds_nothing(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = parts(used_project)

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(publishing, "write_ledger", killed)
    with pytest.raises(Killed):
        used_project.run(ALONE, "--params=clustering.k.minimum=4")
    monkeypatch.undo()
    assert waiting(used_project)
    assert parts(used_project) == before
    run(used_project, "--pipeline=history")
    assert parts(used_project) == before


@pytest.mark.parametrize("is_moved", [False, True], ids=["before", "behind"])
def test_a_run_that_is_killed_around_its_statement_adds_it_once(
    used_project: Project, monkeypatch: pytest.MonkeyPatch, *, is_moved: bool
) -> None:
    before, move = parts(used_project), HistoryPartsDataset.merge_from

    def killed(dataset: HistoryPartsDataset, place: str) -> None:
        if is_moved:
            move(dataset, place)
        raise Killed

    monkeypatch.setattr(HistoryPartsDataset, "merge_from", killed)
    with pytest.raises(Killed):
        used_project.run(ALONE, "--params=clustering.k.minimum=4")
    monkeypatch.undo()
    assert len(parts(used_project)) == 1 + is_moved
    run(used_project, "--pipeline=history", "--params=clustering.k.minimum=4")
    after = parts(used_project)
    assert len(after) == 2
    assert before.items() < after.items()
    run(used_project, "--pipeline=history", "--params=clustering.k.minimum=4")
    assert parts(used_project) == after


def test_a_run_takes_the_history_of_another_as_it_is(used_project: Project) -> None:
    """What others added makes none of the tables stale."""
    (name,) = parts(used_project)
    folder = used_project.root / "data" / "gold" / "history"
    earlier = Path(folder / name.replace("2014-06-30", "2014-05-31").replace("_20", "_19"))
    rows = pd.read_parquet(folder / name).assign(as_of=pd.Timestamp("2014-05-31"))
    rows.to_parquet(earlier, index=False)
    run(used_project, "--pipelines=history,monitoring,reporting")
    assert flow(used_project)["before"]["as_of"] == "2014-05-31"
    assert gold(used_project, "movers").empty
