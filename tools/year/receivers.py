"""Receivers of a year, on this machine: of its lists, and of its alerts."""

from __future__ import annotations

import json

from tools.receiver import Answer, Receiver


class Listener(Receiver):
    """Keeps the alerts that it is sent."""

    def take(self, key: str, body: bytes) -> Answer | None:
        """Keep an alert, each key once."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{key}.json").write_bytes(body)
        return Answer(200, {"taken": 1})

    def alerts(self) -> dict[str, str]:
        """Key -> what it said, as text."""
        files = sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []
        return {file.stem: json.loads(file.read_bytes())["text"] for file in files}


class Quiet(Receiver):
    """Takes lists and says nothing."""

    def tell(self, line: str) -> None:
        """Say nothing."""
