"""What was told: the append-only folder `monitoring/alerts` of an environment.

    00000001-noted.json           what was found, before anybody is told of it
    00000002-message.json         what is told at once, before it is sent
    00000002-taken-<who>.json     a receiver has it

A file appears whole, and only if there is none of its name. Whatever is killed when, the next
command goes on: what is noted and in no message comes into one, and a message is sent again, under
the same key, to who is not known to have it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fsspec.core import url_to_fs
from pydantic import TypeAdapter, ValidationError

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.alerts.message import Message
from customer_segmentation.monitoring.alerts.news import Item
from customer_segmentation.new_files import put_new

FOLDER = "monitoring/alerts"
_NAME = re.compile(r"(\d{8})-(noted|message|taken-[0-9a-f]{12})\.json")
_ITEMS = TypeAdapter(tuple[Item, ...])
# A record of what was noted, and the place in it.
Place = tuple[int, int]


@dataclass(frozen=True)
class State:
    """All that is known of what was told.

    Attributes:
        noted: Everything that was ever noted, by its place, the oldest first.
        messages: All of them, the oldest first.
        covered: The places that are in a message.
        taken: Of each message's number, when who took it: receiver -> time.
        last: The last number in use.
    """

    noted: Mapping[Place, Item]
    messages: tuple[Message, ...]
    covered: frozenset[Place]
    taken: Mapping[int, Mapping[str, str]]
    last: int

    @property
    def waiting(self) -> dict[Place, Item]:
        """What was noted, and is in no message yet."""
        return {place: item for place, item in self.noted.items() if place not in self.covered}

    def open_for(self, receiver: str) -> list[Message]:
        """The messages that a receiver is not known to have."""
        return [
            one
            for one in self.messages
            if receiver in one.receivers and receiver not in self.taken.get(one.number, {})
        ]


class Memory:
    """The folder; whoever writes to it holds its lock.

    Args:
        place: A path or a URL that fsspec reads; it need not be there yet.
    """

    def __init__(self, place: str) -> None:
        self.place = place.replace("s3a://", "s3://", 1).rstrip("/")
        # Cached listings would miss what other processes write.
        self._files, path = url_to_fs(self.place, use_listings_cache=False)
        self._path = path.rstrip("/")

    def state(self) -> State:
        """All that was written.

        Raises:
            UserError: A record is not as this project writes it.
        """
        records = self._records()
        noted: dict[Place, Item] = {}
        messages: list[Message] = []
        covered: set[Place] = set()
        taken: dict[int, dict[str, str]] = {}
        last = 0
        for name, told in sorted(records.items()):
            last = number = int(name[:8])
            try:
                if name.endswith("-noted.json"):
                    items = _ITEMS.validate_python(told["items"])
                    noted |= {(number, at): item for at, item in enumerate(items)}
                elif name.endswith("-message.json"):
                    places = [(int(record), int(at)) for record, at in told["covers"]]
                    covered.update(places)
                    items = tuple(noted[place] for place in places)
                    about = (told["at"], told["environment"], items, tuple(told["receivers"]))
                    messages.append(Message(number, *about))
                else:
                    taken.setdefault(number, {})[told["receiver"]] = told["at"]
            except (KeyError, TypeError, ValueError, ValidationError) as error:
                raise self._broken(name) from error
        return State(noted, tuple(messages), frozenset(covered), taken, last)

    def note(self, state: State, items: Sequence[Item]) -> None:
        """Write down what was found.

        Raises:
            UserError: Another command has written meanwhile.
        """
        self._put(f"{state.last + 1:08}-noted.json", {"items": [asdict(one) for one in items]})

    def compose(self, covers: Sequence[Place], message: Message) -> None:
        """Write down what is about to be sent, under the message's number.

        Raises:
            UserError: Another command has written meanwhile.
        """
        told = {
            "at": message.at,
            "environment": message.environment,
            "receivers": [*message.receivers],
            "covers": [[*place] for place in covers],
        }
        self._put(f"{message.number:08}-message.json", told)

    def taken(self, message: Message, receiver: str, at: str) -> None:
        """Write down that a receiver has a message."""
        who = hashlib.sha256(receiver.encode()).hexdigest()[:12]
        told = {"receiver": receiver, "at": at}
        content = json.dumps(told).encode()
        # There already, if another command sent the same: it has the same key.
        put_new(self._files, f"{self._path}/{message.number:08}-taken-{who}.json", content)

    def _put(self, name: str, told: Mapping[str, Any]) -> None:
        content = json.dumps(told, sort_keys=True).encode()
        if not put_new(self._files, f"{self._path}/{name}", content):
            raise UserError(f"{self.place}/{name}: another command tells the same: run again")

    def _records(self) -> dict[str, Any]:
        try:
            paths = self._files.ls(self._path, detail=False)
        except FileNotFoundError:
            return {}
        names = [path.rpartition("/")[2] for path in paths]
        named = [name for name in names if _NAME.fullmatch(name)]
        if not named:
            return {}
        found: Any = self._files.cat([f"{self._path}/{name}" for name in named])
        try:
            return {path.rpartition("/")[2]: json.loads(content) for path, content in found.items()}
        except ValueError as error:
            raise UserError(f"{self.place} holds a file that is no JSON: restore it") from error

    def _broken(self, name: str) -> UserError:
        return UserError(f"{self.place}/{name} is not as this project wrote it: restore it")
