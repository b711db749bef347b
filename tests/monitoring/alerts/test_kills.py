"""A command that is killed while its receiver holds the message, or right after it has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_segmentation.monitoring.alerts.receivers import WEBHOOK, receivers_of
from customer_segmentation.monitoring.commands import alert
from tests.monitoring.alerts.reports import NOON, environment, finding, settings, write
from tools.receiver import Answer, Receiver

CHECKOUT = Path(__file__).parents[3]
DEADLINE = 60.0


class Holding(Receiver):
    """Keeps the first message, and answers no one until it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.came, self.go_on = threading.Event(), threading.Event()
        self.posts: list[tuple[str, bytes]] = []
        self.keeps = True

    def take(self, key: str, body: bytes) -> Answer | None:
        if self.keeps:
            self.posts.append((key, body))
        self.came.set()
        self.go_on.wait(DEADLINE)
        return Answer(200, {})


@pytest.fixture
def holding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holding]:
    with Holding(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv(WEBHOOK, server.url)
        yield server
        server.go_on.set()
        server.shutdown()
        thread.join()


def tell(folder: Path) -> None:
    receivers = receivers_of(settings(), lambda _: None)
    alert(environment(folder), receivers, lambda _: None, NOON)


@pytest.mark.parametrize("has_it", [False, True])
def test_the_message_is_sent_again_under_the_same_key(
    has_it: bool,  # noqa: FBT001 - a case
    holding: Holding,
    tmp_path: Path,
) -> None:
    holding.keeps = has_it
    write(tmp_path, finding(0.3))
    process = subprocess.Popen(  # noqa: S603 - this module
        [sys.executable, "-m", "tests.monitoring.alerts.test_kills", str(tmp_path)],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": f"{CHECKOUT / 'src'}{os.pathsep}{CHECKOUT}"},
    )
    assert holding.came.wait(DEADLINE)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(DEADLINE)
    holding.go_on.set()
    holding.keeps = True
    tell(tmp_path)
    tell(tmp_path)
    # Once more if it had it, and by the key and the bytes it can tell.
    assert len(holding.posts) == 1 + has_it
    assert len({*holding.posts}) == 1


if __name__ == "__main__":
    tell(Path(sys.argv[1]))
