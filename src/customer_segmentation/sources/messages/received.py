"""A message as it was received, and one that says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Received(Protocol):
    """A message as clients of Kafka give it."""

    def key(self) -> Any:  # noqa: ANN401, D102 - bytes or None; librdkafka's type says less
        ...

    def value(self) -> Any:  # noqa: ANN401, D102 - as above
        ...

    def headers(self) -> Any:  # noqa: ANN401, D102 - pairs of name and bytes, or None
        ...

    def topic(self) -> Any:  # noqa: ANN401, D102 - text
        ...

    def partition(self) -> Any:  # noqa: ANN401, D102 - a whole number
        ...

    def offset(self) -> Any:  # noqa: ANN401, D102 - a whole number
        ...


@dataclass(frozen=True)
class Rejected:
    """A message that says nothing, and every reason why."""

    message: Received
    reasons: tuple[str, ...]
