"""`/v1/campaign`: the planned campaign, plans of it on other terms, and their lists."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from deltalake import write_deltalake

from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.serving.campaigns.stored import StoredCampaign
from tests.serving.planned import (
    VERSION,
    Planned,
    campaign,
    some_candidates,
    write_campaign,
)
from tests.serving.process import ServerProcess, serving

CAMPAIGN, PLAN, LIST = "/v1/campaign", "/v1/campaign/plan", "/v1/campaign/list"
OFFERS = {
    "voucher": {"channel": "e_mail", "cost": 1.0, "value": 11.0},
    "catalogue": {"channel": "post", "cost": 3.0, "value": 18.0, "answer_factor": 1.2, "most": 90},
}
CANDIDATES = some_candidates(3_000, offers=2)
# Ids of customers who may be contacted -> how a list has them.
SHOWN = {"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-12": "-12", 'a,"b': 'a,"b'}
MAY = (CANDIDATES.barred == 0) & CANDIDATES.allowed.any(axis=1)
CANDIDATES.ids[MAY.nonzero()[0][: len(SHOWN)]] = [*SHOWN]
PARAMETERS = campaign(budget=900.0, shares={"s0": {"least": 0.05, "most": 0.5}}, offers=OFFERS)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """Plan a campaign of two offers, a budget and shares."""
    return write_campaign(tmp_path_factory.mktemp("gold"), CANDIDATES, PARAMETERS)


@pytest.fixture(scope="module")
def planner(
    bundle: Path, planned: Planned, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Start a server that has the campaign."""
    folder = tmp_path_factory.mktemp("planner")
    with (
        serving(bundle, folder, "--job-workers", "0", *planned.options) as server,
        httpx.Client(base_url=server.url, timeout=30.0) as client,
    ):
        yield client


def members(answer: httpx.Response) -> list[tuple[str, ...]]:
    """The rows of a list, without its header."""
    header, *rows = csv.reader(io.StringIO(answer.text))
    assert header == ["customer_id", "offer", "channel", "segment"]
    return [tuple(row) for row in rows]


def test_the_campaign_is_told_as_it_was_planned(planner: httpx.Client) -> None:
    answer = planner.get(CAMPAIGN)
    told = answer.json()
    assert (told["campaign"], told["campaign_day"], told["currency"]) == (
        "spring",
        "2014-06-30",
        "euros",
    )
    assert (told["budget"], told["hold_out"]) == (900.0, 0.1)
    assert told["shares"] == {"s0": {"least": 0.05, "most": 0.5}}
    assert [(one["offer"], one["cost"], one["most"]) for one in told["offers"]] == [
        ("voucher", 1.0, None),
        ("catalogue", 3.0, 90),
    ]
    left = told["left_out"]
    assert left.keys() == {"not segmented", "no consent", "no offer for this customer"}
    assert told["candidates"] + sum(left.values()) == told["customers"] == 3_000
    assert sum(one["candidates"] for one in told["segments"]) == told["candidates"]
    assert answer.headers["artifact-version"] == VERSION
    again = planner.get(CAMPAIGN, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_the_plan_without_a_change_is_that_of_the_batch_run_for_every_customer(
    planner: httpx.Client, planned: Planned
) -> None:
    rows = planned.rows().filter(pl.col("is_contacted") == 1)
    ids = pl.col("customer_id").replace(SHOWN)
    listed = rows.select(ids, "offer", "channel", "segment").rows()
    answer = planner.post(LIST)
    assert sorted(members(answer)) == sorted(listed)
    assert answer.headers["content-disposition"] == 'attachment; filename="spring.csv"'
    response = planner.post(PLAN, json={})
    state = planner.get(CAMPAIGN).headers["campaign-state"]
    assert {one.headers["campaign-state"] for one in (answer, response)} == {state}
    plan = response.json()
    assert plan["contacted"] == len(rows)
    assert plan["cost"] == pytest.approx(rows["cost"].sum())
    assert plan["held_out"] == planned.rows()["in_hold_out"].sum()
    assert plan["low"] < plan["expected_profit"] < plan["high"]
    assert sum(one["contacted"] for one in plan["segments"]) == len(rows)
    assert sum(one["contacted"] for one in plan["offers"]) == len(rows)


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({"budget": 300}, {"budget": 300.0}),
        ({"budget": None, "shares": {}}, {"budget": None, "shares": {}}),
        ({"hold_out": 0.4}, {"hold_out": 0.4}),
        ({"most_contacts": 50}, {"most_contacts": 50}),
        (
            {"offers": {"catalogue": {"cost": 0.5, "most": None}}},
            {"offers": OFFERS | {"catalogue": OFFERS["catalogue"] | {"cost": 0.5, "most": None}}},
        ),
        ({"shares": {"s2": {"most": 0.01}}}, {"shares": {"s2": {"most": 0.01}}}),
    ],
)
def test_a_changed_plan_is_that_of_the_planner_with_these_parameters(
    planner: httpx.Client, changes: dict[str, Any], parameters: dict[str, Any]
) -> None:
    known = {"budget": 900.0, "shares": {"s0": {"least": 0.05, "most": 0.5}}, "offers": OFFERS}
    expected = make_plan(CANDIDATES, campaign(**{**known, **parameters}))
    plan = planner.post(PLAN, json=changes).json()
    assert plan["contacted"] == expected.contacted.sum()
    assert plan["binding"] == list(expected.binding)
    assert plan["expected_profit"] == pytest.approx(expected.expected[expected.contacted].sum())
    names, places = [*OFFERS], expected.offers[expected.contacted]
    listed = zip(CANDIDATES.ids[expected.contacted], places, strict=True)
    found = [row[:2] for row in members(planner.post(LIST, json=changes))]
    assert sorted(found) == sorted((SHOWN.get(one, one), names[place]) for one, place in listed)


