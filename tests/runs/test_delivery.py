"""A planned campaign is delivered from the command line, recorded, told, and forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from customer_segmentation.retention.clean import clean
from customer_segmentation.retention.places import Environment
from customer_segmentation.run_lock import run_lock
from customer_segmentation.session import ProjectSession
from tests.runs.project import Project, shell
from tests.services.receiver import FaultyReceiver, serve_receiver

NAMED = "4822"
DAY = "2014-07-01"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[FaultyReceiver]:
    with serve_receiver(tmp_path / "received") as server:
        yield server


@pytest.fixture
def planned(used_project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a planned campaign of 20 customers, of whom two are held out; all agreed."""
    monkeypatch.setenv("SEGMENTATION_CONSENTS", str(used_project.root / "consents.csv"))
    agree(used_project)
    plan(used_project)
    return used_project


def agree(project: Project, *withdrawn: tuple[str, str]) -> None:
    """Write the file of consents: all have agreed, and these have withdrawn on a day."""
    rows = [f"{one},e_mail,given,2014-01-01" for one in customers(project)]
    rows += [f"{one},e_mail,withdrawn,{day}" for one, day in withdrawn]
    text = "\n".join(["customer_id,purpose,status,on", *rows, ""])
    (project.root / "consents.csv").write_text(text)


def customers(project: Project) -> list[str]:
    found = pd.read_parquet(project.root / "data/silver/customers.parquet")
    may = found[(found["complained"] == 0.0) & (found["customer_id"] != NAMED)]
    return [NAMED, *may["customer_id"].head(19)]


def plan(project: Project, offers: dict[int, str] | None = None, count: int = 20) -> None:
    """Write `gold_campaign` as the planner does: customers 18 and 19 are held out."""
    ids = customers(project)[:count]
    chosen = [(offers or {}).get(n, "voucher") for n in range(count)]
    table = pd.DataFrame(
        {
            "customer_id": ids,
            "as_of": pd.Timestamp("2014-06-30"),
            "campaign": "spring",
            "segment": "high_spend",
            "offer": chosen,
            "channel": "e_mail",
            "is_contacted": [int(n < 18) for n in range(count)],
            "in_hold_out": [int(n >= 18) for n in range(count)],
        }
    )
    table.to_parquet(project.root / "data/gold/campaign.parquet", index=False)
    offer = {"channel": "e_mail", "purpose": "e_mail", "cost": 3.0, "value": 11.0}
    terms = {"name": "spring", "hold_out": 0.1, "quiet_days": 14, "offers": {"voucher": offer}}
    summary = json.dumps({"parameters": terms})
    (project.root / "data/reporting/campaign.json").write_text(summary)


def deliver(project: Project, to: str, *options: str) -> list[str]:
    result = project.kedro("campaign", "deliver", "--to", to, f"--on={DAY}", *options)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_a_plan_is_sent_and_then_only_what_changed(
    planned: Project, receiver: FaultyReceiver
) -> None:
    lines = deliver(planned, receiver.url)
    assert lines[-2:] == [
        f"spring to {receiver.url}, of {DAY}: 18 entered, 0 changed, 0 left; all taken",
        "Held out, recorded and never sent: 2",
    ]
    assert receiver.members.keys() == {*customers(planned)[:18]}
    lines = deliver(planned, receiver.url)
    assert lines[-1] == (
        f"spring to {receiver.url}: it has all 18 members as they are to be; nothing was sent"
    )
    plan(planned, count=10)
    lines = deliver(planned, receiver.url)
    assert lines[-1].endswith("0 entered, 0 changed, 8 left; all taken")
    told = planned.kedro("campaign", "log").output.splitlines()
    assert told == [
        f"   1  {DAY}  spring to {receiver.url}: 18 entered, 0 changed, 0 left; all taken",
        f"   2  {DAY}  spring to {receiver.url}: 0 entered, 0 changed, 8 left; all taken",
    ]


def test_who_complained_since_the_plan_or_is_no_customer_any_more_is_not_sent(
    planned: Project, receiver: FaultyReceiver
) -> None:
    deliver(planned, receiver.url)
    file = planned.root / "data/silver/customers.parquet"
    silver = pd.read_parquet(file)
    members = {*customers(planned)[:18]}
    complained, gone = customers(planned)[1:3]
    silver.loc[silver["customer_id"] == complained, "complained"] = 1.0
    silver = silver[silver["customer_id"] != gone]
    silver["as_of"] = pd.Timestamp("2014-07-31")
    silver.to_parquet(file, index=False)
    lines = deliver(planned, receiver.url)
    older = "the plan is of the customers of 2014-06-30, and there are those of 2014-07-31"
    assert lines[-3:] == [
        f"Warning: {older}: kedro run --pipeline=campaign_planning plans anew",
        f"Planned, and not sent as of {DAY}: 1 no customers any more, 1 never contacted",
        f"spring to {receiver.url}, of {DAY}: 0 entered, 0 changed, 2 left; all taken",
    ]
    assert receiver.members.keys() == members - {complained, gone}


