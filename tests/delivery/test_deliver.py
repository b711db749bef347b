"""Only what differs is sent, and what a receiver has is known whatever it answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from customer_segmentation.datasets.contacts import AssignmentsDataset, ContactsDataset
from customer_segmentation.delivery.log import SendLog
from customer_segmentation.errors import UserError
from tests.delivery.lists import deliver, sending, wanted
from tests.services.receiver import FaultyReceiver

FIRST = {"1": "voucher", "2": "voucher", "3": "voucher"}


def held(receiver: FaultyReceiver) -> dict[str, str]:
    return {customer: row["offer"] for customer, row in receiver.members.items()}


def sent(receiver: FaultyReceiver, since: int = 0) -> list[tuple[str, str]]:
    rows = [json.loads(line) for _, body in receiver.posts[since:] for line in body.splitlines()]
    return [(row["customer_id"], row["change"]) for row in rows]


def test_only_who_entered_left_or_changed_is_sent(log: Path, receiver: FaultyReceiver) -> None:
    deliver(log, receiver.url, wanted(FIRST))
    assert sent(receiver) == [("1", "entered"), ("2", "entered"), ("3", "entered")]
    before = len(receiver.posts)
    second = {"2": "voucher", "3": "gift", "4": "voucher"}
    (state,) = deliver(log, receiver.url, wanted(second))
    assert sent(receiver, before) == [("1", "left"), ("4", "entered"), ("3", "changed")]
    assert held(receiver) == second
    told = state.delivery
    assert (told.entered, told.changed, told.left, told.batches) == (1, 1, 1, 2)


def test_where_nothing_differs_nothing_is_sent_or_recorded(
    log: Path, receiver: FaultyReceiver
) -> None:
    deliver(log, receiver.url, wanted(FIRST))
    before, files = len(receiver.posts), sorted(log.iterdir())
    assert deliver(log, receiver.url, wanted(FIRST, day="2026-11-30")) == []
    assert len(receiver.posts) == before
    assert sorted(log.iterdir()) == files


def test_another_address_is_a_change_and_who_left_is_named_by_the_address_they_had(
    log: Path, receiver: FaultyReceiver
) -> None:
    old, new = "a" * 64, "b" * 64
    deliver(log, receiver.url, wanted({"1": "voucher"}, emails={"1": old}))
    deliver(log, receiver.url, wanted({"1": "voucher"}, emails={"1": new}))
    deliver(log, receiver.url, wanted({}))
    rows = [json.loads(body) for _, body in receiver.posts]
    assert [(row["change"], row["email_sha256"]) for row in rows] == [
        ("entered", old),
        ("changed", new),
        ("left", new),
    ]
    assert rows[2] == {
        "customer_id": "1",
        "campaign": "spring",
        "change": "left",
        "email_sha256": new,
    }


def test_each_receiver_and_each_campaign_is_told_by_itself(
    log: Path, receiver: FaultyReceiver, tmp_path: Path
) -> None:
    deliver(log, receiver.url, wanted(FIRST))
    folder = tmp_path / "outbox"
    deliver(log, str(folder), wanted(FIRST))
    assert len([*folder.iterdir()]) == 2
    before = len(receiver.posts)
    deliver(log, receiver.url, wanted({"1": "voucher"}, campaign="summer"))
    assert sent(receiver, before) == [("1", "entered")]


def test_who_is_held_out_is_recorded_and_never_sent(log: Path, receiver: FaultyReceiver) -> None:
    told: list[str] = []
    sending(log, receiver.url).deliver(wanted(FIRST, ["8", "9"]))
    # The plan draws otherwise the next time: nobody changes sides.
    sending(log, receiver.url, tell=told.append).deliver(
        wanted({"2": "voucher", "8": "gift"}, ["1"])
    )
    assert {customer for customer, _ in sent(receiver)} == {"1", "2", "3"}
    found = AssignmentsDataset(filepath=str(log)).load().to_pylist()
    assert {row["customer_id"]: row["in_hold_out"] for row in found} == {
        "1": False,
        "2": False,
        "3": False,
        "8": True,
        "9": True,
    }
    assert told == [
        "1 were held out at an earlier delivery, and stay so: not sent",
        "1 are held out by the plan, but were contacted before: not counted",
    ]


def test_a_contact_is_what_a_receiver_took_with_its_day_and_offer(
    log: Path, receiver: FaultyReceiver
) -> None:
    assert ContactsDataset(filepath=str(log)).load().to_pylist() == []
    receiver.refuses = {"2"}
    deliver(log, receiver.url, wanted(FIRST, ["9"]))
    deliver(log, receiver.url, wanted({"1": "gift", "3": "voucher"}, day="2026-12-01"))
    rows = ContactsDataset(filepath=str(log)).load().to_pylist()
    assert [(r["customer_id"], r["day"], r["offer"], r["in_hold_out"]) for r in rows] == [
        ("1", "2026-11-29", "voucher", False),
        ("3", "2026-11-29", "voucher", False),
        ("9", "2026-11-29", "voucher", True),
        ("1", "2026-12-01", "gift", False),
    ]
    first = AssignmentsDataset(filepath=str(log)).load().to_pylist()
    assert [(r["customer_id"], r["offer"], r["segment"]) for r in first] == [
        ("1", "voucher", "high_spend"),
        ("2", "voucher", "high_spend"),
        ("3", "voucher", "high_spend"),
        ("9", "voucher", "high_spend"),
    ]


def test_who_is_rejected_is_recorded_with_the_reason_and_sent_again_the_next_time(
    log: Path, receiver: FaultyReceiver
) -> None:
    receiver.refuses = {"2"}
    (state,) = deliver(log, receiver.url, wanted(FIRST))
    assert [answer.reasons for answer in state.answers.values()] == [{"2": "unknown address"}, {}]
    assert held(receiver) == {"1": "voucher", "3": "voucher"}
    before = len(receiver.posts)
    receiver.refuses = set()
    deliver(log, receiver.url, wanted(FIRST))
    assert sent(receiver, before) == [("2", "entered")]
    assert held(receiver) == FIRST


@pytest.mark.parametrize(
    "fault", ["429", "429 1", "500", "503", "408", "409", "cut", "lost", "half"]
)
def test_what_passes_is_waited_for_and_the_same_bytes_are_sent_again(
    log: Path, receiver: FaultyReceiver, fault: str
) -> None:
    told: list[str] = []
    receiver.faults.extend([fault, fault])
    sending(log, receiver.url, tell=told.append).deliver(wanted(FIRST))
    first = receiver.posts[:3]
    assert first[0] == first[1] == first[2]
    assert len(receiver.posts) == 4
    assert held(receiver) == FIRST
    assert set(receiver.applied.values()) == {1}
    assert all("the same is sent again in" in line for line in told)
    assert len(told) == 2


def test_a_receiver_that_stays_down_is_told_and_the_next_command_goes_on(
    log: Path, receiver: FaultyReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_RECEIVER_WAIT", "0.1")
    receiver.faults.extend(["", "lost", *["503"] * 50])
    with pytest.raises(UserError) as stopped:
        deliver(log, receiver.url, wanted(FIRST))
    assert str(stopped.value) == (
        f'{receiver.url} answered 503 ({{"error": "told to say 503"}}); it was waited for up to '
        "0 s. 1 of 2 parts of delivery 1 (spring) have arrived, and are recorded: run the same "
        "command again, which goes on from there and sends nothing twice"
    )
    receiver.faults.clear()
    posted = receiver.posts[-1]
    told: list[str] = []
    # Meanwhile the plan is another; first comes what was begun, with the same key and bytes.
    states = sending(log, receiver.url, tell=told.append).deliver(wanted({"1": "gift"}))
    assert told == ["Delivery 1 (spring, of 2026-11-29) was cut short: the rest of it is sent"]
    assert posted in receiver.posts[-3:]
    assert [state.delivery.number for state in states] == [1, 2]
    assert held(receiver) == {"1": "gift"}
    assert set(receiver.applied.values()) == {1}


def test_a_longer_wait_than_is_allowed_is_not_begun(log: Path, receiver: FaultyReceiver) -> None:
    receiver.faults.append("429 3600")
    with pytest.raises(UserError, match="asks to wait 3600 s; it was waited for up to 5 s"):
        deliver(log, receiver.url, wanted(FIRST))
    assert len(receiver.posts) == 1


@pytest.mark.parametrize("status", ["400", "401", "404", "413", "422", "302"])
def test_a_refusal_ends_the_delivery_in_the_receivers_words_and_blocks_no_other(
    log: Path, receiver: FaultyReceiver, status: str
) -> None:
    receiver.faults.extend(["", status])
    with pytest.raises(UserError) as refused:
        deliver(log, receiver.url, wanted(FIRST))
    assert f"refuses the list: it answered {status}" in str(refused.value)
    assert f"told to say {status}" in str(refused.value)
    assert ("SEGMENTATION_RECEIVER_TOKEN" in str(refused.value)) == (status == "401")
    assert held(receiver) == {"1": "voucher", "2": "voucher"}
    before = len(receiver.posts)
    deliver(log, receiver.url, wanted(FIRST))
    assert sent(receiver, before) == [("3", "entered")]


@pytest.mark.parametrize("status", ["401", "404", "302"])
def test_a_part_that_may_have_arrived_is_not_given_up_where_the_way_is_barred(
    log: Path, receiver: FaultyReceiver, status: str
) -> None:
    # The first part is taken and its answer lost; then the token, or the address, is refused.
    receiver.faults.extend(["lost", status])
    with pytest.raises(UserError, match="the next part may have, too"):
        deliver(log, receiver.url, wanted(FIRST))
    receiver.faults.append(status)
    with pytest.raises(UserError, match="the next part may have, too"):
        deliver(log, receiver.url, wanted(FIRST))
    deliver(log, receiver.url, wanted(FIRST))
    assert held(receiver) == FIRST
    told = [row for row in sent(receiver) if row == ("1", "entered")]
    assert len({key for key, _ in receiver.posts}) == 2
    assert len(told) == 4
    assert set(receiver.applied.values()) == {1}


def test_who_withdraws_before_the_rest_is_sent_is_left_out_of_it_and_taken_back(
    log: Path, receiver: FaultyReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_RECEIVER_WAIT", "0")
    # The first part has arrived, though nobody knows; 1 and 3 withdraw.
    receiver.faults.extend(["lost"])
    with pytest.raises(UserError, match="broke off"):
        deliver(log, receiver.url, wanted(FIRST | {"4": "voucher"}))
    after = wanted({"2": "voucher", "4": "voucher"})
    sending(log, receiver.url, "1", "3").deliver(after)
    assert held(receiver) == {"2": "voucher", "4": "voucher"}
    # 3 was in a part that was never sent.
    assert ("3", "left") not in sent(receiver)
    assert ("1", "left") in sent(receiver)
    assert set(receiver.applied.values()) == {1}
    contacts = ContactsDataset(filepath=str(log)).load()["customer_id"].to_pylist()
    assert sorted(contacts) == ["2", "4"]


def test_a_record_that_was_changed_is_named(log: Path, receiver: FaultyReceiver) -> None:
    deliver(log, receiver.url, wanted(FIRST))
    (log / "00000001-0000.json").write_text("{}")
    with pytest.raises(UserError, match=r"00000001-0000.json is not as this project wrote it"):
        SendLog(str(log)).states()