def test_nobody_who_is_barred_is_in_any_list(planner: httpx.Client) -> None:
    generous = {
        "budget": None,
        "hold_out": 0,
        "shares": {key: {"least": 1} for key in ("s0", "s1", "s2")},
        "offers": {name: {"cost": 0, "value": 1e6, "most": None} for name in OFFERS},
    }
    listed = {row[0] for row in members(planner.post(LIST, json=generous))}
    assert listed == {SHOWN.get(one, one) for one in CANDIDATES.ids[MAY]}


def test_the_curve_and_other_ways_frame_the_plan(planner: httpx.Client) -> None:
    plan = planner.post(PLAN, json={"budget": None, "shares": {}, "hold_out": 0}).json()
    curve = np.array([[one["contacted"], one["expected_profit"]] for one in plan["curve"]])
    assert len(curve) <= 101
    assert curve[0].tolist() == [0.0, 0.0]
    assert (np.diff(curve[:, 0]) > 0).all()
    policies = {one["policy"]: one for one in plan["policies"]}
    best = policies.pop("plan")
    assert best["expected_profit"] == plan["expected_profit"]
    assert best["cheaper"] - best["dearer"] == pytest.approx(0.4 * plan["cost"])
    assert curve[-1] == pytest.approx(
        [policies["everybody"]["contacted"], policies["everybody"]["expected_profit"]]
    )
    assert policies.keys() == {"nobody", "everybody", "random", "segments"}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"budget": "1"}, "$.budget"),
        ({"budget": -1}, "$.budget"),
        ({"hold_out": 0.6}, "$.hold_out"),
        ({"hold_out": None}, "$.hold_out"),
        ({"most_contacts": 1.5}, "$.most_contacts"),
        ({"name": "summer"}, "$.name"),
        ({"offers": []}, "$.offers"),
        ({"offers": {"vouchr": {}}}, "$.offers.vouchr"),
        ({"offers": {"voucher": {"cost": None}}}, "$.offers.voucher.cost"),
        ({"offers": {"voucher": {"value": True}}}, "$.offers.voucher.value"),
        ({"offers": {"voucher": {"purpose": ""}}}, "$.offers.voucher.purpose"),
        ({"shares": {"s9": {}}}, "$.shares.s9"),
        ({"shares": {"s0": {"least": 2}}}, "$.shares.s0.least"),
        ({"shares": {"s0": {"least": 0.5, "most": 0.4}}}, "$.shares.s0.least"),
    ],
)
def test_a_wrong_field_is_named(planner: httpx.Client, changes: dict[str, Any], path: str) -> None:
    for route in (PLAN, LIST):
        answer = planner.post(route, json=changes)
        assert answer.status_code == 422, answer.text
        assert [one["path"] for one in answer.json()["errors"]] == [path]
        assert all(one["accepted"] for one in answer.json()["errors"])