def test_nobody_without_consent_on_the_day_is_in_a_list_and_who_withdraws_is_taken_back(
    planned: Project, receiver: FaultyReceiver
) -> None:
    first, second, third, *others = customers(planned)[:18]
    held_out = customers(planned)[18]
    agree(planned, (first, "2014-06-30"), (second, DAY), (third, "2014-07-02"), (held_out, DAY))
    lines = deliver(planned, receiver.url)
    assert lines[-4:] == [
        f"Planned, and not sent as of {DAY}: 2 without consent to offers by e-mail",
        f"To be held out, and not recorded as of {DAY}: 1 without consent to offers by e-mail",
        f"spring to {receiver.url}, of {DAY}: 16 entered, 0 changed, 0 left; all taken",
        "Held out, recorded and never sent: 1",
    ]
    assert receiver.members.keys() == {third, *others}
    lines = deliver(planned, receiver.url, "--on=2014-07-02")
    assert lines[-1].startswith(f"spring to {receiver.url}, of 2014-07-02: 0 entered")
    assert receiver.members.keys() == {*others}
    sent = b"".join(body for _, body in receiver.posts).decode()
    assert f'"{first}"' not in sent
    assert f'"{second}"' not in sent


def test_rejections_and_files_are_told(
    planned: Project, receiver: FaultyReceiver, tmp_path: Path
) -> None:
    receiver.refuses = {NAMED}
    lines = deliver(planned, receiver.url)
    assert lines[-3].endswith("18 entered, 0 changed, 0 left; all taken but 1 rejected")
    assert lines[-1] == "Rejected, and sent again by the next delivery: 1: unknown address (1)"
    lines = deliver(planned, str(tmp_path / "out"))
    assert (
        lines[-1] == f"spring to {tmp_path}/out, of {DAY}: 18 entered, 0 changed, 0 left; all taken"
    )
    (file,) = (tmp_path / "out").iterdir()
    assert len(file.read_text().splitlines()) == 19


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--to=ftp://crm",), "--to ftp://: a list goes to an https:// address"),
        (("--to=out", "--on=tomorrow"), "--on tomorrow: write a day as 2026-11-28"),
        (("--to=out", "--on=2999-01-01"), "who will have withdrawn by then is not known today"),
        (("--to=out", "--env=nowhere"), "there is no environment `nowhere`"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    planned: Project, options: tuple[str, ...], problem: str
) -> None:
    result = planned.kedro("campaign", "deliver", *options)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: ")
    assert problem in result.output
    assert not (planned.root / "data/campaigns").exists()


def test_without_a_plan_the_command_that_makes_one_is_named(used_project: Project) -> None:
    result = used_project.kedro("campaign", "deliver", "--to=out")
    assert result.exit_code == 1
    assert "gold_campaign is not there yet: run kedro run --pipeline=campaign_planning" in (
        result.output
    )


def test_two_deliveries_do_not_run_at_once(planned: Project, tmp_path: Path) -> None:
    with run_lock(str(planned.root / "data"), "another"):
        result = shell(
            planned, "kedro", "campaign", "deliver", "--to", str(tmp_path / "out"), f"--on={DAY}"
        )
    assert result.returncode == 1
    assert "is in use by run another" in result.stderr + result.stdout
    assert not (tmp_path / "out").exists()


def test_a_customer_is_forgotten_in_the_log_and_the_receivers_that_had_them_are_named(
    planned: Project, receiver: FaultyReceiver, tmp_path: Path
) -> None:
    receiver.refuses = {NAMED}
    deliver(planned, receiver.url)
    receiver.refuses = set()
    folder = tmp_path / "out"
    deliver(planned, str(folder))
    log = planned.root / "data/campaigns/log"
    before = {path.name: len(pd.read_parquet(path)) for path in log.glob("*.parquet")}
    told = planned.kedro("forget", NAMED, "--do").output
    assert "0 hold this id" in told
    assert "data/campaigns/log/00000001.parquet: 1 row, written anew without" in told
    assert "data/campaigns/log/00000001-0000.json: 1 mention, replaced by [erased]" in told
    assert f"  {folder}: was sent them in a list of spring, last of {DAY}: have them erased" in told
    after = {path.name: len(pd.read_parquet(path)) for path in log.glob("*.parquet")}
    assert after == {name: rows - 1 for name, rows in before.items()}
    (answer,) = json.loads((log / "00000001-0000.json").read_text())["rejected"]
    assert answer["customer_id"] == "[erased]"
    # The log is still one, and the plan has them no more.
    lines = deliver(planned, receiver.url)
    assert "nothing was sent" in lines[-1]


def test_cleaning_never_removes_the_log(planned: Project, tmp_path: Path) -> None:
    deliver(planned, str(tmp_path / "out"))
    log = planned.root / "data/campaigns/log"
    before = {path.name: path.read_bytes() for path in log.iterdir()}
    (log / ".writing-half").write_bytes(b"half")
    with (
        pytest.MonkeyPatch.context() as patch,
        ProjectSession.create(project_path=planned.root) as session,
    ):
        patch.chdir(planned.root)
        environment = Environment.of(session.load_context())
        object.__setattr__(environment, "retain_days", 1.0)
        clean(environment, None, print, is_dry=False, now=datetime(2999, 1, 1, tzinfo=UTC))
    assert {path.name: path.read_bytes() for path in log.iterdir()} == before
