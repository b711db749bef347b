"""What the commands `monitor alert` and `monitor status` do and tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.alerts.memory import FOLDER, Memory, Place, State
from customer_segmentation.monitoring.alerts.message import Message, lines
from customer_segmentation.monitoring.alerts.news import Item, known_of, news
from customer_segmentation.monitoring.alerts.receivers import WEBHOOK, Receiver
from customer_segmentation.monitoring.alerts.report import read_report
from customer_segmentation.monitoring.alerts.settings import AlertSettings, alert_settings

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Environment:
    """An environment, as alerts see it.

    Attributes:
        name: Its name.
        data: Root of its files.
        memory: Where it is kept what was told.
        settings: Who is told, and when.
    """

    name: str
    data: str
    memory: str
    settings: AlertSettings

    @classmethod
    def of(cls, root: Path, loader: Any) -> Environment:  # noqa: ANN401 - Kedro's own
        """From the configuration of an environment.

        Args:
            root: The project's folder, which local paths are relative to.
            loader: The configuration's.

        Raises:
            UserError: A setting is wrong.
        """
        places = loader["globals"]

        def anchored(place: str) -> str:
            return place if "://" in place else str(root / place)

        return cls(
            places["environment"],
            anchored(str(places["data"])),
            anchored(memory_place(places)),
            alert_settings(loader["alerts"]),
        )

    @property
    def run(self) -> str:
        """The command that looks again."""
        return f"kedro run --pipeline=monitoring --env={self.name}"


def memory_place(places: Mapping[str, str]) -> str:
    """Where it is kept what was told: beside the tables, or the files if tables are managed."""
    tables = str(places["tables"]).replace("s3a://", "s3://", 1)
    is_place = "://" not in tables or tables.startswith("s3://")
    return f"{(tables if is_place else str(places['data'])).rstrip('/')}/{FOLDER}"


def alert(
    environment: Environment, receivers: Sequence[Receiver], tell: Tell, now: datetime | None = None
) -> None:
    """Tell every receiver what is new, and what an earlier command could not.

    The lock of the memory must be held.

    Args:
        environment: Whose.
        receivers: Who is told; a receiver that is down keeps no other from it.
        tell: Prints a line.
        now: The time; by default this machine's.

    Raises:
        UserError: There is no report, or not everybody was told.
    """
    now = now or datetime.now(UTC)
    report = read_report(environment.data, environment.run)
    memory = Memory(environment.memory)
    state = memory.state()
    found = news(report, known_of(state.noted.values()), environment.settings, now)
    if not receivers:
        # Not noted: whoever is set later is told of it.
        for line in lines(found):
            tell(line)
        tell(
            f"Nobody is told of {len(found)}: set {WEBHOOK}, or `email` or `sns` in "
            "conf/*/alerts.yml"
        )
        return
    if found:
        memory.note(state, found)
        state = memory.state()
    state = _composed(environment, receivers, memory, state, now, tell)
    _sent(receivers, memory, state, now, tell)


def _composed(  # noqa: PLR0913, PLR0917 - what a command has at hand
    environment: Environment,
    receivers: Sequence[Receiver],
    memory: Memory,
    state: State,
    now: datetime,
    tell: Tell,
) -> State:
    """With what is due as one message; in quiet hours only what pages is."""
    waiting = state.waiting
    is_quiet = environment.settings.quiet.holds(now)
    due = {at: one for at, one in waiting.items() if not is_quiet or one.severity == "page"}
    if rest := len(waiting) - len(due):
        tell(f"{rest} wait for the end of quiet hours ({_hours(environment.settings)})")
    if not due:
        return state
    covers: list[Place] = sorted(due, key=lambda at: _order(due[at]))
    message = Message(
        state.last + 1,
        now.isoformat(timespec="seconds"),
        environment.name,
        tuple(due[at] for at in covers),
        tuple(one.name for one in receivers),
    )
    memory.compose(covers, message)
    return memory.state()


def _order(item: Item) -> tuple[bool, bool]:
    """What pages first, what is over last; otherwise as it was noted."""
    return item.severity != "page", item.what == "over"


def _sent(
    receivers: Sequence[Receiver], memory: Memory, state: State, now: datetime, tell: Tell
) -> None:
    failed: list[str] = []
    told = 0
    for receiver in receivers:
        for message in state.open_for(receiver.name):
            try:
                receiver.tell(message)
            except UserError as error:
                # Those after it would wait as long, and come in another order.
                failed.append(str(error))
                break
            memory.taken(message, receiver.name, now.isoformat(timespec="seconds"))
            tell(f"{receiver.name}: {message.title}")
            told += 1
    if failed:
        raise UserError(f"not told, and sent again by the next command: {'; '.join(failed)}")
    if not told:
        tell("Nothing new to tell")


def status_lines(environment: Environment, receivers: Sequence[Receiver]) -> Iterator[str]:
    """How the environment is: when it was looked at, what is beyond, who was told when."""
    now = datetime.now(UTC)
    report = read_report(environment.data, environment.run)
    hours = max(now - report.recorded_at, timedelta()).total_seconds() / 3_600
    yield f"Looked at {report.recorded_at:%Y-%m-%d %H:%M} UTC, {hours:,.0f} hours ago"
    for window, findings in report.in_order():
        beyond = sum(one.is_alarm for one in findings)
        yield (
            f"  {window.source} {window.start} to {window.end}: {window.customers:,} customers, "
            f"{beyond} beyond their bounds"
        )
    state = Memory(environment.memory).state()
    open_now = [one.item for one in known_of(state.noted.values()).values() if one.is_open]
    yield f"{len(open_now)} open alerts"
    yield from (f"  {line}" for line in lines(open_now))
    if state.waiting:
        yield f"{len(state.waiting)} wait for the end of quiet hours"
    for receiver in receivers:
        have = [taken[receiver.name] for taken in state.taken.values() if receiver.name in taken]
        late = len(state.open_for(receiver.name))
        last = f"told last {max(have)}" if have else "never told"
        yield f"{receiver.name}: {last}" + (f", {late} messages not taken" if late else "")
    if not receivers:
        yield f"Nobody is told: set {WEBHOOK}, or `email` or `sns` in conf/*/alerts.yml"
    yield from (f"Not seen: {sentence}" for sentence in report.blind)


def _hours(settings: AlertSettings) -> str:
    quiet = settings.quiet
    hours = f"{quiet.begin} to {quiet.end}" if quiet.begin else ""
    weekends = "weekends" if quiet.weekends else ""
    return f"{', '.join(part for part in (hours, weekends) if part)}, {quiet.zone}"
