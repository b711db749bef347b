"""`python -m tools.year`, or `make rehearsal-year`: plays the year, and leaves its page.

All of it is in `data/year`, listens on loopback, and ends with this process.

    data/year/live          the project that the year is played in, made anew at each start
    data/year/story.json    what happened
    data/year/story.html    the page that tells it
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from threading import Thread
from typing import NoReturn, TypeVar

from customer_segmentation.errors import UserError
from customer_segmentation.schema.file import read_schema
from tools.project import CHECKOUT
from tools.receiver import Receiver
from tools.year.house import SOURCE, House, settings
from tools.year.receivers import Listener, Quiet
from tools.year.rehearsal import COST, VALUE, Say, Wanted, Year
from tools.year.story import lead, page
from tools.year.told import Story

R = TypeVar("R", bound=Receiver)

PLACE = CHECKOUT / "data" / "year"
_SCHEMA = CHECKOUT / "conf" / "schemas" / "marketing_campaign.yml"


def play(place: Path, wanted: Wanted, say: Say) -> Story:
    """Play a year, and write its page.

    Args:
        place: The folder of all that is kept.
        wanted: What is to be played.
        say: Takes lines for people.

    Raises:
        UserError: A command fails, or the server does.
    """
    began = time.monotonic()
    live, lists, alerts = (place / name for name in ("live", "lists", "alerts"))
    for folder in (live, lists, alerts):
        shutil.rmtree(folder, ignore_errors=True)
    house, schema = House.made(live), read_schema(_SCHEMA)
    with (
        listening(Quiet(lists)) as receiver,
        listening(Listener(alerts)) as listener,
        settings(
            SEGMENTATION_SOURCE=str(live / SOURCE),
            SEGMENTATION_ALERT_WEBHOOK=listener.url,
        ),
    ):
        year = Year(wanted, house, schema, receiver, listener, say)
        months = tuple(year.play())
    seconds = time.monotonic() - began
    story = Story(
        *(wanted.customers, wanted.turn, COST, VALUE, wanted.exploration, months),
        seconds=round(seconds, 1),
    )
    told = json.dumps(story.stated(), indent=2)
    (place / "story.json").write_text(f"{told}\n", encoding="utf-8")
    (place / "story.html").write_text(page(story, schema.money.unit), encoding="utf-8")
    return story


@contextmanager
def listening(receiver: R) -> Iterator[R]:
    """A receiver that takes what it is sent."""
    thread = Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()


def main(arguments: list[str] | None = None) -> None:
    """Play as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m tools.year", description=__doc__)
    parser.add_argument("--place", type=Path, default=PLACE, help="where all of it is kept")
    for one in fields(Wanted):
        kind = type(one.default)
        name = f"--{one.name.replace('_', '-')}"
        parser.add_argument(name, type=kind, default=one.default, help=f"(default {one.default})")
    given = vars(parser.parse_args(arguments))
    place = given.pop("place").absolute()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        story = play(place, Wanted(**given), _say)
    except UserError as error:
        sys.exit(f"year: {error}")
    _say(lead(story))
    _say(f"{place / 'story.html'} ({story.seconds / 60.0:,.1f} minutes)")


def _stop(*_: object) -> NoReturn:
    raise SystemExit(1)


def _say(line: str) -> None:
    print(f"year: {line}", flush=True)  # noqa: T201 - the output


if __name__ == "__main__":
    main()
