"""Messages as clients of Kafka give them, without a broker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sent:
    """A message of the topic `lines`, partition 0."""

    sent_value: bytes | None
    sent_key: bytes | None = None
    place: int = 0
    sent_headers: tuple[tuple[str, bytes], ...] = ()

    def key(self) -> bytes | None:
        return self.sent_key

    def value(self) -> bytes | None:
        return self.sent_value

    def headers(self) -> list[tuple[str, bytes]] | None:
        return [*self.sent_headers] or None

    def topic(self) -> str:
        return "lines"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.place


def as_json(key: str | None = None, place: int = 0, **cells: Any) -> Sent:
    return Sent(json.dumps(cells).encode(), key.encode() if key is not None else None, place)
