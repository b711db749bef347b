"""What a run adds to the history, who moved and why, on each engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import narwhals as nw
import onnx
import pandas as pd
import pytest

from customer_segmentation.pipelines.history.flow import MARGIN, summarise_flow
from customer_segmentation.pipelines.history.movers import find_movers
from customer_segmentation.pipelines.history.nodes import (
    States,
    compare_with_history,
    state_segments,
)
from customer_segmentation.schema.evaluate import on_frame
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.tables.check import require_contract
from tests.marketing import SCHEMA
from tests.pipelines.history.conftest import BEFORE, NOW, Bundles, Case, labels, models, silver

Records = Callable[[Any], list[dict[str, Any]]]
FIRST, SECOND, THIRD = (f"2026-01-0{day}T12:00:00.000000Z" for day in (1, 2, 3))
OLD, NEW = models()
# Model of now and whether the data changed.
CHANGES = {"data": (OLD, True), "model": (NEW, False), "both": (NEW, True), "nothing": (OLD, False)}


def version(model: onnx.ModelProto) -> str:
    return str(metadata_of(model)["version"])


def run(case: Case, what: str) -> tuple[Any, Any, States]:
    """Silver and gold of a run after one of the old model, and its state beside that one's."""
    model, is_changed = CHANGES[what]
    before = case.segments(silver(BEFORE, is_changed=False), OLD)
    customers = silver(NOW, is_changed=is_changed)
    now = case.segments(customers, model)
    history = case.history((FIRST, BEFORE.date(), before))
    return case.of(customers), now, compare_with_history(now, history)


def expected_causes(what: str) -> dict[str, str]:
    """Customer -> cause, of those who moved, by the artifacts themselves."""
    model, is_changed = CHANGES[what]
    old, new = silver(BEFORE, is_changed=False), silver(NOW, is_changed=is_changed)
    former, between, latter = labels(old, OLD), labels(new, OLD), labels(new, model)
    causes = {}
    for customer in former.index[former != latter]:
        is_data = between[customer] != former[customer]
        is_model = latter[customer] != between[customer]
        causes[customer] = {(1, 0): "data", (0, 1): "model", (1, 1): "both"}[is_data, is_model]
    return causes


@pytest.mark.parametrize("what", CHANGES)
def test_each_mover_has_the_cause_that_the_two_models_and_the_two_values_show(
    case: Case, what: str, records_of: Records
) -> None:
    customers, now, states = run(case, what)
    movers = find_movers(now, customers, states, Bundles(OLD))
    require_contract("gold_movers", nw.from_native(movers).lazy())
    rows = records_of(movers)
    expected = expected_causes(what)
    assert {row["customer_id"]: row["cause"] for row in rows} == expected
    found = {*expected.values()}
    assert found == {"data": {"data"}, "model": {"model"}, "nothing": set()}.get(what, found)
    if what == "both":
        assert found == {"data", "model", "both"}
    for row in rows:
        assert row["from_segment"] != row["to_segment"]
        assert (row["from_name"], row["to_name"]) == tuple(
            f"Segment {row[name][1:]}" for name in ("from_segment", "to_segment")
        )
        assert row["from_artifact_version"] == version(OLD)
        assert row["artifact_version"] == version(CHANGES[what][0])


@pytest.mark.spark
def test_spark_finds_the_same_movers_causes_and_flow(spark_case: Case, records_of: Records) -> None:
    pandas = Case(pd.DataFrame)
    told = []
    for case in (pandas, spark_case):
        customers, now, states = run(case, "both")
        movers = find_movers(now, customers, states, Bundles(OLD))
        summary, metrics = summarise_flow(now, movers, features(customers), states, SCHEMA)
        told.append((records_of(movers), summary, metrics))
    assert told[0] == told[1]
    assert {row["cause"] for row in told[0][0]} == {"data", "model", "both"}