def test_every_wrong_field_is_named(planner: httpx.Client) -> None:
    changes = {"budget": [], "hold_out": 1, "shares": 1, "offers": {"voucher": {"cost": "x"}}}
    found = planner.post(PLAN, json=changes).json()["errors"]
    assert {one["path"] for one in found} == {
        "$.budget",
        "$.hold_out",
        "$.shares",
        "$.offers.voucher.cost",
    }


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"1", b'"x"', b"\xff", b'{"budget": 1e999}', b"[" * 100_000]
)
def test_what_is_no_object_of_json_is_refused(planner: httpx.Client, body: bytes) -> None:
    assert planner.post(PLAN, content=body).status_code == 400
    assert planner.post(LIST, content=body).status_code == 400


def test_limits_that_cannot_hold_together_are_told_with_numbers(planner: httpx.Client) -> None:
    changes = {"budget": 1, "shares": {"s0": {"least": 0.5}}}
    answer = planner.post(PLAN, json=changes)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("the least shares need ")
    assert "the budget is 1.00 euros" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"budget": 0, "shares": {}}, "budget"),
        ({"shares": {}, "offers": {name: {"cost": 99} for name in OFFERS}}, "no contact pays"),
    ],
)
def test_a_plan_of_nobody_says_why(
    planner: httpx.Client, changes: dict[str, Any], says: str
) -> None:
    plan = planner.post(PLAN, json=changes).json()
    assert (plan["contacted"], plan["expected_profit"]) == (0, 0.0)
    assert says in " ".join(plan["binding"])
    assert members(planner.post(LIST, json=changes)) == []


def test_ids_that_a_spreadsheet_would_run_are_disarmed(planner: httpx.Client) -> None:
    every = {name: {"cost": 0, "value": 1, "most": None} for name in OFFERS}
    changes = {"budget": None, "hold_out": 0, "shares": {}, "offers": every}
    listed = {row[0] for row in members(planner.post(LIST, json=changes))}
    assert listed >= {*SHOWN.values()}
    assert listed.isdisjoint(SHOWN.keys() - SHOWN.values())


def test_before_the_first_plan_it_is_told_how_to_make_one(client: httpx.Client) -> None:
    for answer in (client.get(CAMPAIGN), client.post(PLAN), client.post(LIST)):
        assert answer.status_code == 404
        assert "kedro run --pipeline=campaign_planning" in answer.json()["detail"]


def test_a_campaign_that_is_planned_again_is_taken_up(bundle: Path, tmp_path: Path) -> None:
    candidates = some_candidates(200)
    gold = tmp_path / "gold"
    written = write_campaign(gold, candidates, campaign())
    with serving(bundle, tmp_path, "--job-workers", "0", *written.options) as server:
        first = httpx.get(server.url + CAMPAIGN)
        written.summary.unlink()
        assert told(server, 503) == "campaign-summary names what the planner wrote"
        write_campaign(gold, candidates, campaign(name="summer"))
        later = httpx.get(server.url + CAMPAIGN, headers={"if-none-match": first.headers["etag"]})
        assert (first.json()["campaign"], later.json()["campaign"]) == ("spring", "summer")
        known = json.loads(written.summary.read_text(encoding="utf-8"))
        written.summary.write_text(json.dumps({**known, "customers": 201}), encoding="utf-8")
        assert told(server, 503) == "of different runs"
        written.summary.write_text("{", encoding="utf-8")
        assert told(server, 503) == "cannot be read (DecodeError)"
        assert "Traceback" not in server.stderr()


def test_a_delta_table_is_read_as_a_file_is(planned: Planned, tmp_path: Path) -> None:
    # Spark has its days as times.
    days = [pl.col(name).cast(pl.Datetime("us")) for name in ("as_of", "campaign_day")]
    write_deltalake(tmp_path / "campaign", planned.rows().with_columns(days).to_arrow())
    tables = planned.table, tmp_path / "campaign"
    file, delta = (StoredCampaign(str(one), str(planned.summary)).current() for one in tables)
    assert (file.as_of, file.parameters) == (delta.as_of, delta.parameters)
    for name in ("ids", "segments", "p_response", "allowed", "barred"):
        one, other = (
            getattr(of.candidates, name)[of.candidates.ids.argsort()] for of in (file, delta)
        )
        assert np.array_equal(one, other), name


def told(server: ServerProcess, status: int) -> str:
    """The part of a refusal that the tests above look for."""
    answer = httpx.get(server.url + CAMPAIGN)
    assert answer.status_code == status
    detail = answer.json()["detail"]
    parts = (
        "campaign-summary names what the planner wrote",
        "of different runs",
        "cannot be read (DecodeError)",
    )
    return next(part for part in parts if part in detail)
