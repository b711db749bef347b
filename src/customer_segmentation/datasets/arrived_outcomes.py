"""Outcomes of campaigns in the catalog: what is new of a folder or a topic is landed, and kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from customer_segmentation.errors import UserError

if TYPE_CHECKING:
    from customer_segmentation.feedback.arrived import Arrivals, Arrived
    from customer_segmentation.sources.arrivals.parts import Parts, Reader, RememberingReader

_KAFKA = re.compile(r"kafka://(?P<bootstrap>[^/@\s]+)/(?P<topic>[A-Za-z0-9._-]{1,249})")


class ArrivedOutcomes(AbstractDataset[None, Any]):
    """Lands what is new of each source as parts, and gives all that has arrived.

    Args:
        sources: Name -> a folder, a URL of one, `kafka://host:port/topic`, or a reader as of
            `ArrivingSource`; '' for none.
        parts: Path or URL of the folder of the parts; a path is relative to the project.
        settled_seconds: As of `FolderReader`.
        encoding: Of text without a byte-order mark.
        metadata: For plugins.
    """

    def __init__(
        self,
        *,
        sources: Mapping[str, str | dict[str, Any]],
        parts: str,
        settled_seconds: float = 10.0,
        encoding: str = "utf-8",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Nothing is connected to yet."""
        # No `_filepath`: what arrives is no run's to change.
        self._sources = {name: source for name, source in sources.items() if source}
        self._parts = parts
        self._folder = {"settled_seconds": settled_seconds, "encoding": encoding}
        self.metadata = metadata

    @property
    def reads_from(self) -> tuple[str, ...]:
        """The folders that are there, and topics: the project never changes them."""
        from customer_segmentation.sources.arrivals.dataset import (  # noqa: PLC0415 - slow import
            anchored,
        )

        named = (anchored(one) for one in self._sources.values() if isinstance(one, str))
        return tuple(place for place in named if not _is_absent(place))

    def load(self) -> Arrivals:
        """Everything that has arrived, after what is new was landed.

        Raises:
            UserError: A source does not answer, or cannot be read.
        """
        from customer_segmentation.feedback.arrived import Arrivals  # noqa: PLC0415 - as above
        from customer_segmentation.sources.arrivals.dataset import (  # noqa: PLC0415 - as above
            anchored,
        )
        from customer_segmentation.sources.arrivals.parts import (  # noqa: PLC0415 - as above
            land_arrivals,
        )

        found: list[Arrived] = []
        notes: list[str] = []
        for parts, (name, source) in zip(self.landed(), self._sources.items(), strict=True):
            if isinstance(source, str) and _is_absent(place := anchored(source)):
                notes.append(f"{place} is not there: nothing can arrive by it")
            else:
                reader = self._reader(name, source)
                land_arrivals(reader, parts)
                if getattr(reader, "has_left", False):
                    notes.append(
                        f"{reader.name}: a file that is still written, or changed a moment ago, "
                        "waits for the next run, with what came after it"
                    )
            found += _arrived(parts)
        return Arrivals(tuple(sorted(found, key=lambda one: one.at)), tuple(notes))

    def landed(self) -> list[Parts]:
        """What has landed so far, by source; nothing is read anew."""
        from customer_segmentation.sources.arrivals.dataset import (  # noqa: PLC0415 - as above
            anchored,
        )
        from customer_segmentation.sources.arrivals.parts import (  # noqa: PLC0415 - as above
            Parts,
        )

        return [Parts(f"{anchored(self._parts)}/{name}") for name in self._sources]

    def _reader(self, name: str, source: str | dict[str, Any]) -> Reader | RememberingReader:
        from customer_segmentation.sources.arrivals.dataset import (  # noqa: PLC0415 - as above
            made_reader,
        )

        if not isinstance(source, str):
            return made_reader(dict(source))
        if not source.startswith("kafka:"):
            return made_reader({"type": "folder.FolderReader", "place": source, **self._folder})
        if (match := _KAFKA.fullmatch(source)) is None:
            raise UserError(f"outcomes by {name}: write the topic as kafka://host:9092/topic")
        return made_reader({"type": "kafka.KafkaReader", **match.groupdict()})

    def save(self, data: None) -> None:  # noqa: ARG002 - the parent's signature
        """Not possible: what arrives is only read."""
        raise UserError("outcomes arrive: they are read and never written")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"sources": self._sources, "parts": self._parts}


def _is_absent(place: str) -> bool:
    return "://" not in place and not Path(place).is_dir()


def _arrived(parts: Any) -> Iterator[Arrived]:  # noqa: ANN401 - of a type that is slow to import
    from customer_segmentation.feedback.arrived import Arrived  # noqa: PLC0415 - as above

    before = 0
    for part in parts.complete():
        rows = parts.rows(part)
        yield Arrived(part.source, before, part.landed_at, rows)
        # As landed: rows of customers who were forgotten are gone since.
        before += part.rows
