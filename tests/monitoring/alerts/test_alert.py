"""A command tells each receiver each thing once, whatever was killed, down or asleep before."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.alerts import memory
from customer_segmentation.monitoring.alerts.memory import Memory
from customer_segmentation.monitoring.alerts.message import Message
from customer_segmentation.monitoring.commands import Environment, alert, status_lines
from tests.monitoring.alerts.reports import (
    MORNING,
    NIGHT,
    NOON,
    QUIET,
    Listener,
    environment,
    finding,
    window,
    write,
)


def run(place: Environment, *receivers: Listener, now: datetime = NOON) -> list[str]:
    lines: list[str] = []
    alert(place, receivers, lines.append, now)
    return lines


def test_what_is_found_is_told_once_and_so_is_its_end(tmp_path: Path) -> None:
    place, listener = environment(tmp_path), Listener()
    write(tmp_path, finding(0.3), finding(0.1, name="age"))
    assert run(place, listener) == [
        "listener: [ticket] customer segmentation, dev: 1 new",
    ]
    assert run(place, listener) == ["Nothing new to tell"]
    write(tmp_path, finding(0.1))
    run(place, listener)
    assert listener.items == [("new", "income", "0.3"), ("over", "income", "0.1")]


def test_a_message_says_what_since_when_whom_and_what_it_costs(tmp_path: Path) -> None:
    listener = Listener()
    write(tmp_path, finding(0.3), finding(0.9, subject="segment", name="high_spend"))
    run(environment(tmp_path), listener)
    assert listener.heard[0].text.splitlines() == [
        "[ticket] customer segmentation, dev: 2 new",
        "",
        "NEW: input income (api)",
        (
            "  income is spread otherwise: 0.3. Since 2026-11-30T00:00:00+00:00. 1,234 customers. "
            "It is thought to cost 340 euros a window."
        ),
        "  Look at its source.",
        "  docs/runbook.md#input-psi",
        "NEW: segment high_spend (api)",
        (
            "  high_spend is spread otherwise: 0.9. Since 2026-11-30T00:00:00+00:00. "
            "1,234 customers. It is thought to cost 340 euros a window."
        ),
        "  Look at its source.",
        "  docs/runbook.md#segment-psi",
    ]


def test_figures_of_one_thing_are_told_together(tmp_path: Path) -> None:
    listener = Listener()
    write(tmp_path, finding(0.3), finding(0.7, measure="wasserstein"))
    run(environment(tmp_path), listener)
    text = listener.heard[0].text.splitlines()
    assert [line for line in text if line.startswith("NEW")] == ["NEW: input income (api)"]
    assert text[3].startswith(
        "  income is spread otherwise: 0.3. income is spread otherwise: 0.7. Since "
    )
    assert len(listener.items) == 2


def test_at_night_only_what_pages_is_told_and_the_rest_comes_as_one(tmp_path: Path) -> None:
    place, listener = environment(tmp_path, quiet=QUIET), Listener()
    write(tmp_path, finding(0.3), at=NIGHT)
    assert run(place, listener, now=NIGHT) == [
        "1 wait for the end of quiet hours (20:00 to 07:00, UTC)",
        "Nothing new to tell",
    ]
    write(
        tmp_path, finding(0.3), finding(0.4, name="age"), finding(1.0, subject="service"), at=NIGHT
    )
    later = NIGHT + timedelta(hours=1)
    run(place, listener, now=later)
    assert [message.severity for message in listener.heard] == ["page"]
    assert listener.items == [("new", "income", "1.0")]
    run(place, listener, now=MORNING)
    assert [message.severity for message in listener.heard] == ["page", "ticket"]
    assert [one.finding.name for one in listener.heard[1].items] == ["income", "age"]


def test_what_began_and_ended_at_night_is_told_in_the_morning(tmp_path: Path) -> None:
    place, listener = environment(tmp_path, quiet=QUIET), Listener()
    for value in (0.3, 0.1):
        write(tmp_path, finding(value), at=NIGHT)
        run(place, listener, now=NIGHT)
    assert listener.heard == []
    run(place, listener, now=MORNING)
    assert listener.items == [("new", "income", "0.3"), ("over", "income", "0.1")]
    assert len(listener.heard) == 1


def test_who_is_down_keeps_nobody_from_it_and_is_told_later(tmp_path: Path) -> None:
    place, down, up = environment(tmp_path), Listener("down"), Listener("up")
    down.is_down = True
    write(tmp_path, finding(0.3))
    with pytest.raises(UserError, match="not told, and sent again by the next command: down is"):
        run(place, down, up)
    write(tmp_path, finding(0.3), finding(0.4, name="age"))
    with pytest.raises(UserError, match="down is down"):
        run(place, down, up)
    assert len(up.heard) == 2
    down.is_down = False
    assert len(run(place, down, up)) == 2
    assert down.heard == up.heard
    assert run(place, down, up) == ["Nothing new to tell"]


def test_without_a_receiver_it_is_printed_and_who_is_set_later_is_told(tmp_path: Path) -> None:
    place, listener = environment(tmp_path), Listener()
    write(tmp_path, finding(0.3))
    lines = run(place)
    assert lines[0] == "NEW: input income (api)"
    assert lines[-1].startswith("Nobody is told of 1: set SEGMENTATION_ALERT_WEBHOOK")
    run(place, listener)
    assert listener.items == [("new", "income", "0.3")]


def test_a_receiver_that_is_new_is_not_told_of_old_messages(tmp_path: Path) -> None:
    place, first, second = environment(tmp_path), Listener("first"), Listener("second")
    write(tmp_path, finding(0.3))
    run(place, first)
    run(place, first, second)
    assert second.heard == []


class KilledError(BaseException):
    """Stands for a kill: nothing of ours catches it."""


def crashing(at: int, *, is_written: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `at`-th record is the last thing that the command does, or the one before it."""
    numbers, real = count(), memory.put_new

    def put(*arguments: Any) -> bool:
        number = next(numbers)
        if number == at and not is_written:
            raise KilledError
        done = real(*arguments)
        if number == at:
            raise KilledError
        return done

    monkeypatch.setattr(memory, "put_new", put)


