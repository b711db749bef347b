"""How a list is posted, and which addresses and answers are refused."""

from __future__ import annotations

import json
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.delivery import posting
from customer_segmentation.delivery.receivers import TOKEN, receiver_of
from customer_segmentation.errors import UserError
from tests.delivery.lists import deliver, sending, wanted
from tests.services.receiver import FaultyReceiver
from tools.receiver import Answer

ONE = {"7": "voucher"}
# Of no receiver that there is.
SECRET = "s3cret-of-the-crm"  # noqa: S105


def test_a_part_is_a_post_of_json_lines_with_a_key_and_a_token(
    log: Path, receiver: FaultyReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Message] = []
    handler = receiver.RequestHandlerClass
    answer = handler._answer

    def looked_at(request: Any) -> Answer | None:
        seen.append(request.headers)
        return answer(request)

    monkeypatch.setattr(handler, "_answer", looked_at)
    monkeypatch.setenv(TOKEN, SECRET)
    (state,) = deliver(log, receiver.url, wanted(ONE, emails={"7": "e" * 64}))
    ((key, body),) = receiver.posts
    assert key == state.delivery.key(0)
    # To the byte: what was begun before an update must go on as it was.
    assert body == (
        b'{"customer_id": "7", "campaign": "spring", "change": "entered", "offer": "voucher", '
        b'"channel": "e_mail", "email_sha256": "' + b"e" * 64 + b'"}\n'
    )
    assert seen[0]["Content-Type"] == "application/x-ndjson"
    assert seen[0]["Authorization"] == f"Bearer {SECRET}"
    assert all(SECRET not in path.read_bytes().decode("latin-1") for path in log.iterdir())


def test_a_token_that_a_receiver_repeats_is_not_shown(
    log: Path, receiver: FaultyReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    monkeypatch.setattr(receiver, "take", lambda *_: Answer(403, {"error": f"no {SECRET} here"}))
    with pytest.raises(UserError) as refused:
        deliver(log, receiver.url, wanted(ONE))
    assert SECRET not in str(refused.value)
    assert "no *** here" in str(refused.value)


def test_a_redirection_is_refused_and_not_followed(
    log: Path, receiver: FaultyReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Answer(307, {}, {"Location": f"{receiver.url}/elsewhere"})
    taken: list[str] = []
    monkeypatch.setattr(receiver, "take", lambda key, _: (taken.append(key), moved)[1])
    with pytest.raises(UserError, match="it answered 307, elsewhere, where nothing is sent"):
        deliver(log, receiver.url, wanted(ONE))
    assert len(taken) == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(207, {"done": 1}), 'it has no list "rejected"'),
        (Answer(200, {"rejected": "7"}), 'it has no list "rejected"'),
        (Answer(200, {"rejected": ["8"]}), "it rejects '8', who was not sent"),
    ],
)
def test_an_answer_that_nobody_can_read_is_told_and_nothing_is_taken_for_sent(
    log: Path,
    receiver: FaultyReceiver,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    problem: str,
) -> None:
    monkeypatch.setattr(receiver, "take", lambda *_: answer)
    with pytest.raises(UserError, match="nobody can tell whom it took") as told:
        deliver(log, receiver.url, wanted(ONE))
    assert problem in str(told.value)
    assert [path.name for path in log.iterdir()] == ["00000001.parquet"]


def test_ids_alone_may_be_rejected_too(
    log: Path, receiver: FaultyReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "take", lambda *_: Answer(200, {"rejected": [7]}))
    (state,) = deliver(log, receiver.url, wanted(ONE))
    assert state.answers[0].reasons == {"7": "not said why"}


def test_a_receiver_that_is_slow_is_asked_again(
    log: Path, receiver: FaultyReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "_TIMEOUT", 0.2)
    receiver.faults.append("kept")
    told: list[str] = []
    sending(log, receiver.url, tell=told.append).deliver(wanted(ONE))
    receiver.go_on.set()
    assert "broke off (timed out)" in told[0]
    assert len(receiver.posts) == 2
    assert set(receiver.applied.values()) == {1}


def test_a_receiver_that_is_not_there_is_told(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_RECEIVER_WAIT", "0")
    with FaultyReceiver(tmp_path) as closed:
        url = closed.url
    with pytest.raises(UserError, match=r"cannot be reached .*Connection refused"):
        deliver(log, url, wanted(ONE))


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("http://crm.example.com/lists", "without encryption"),
        ("https://user:hunter2@crm.example.com", "would stand in logs"),
        ("https://crm.example.com/?sig=q7x", "would stand in logs"),
        ("https://", "names no host"),
        ("https://crm.example.com:no/", "no address"),
        ("ftp://crm.example.com", "goes to an https:// address"),
        ("s3://", "goes to an https:// address"),
        (" ", "--to is empty"),
    ],
)
def test_an_address_that_will_not_do_is_refused_without_its_secrets(
    place: str, problem: str
) -> None:
    with pytest.raises(UserError, match=problem) as refused:
        receiver_of(place, print)
    assert "hunter2" not in str(refused.value)
    assert "q7x" not in str(refused.value)


@pytest.mark.parametrize("token", ["two words", "line\nend"])
def test_a_token_that_is_none_is_refused(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, token)
    with pytest.raises(UserError, match="that no token has"):
        receiver_of("https://crm.example.com", print)


def test_the_wait_is_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENTATION_RECEIVER_WAIT", "long")
    with pytest.raises(UserError, match="set it to a number of seconds"):
        receiver_of("https://crm.example.com", print)


def test_the_receiver_of_the_readme_refuses_what_is_no_list(
    receiver: FaultyReceiver, tmp_path: Path
) -> None:
    answer = super(FaultyReceiver, receiver).take("key", b"[]")
    assert answer
    assert answer.status == 400
    assert json.dumps(answer.body)
    assert not (tmp_path / "received").exists()