@pytest.mark.spark
def test_spark_states_everybody_once(spark_case: Case, records_of: Records) -> None:
    now = spark_case.segments(silver(NOW, is_changed=False), OLD)
    states = compare_with_history(now, spark_case.history())
    first = state_segments(now, states)
    expected = Case(pd.DataFrame)
    of_pandas = expected.segments(silver(NOW, is_changed=False), OLD)
    assert records_of(first) == records_of(
        state_segments(of_pandas, compare_with_history(of_pandas, expected.history()))
    )
    again = compare_with_history(now, spark_case.history((FIRST, NOW.date(), first)))
    assert again.is_recorded
    assert records_of(state_segments(now, again)) == []
    assert records_of(find_movers(now, now, again, None)) == []


@pytest.mark.parametrize("what", CHANGES)
def test_the_flow_counts_every_mover_once_and_its_causes_add_up(case: Case, what: str) -> None:
    customers, now, states = run(case, what)
    movers = find_movers(now, customers, states, Bundles(OLD))
    summary, metrics = summarise_flow(now, movers, features(customers), states, SCHEMA)
    causes = expected_causes(what)
    assert summary["moved"] == len(causes) == sum(summary["causes"].values())
    assert summary["moved"] + summary["stayed"] == len(silver(NOW, is_changed=False))
    counted = Counter(causes.values())
    assert {cause: n for cause, n in summary["causes"].items() if n} == counted
    for flow in summary["flows"]:
        parts = [flow[cause] for cause in summary["causes"]]
        assert sum(parts) == (flow["customers"] if flow["from"] != flow["to"] else 0)
    assert summary["segments"] == {f"s{n}": f"Segment {n}" for n in range(3)}
    assert summary["entered"] == summary["left"] == {}
    shares = {name: steps[0]["value"] for name, steps in metrics.items()}
    assert shares["share_moved"] == pytest.approx(summary["moved"] / 400)
    assert sum(shares.values()) == pytest.approx(2.0 * shares["share_moved"])


def features(customers: Any) -> Any:
    """The features that the segments of the example are made of."""
    table = nw.from_native(customers).lazy()
    table = table.with_columns(as_of_year=nw.col("as_of").dt.year().cast(nw.Float64))
    names = ("income", "spend_total", "age")
    made = on_frame(SCHEMA, table, names).select("customer_id", *names)
    return made.to_native()


def test_who_moves_sat_near_a_border_and_that_is_told_first(case: Case) -> None:
    customers, now, states = run(case, "model")
    movers = find_movers(now, customers, states, Bundles(OLD))
    summary, _ = summarise_flow(now, movers, features(customers), states, SCHEMA)
    first = summary["in_common"][0]
    assert first["feature"] == MARGIN
    assert first["moved"] < first["stayed"]
    assert first["difference"] < -0.2


@pytest.mark.parametrize("bundles", [None, Bundles(), Bundles(NEW)])
def test_without_the_model_of_before_the_cause_is_unknown_and_the_run_says_so(
    case: Case, bundles: Any, caplog: pytest.LogCaptureFixture, records_of: Records
) -> None:
    customers, now, states = run(case, "both")
    rows = records_of(find_movers(now, customers, states, bundles))
    assert {row["cause"] for row in rows} == {"unknown"}
    assert len(rows) == len(expected_causes("both"))
    assert f"the artifact {version(OLD)} of the state before is not kept any more" in caplog.text


def test_a_model_that_needs_another_source_explains_nothing(
    case: Case, caplog: pytest.LogCaptureFixture, records_of: Records
) -> None:
    _, now, states = run(case, "both")
    customers = case.of(silver(NOW, is_changed=True).drop(columns="income"))
    rows = records_of(find_movers(now, customers, states, Bundles(OLD)))
    assert {row["cause"] for row in rows} == {"unknown"}
    assert "cannot score this source" in caplog.text


