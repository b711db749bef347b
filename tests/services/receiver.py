"""A real HTTP receiver on this machine, idempotent by key, that fails as it is told to."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.receiver import Answer, Receiver


class FaultyReceiver(Receiver):
    """Keeps what it has taken, and what it is to do with the next parts.

    Attributes:
        faults: One a request, in order: `429`, `503`, ... (taken by nobody), `lost` (taken, and the
            connection breaks before the answer), `cut` (the same, not taken), `half` (half of the
            rows are taken, and it answers 500), `held` (it waits before it takes anything),
            `kept` (it takes, and waits before it answers), `reject` (207 without the first row).
        posts: Every part that came, by key, with its bytes, also those that were not taken.
        members: Customer -> what it was told last.
        applied: Key and customer -> how often a row of a key was taken, which is to be once.
        refuses: Customers whom it rejects, whatever happens.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.faults: deque[str] = deque()
        self.posts: list[tuple[str, bytes]] = []
        self.answers: dict[str, Answer] = {}
        self.members: dict[str, dict[str, str]] = {}
        self.applied: dict[tuple[str, str], int] = {}
        self.refuses: set[str] = set()
        self.waits, self.go_on = threading.Event(), threading.Event()
        self._one = threading.Lock()

    def tell(self, line: str) -> None:
        pass

    def take(self, key: str, body: bytes) -> Answer | None:
        with self._one:
            self.posts.append((key, body))
            fault = self.faults.popleft() if self.faults else ""
        if fault == "cut":
            return None
        if fault[:1].isdigit():
            status, _, retry_after = fault.partition(" ")
            headers = {"Retry-After": retry_after} if retry_after else {}
            return Answer(int(status), {"error": f"told to say {status}"}, headers)
        if fault == "held":
            self._wait()
        with self._one:
            answer = self._taken(key, body, fault)
        if fault == "kept":
            self._wait()
        return None if fault == "lost" else answer

    def _wait(self) -> None:
        self.waits.set()
        self.go_on.wait(30.0)

    def _taken(self, key: str, body: bytes, fault: str) -> Answer:
        if key in self.answers:
            return self.answers[key]
        rows = [json.loads(line) for line in body.splitlines()]
        refused = {row["customer_id"] for row in rows[:1]} if fault == "reject" else set()
        refused |= {row["customer_id"] for row in rows} & self.refuses
        for row in rows[: len(rows) // 2] if fault == "half" else rows:
            customer = row["customer_id"]
            if customer in refused or (key, customer) in self.applied:
                continue
            self.applied[key, customer] = 1
            if row["change"] == "left":
                self.members.pop(customer, None)
            else:
                self.members[customer] = row
        if fault == "half":
            return Answer(500, {"error": "half of it is done"})
        said = [{"customer_id": one, "reason": "unknown address"} for one in sorted(refused)]
        answer = Answer(207, {"rejected": said}) if said else super().take(key, body)
        assert answer
        self.answers[key] = answer
        return answer


@contextmanager
def serve_receiver(folder: Path) -> Iterator[FaultyReceiver]:
    """A receiver that runs until the end of the block."""
    with FaultyReceiver(folder) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.go_on.set()
            receiver.shutdown()
            thread.join()