# Two commands write: noted, message, taken by two; and the same for the end.
@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize("at", range(8))
def test_a_command_that_is_killed_anywhere_loses_and_doubles_nothing(
    at: int,
    is_written: bool,  # noqa: FBT001 - a case
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place, receivers = environment(tmp_path), (Listener("a"), Listener("b"))
    crashing(at, is_written=is_written, monkeypatch=monkeypatch)
    killed = 0
    for value in (0.3, 0.1):
        write(tmp_path, finding(value))
        try:
            run(place, *receivers)
        except KilledError:
            killed += 1
            run(place, *receivers)
    assert killed == 1
    for one in receivers:
        assert one.items == [("new", "income", "0.3"), ("over", "income", "0.1")]
    assert Memory(place.memory).state().waiting == {}


def test_a_clock_that_steps_back_repeats_nothing(tmp_path: Path) -> None:
    place, listener = environment(tmp_path), Listener()
    write(tmp_path, finding(0.3))
    run(place, listener)
    assert run(place, listener, now=NOON - timedelta(days=400)) == ["Nothing new to tell"]


def test_very_many_findings_make_a_short_message(tmp_path: Path) -> None:
    listener = Listener()
    write(tmp_path, *(finding(0.3, name=f"column_{n}") for n in range(500)))
    run(environment(tmp_path), listener)
    (message,) = listener.heard
    assert message.text.endswith("and 460 more: reporting/monitoring.html")
    assert len(message.items) == 500


def test_a_report_that_is_missing_or_odd_is_told_with_the_command(tmp_path: Path) -> None:
    command = "run kedro run --pipeline=monitoring --env=dev"
    with pytest.raises(UserError, match=f"not there yet: {command}"):
        run(environment(tmp_path), Listener())
    write(tmp_path)
    (tmp_path / "reporting/monitoring.json").write_text('{"windows": 1}', "utf-8")
    with pytest.raises(UserError, match=f"not as this project wrote it: {command}"):
        run(environment(tmp_path), Listener())


def test_a_record_that_somebody_has_changed_is_named(tmp_path: Path) -> None:
    place = environment(tmp_path)
    write(tmp_path, finding(0.3))
    run(place, Listener())
    (noted,) = Path(place.memory).glob("*-noted.json")
    noted.write_text('{"items": [1]}', "utf-8")
    with pytest.raises(UserError, match=r"00000001-noted\.json is not as this project wrote it"):
        run(place, Listener())


def test_keys_differ_from_message_to_message_and_environment_to_environment() -> None:
    messages = [
        Message(number, NOON.isoformat(), name, (), ())
        for number in (1, 2)
        for name in ("staging", "prod")
    ]
    assert len({one.key for one in messages}) == 4
    assert Message(1, NOON.isoformat(), "prod", (), ()).key == messages[1].key


def test_the_state_is_told_in_a_few_lines(tmp_path: Path) -> None:
    place, listener = environment(tmp_path, quiet=QUIET), Listener()
    listener.is_down = True
    write(tmp_path, finding(0.3), finding(0.1, window("2026-11-29")))
    with pytest.raises(UserError):
        run(place, listener)
    lines = [*status_lines(place, [listener])]
    assert lines[0].startswith("Looked at 2026-12-01 12:00 UTC, ")
    assert lines[1].endswith("10,000 customers, 0 beyond their bounds")
    assert lines[2].endswith("10,000 customers, 1 beyond their bounds")
    assert lines[3:5] == ["1 open alerts", "  NEW: input income (api)"]
    assert lines[-2:] == [
        "listener: never told, 1 messages not taken",
        "Not seen: Answers of the last campaign are not known.",
    ]