def test_who_enters_and_who_leaves_is_told_apart_from_who_moves(
    case: Case, records_of: Records
) -> None:
    old, new = silver(BEFORE, is_changed=False), silver(NOW, is_changed=False)
    customers, before = new[20:], case.segments(old[:-30], OLD)
    now = case.segments(customers, OLD)
    states = compare_with_history(now, case.history((FIRST, BEFORE.date(), before)))
    movers = find_movers(now, case.of(customers), states, Bundles(OLD))
    assert records_of(movers) == []
    summary, _ = summarise_flow(now, movers, features(case.of(customers)), states, SCHEMA)
    assert (summary["moved"], summary["stayed"]) == (0, 350)
    assert summary["entered"] == Counter(labels(new[-30:], OLD))
    assert summary["left"] == Counter(labels(old[:20], OLD))


def test_the_first_run_of_all_has_nothing_to_compare_and_states_everybody(
    case: Case, records_of: Records
) -> None:
    customers = silver(NOW, is_changed=False)
    now = case.segments(customers, NEW)
    states = compare_with_history(now, case.history())
    movers = find_movers(now, case.of(customers), states, Bundles())
    assert records_of(movers) == []
    summary, metrics = summarise_flow(now, movers, features(case.of(customers)), states, SCHEMA)
    assert summary["before"] is None
    assert summary["entered"] == {}
    assert metrics == {}
    stated = state_segments(now, states)
    require_contract("gold_history", nw.from_native(stated).lazy())
    rows = records_of(stated)
    assert {row["customer_id"]: row["segment"] for row in rows} == labels(customers, NEW).to_dict()
    assert {row["run_id"] for row in rows} == {"run 2"}
    assert {row["recorded_at"] for row in rows} == {"2026-11-29T00:00:00.000000Z"}
    assert {row["artifact_version"] for row in rows} == {version(NEW)}
    assert all(0.0 <= row["margin"] <= 1.0 for row in rows)
    assert all(round(row["margin"], 4) == row["margin"] for row in rows)


def test_the_same_answers_for_the_same_day_are_stated_once(case: Case, records_of: Records) -> None:
    now = case.segments(silver(NOW, is_changed=False), OLD)
    first = state_segments(now, compare_with_history(now, case.history()))
    again = compare_with_history(now, case.history((FIRST, NOW.date(), first)))
    assert again.is_recorded
    assert again.before is None
    assert records_of(state_segments(now, again)) == []


@pytest.mark.parametrize(
    ("customers", "model"),
    [
        (silver(NOW, is_changed=False), NEW),
        (silver(NOW, is_changed=True), OLD),
        (silver(NOW, is_changed=False)[1:], OLD),
    ],
    ids=["another model", "other answers", "a customer less"],
)
def test_anything_else_for_the_same_day_is_stated_and_compared_with_what_was_said_before(
    case: Case, records_of: Records, customers: pd.DataFrame, model: onnx.ModelProto
) -> None:
    first = case.segments(silver(NOW, is_changed=False), OLD)
    now = case.segments(customers, model)
    states = compare_with_history(now, case.history((FIRST, NOW.date(), first)))
    assert not states.is_recorded
    assert states.before
    assert states.before.statement.recorded_at == FIRST
    assert len(records_of(state_segments(now, states))) == len(customers)
    # Once it is stated, the same run finds the same state before it.
    said = (FIRST, NOW.date(), first), (SECOND, NOW.date(), now)
    again = compare_with_history(now, case.history(*said))
    assert again.is_recorded
    assert again.before
    assert again.before.statement == states.before.statement


def test_what_was_said_before_another_run_said_otherwise_is_stated_anew(case: Case) -> None:
    one, other = (case.segments(silver(NOW, is_changed=False), model) for model in (OLD, NEW))
    history = case.history((FIRST, NOW.date(), one), (SECOND, NOW.date(), other))
    states = compare_with_history(one, history)
    assert not states.is_recorded
    assert states.before
    assert states.before.artifact_version == version(NEW)
