"""The estimate of costs: its quantities follow what is measured and declared."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tools.deploy.answer_costs import targets
from tools.deploy.costs import SIZES, lines, main, prices, run_seconds, runs_a_month, table
from tools.deploy.declared import DEPLOY, declared


def test_a_run_takes_what_was_measured_and_grows_with_the_customers_beyond() -> None:
    told = json.loads((DEPLOY.parent / "docs" / "scale.json").read_text())
    measured = {one["rows"]: one["seconds"] for one in told if one["environment"] == "prod"}
    for rows, seconds in measured.items():
        assert run_seconds(rows) == pytest.approx(seconds)
    assert run_seconds(1) == measured[min(measured)]
    assert measured[10**6] < run_seconds(3 * 10**6) < measured[10**7]
    assert run_seconds(10**8) == pytest.approx(10 * measured[10**7])


def test_each_schedule_that_runs_all_customers_counts_and_a_gate_alone_does_not() -> None:
    # Staging and prod daily; prod's monthly promotion scores nobody.
    assert runs_a_month() == pytest.approx(2 * 30.4)


def test_a_million_answers_cost_what_a_hand_reckons() -> None:
    (served,) = (one for one in lines(10**6) if "Lambda" in one.service)
    # A million requests of both, and 20 ms of a GB each.
    assert served.cost == pytest.approx(1.00 + 0.20 + 20_000 * 0.0000166667)


def test_a_row_of_the_online_store_is_written_by_whole_kilobytes() -> None:
    (store,) = (one for one in lines(10**6) if "DynamoDB" in one.service)
    # A row has 1,100 bytes, and 5 % of a million change each day.
    assert store.quantities["dynamodb_write_million"] == pytest.approx(2 * (1 + 0.05 * 30.4))


def test_no_part_is_cheaper_for_more_customers_and_every_price_is_used() -> None:
    bills = [lines(size) for size in SIZES]
    for few, some, many in zip(*bills, strict=True):
        assert 0 < few.cost <= some.cost <= many.cost, few.service
    used = {name for line in bills[0] for name in line.quantities}
    used |= {name for target in targets() for name in target.prices}
    assert used == {*prices().prices}


def test_what_is_on_by_default_is_what_is_declared() -> None:
    names = {"Redshift": "redshift", "SageMaker": "sagemaker", "Transfer": "transfer"}
    for line in lines(10**6):
        if part := names.get(line.service.split()[0]):
            assert line.is_option == (not declared().standing[part])


def test_the_total_leaves_out_what_is_off_by_default() -> None:
    *rows, total = table([10_000])
    cells = [row.strip("| ").split(" | ") for row in rows[2:]]
    on = sum(float(cost.replace(",", "")) for name, cost in cells if "off by default" not in name)
    assert float(total.strip("| ").split(" | ")[1].replace(",", "")) == pytest.approx(on, abs=0.5)


def test_the_command_says_that_it_is_an_estimate_and_of_when() -> None:
    told = CliRunner().invoke(main, ["--customers", "1000000"])
    assert told.exit_code == 0
    assert told.output.startswith("An estimate, by prices of 2026-")
    assert "typed by hand" in told.output
