"""Processes that run together: started one after the other, stopped together, none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from customer_segmentation.errors import UserError

TICK = 0.1
_START_SECONDS, _STOP_SECONDS = 180.0, 30.0
_LAST_LINES = 15
# Ends what is named to it, by process group, when the pipe to it ends: also after a kill -9.
_WATCH = 'while read -r one; do all="$all -$one"; done; [ -z "$all" ] || kill -TERM $all'


@dataclass
class Stage:
    """Everything that runs, started one after the other and stopped in the other order.

    Args:
        root: The folder that they run in, and that has what they write.
    """

    root: Path

    def __post_init__(self) -> None:
        """Nothing runs yet but who watches."""
        self._running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}
        self._watch = subprocess.Popen(  # noqa: S603 - the line above
            ["/bin/sh", "-c", _WATCH], stdin=subprocess.PIPE, start_new_session=True
        )

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a command in the project's folder; what it writes goes to a file there."""
        log = self.root / f"{name.rpartition(' ')[2]}.log"
        with log.open("wb") as written:
            process = subprocess.Popen(  # noqa: S603 - this project's own commands
                [*command],
                cwd=self.root,
                env={**os.environ, **environment},
                stdout=written,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for this process alone, which stops the others in order.
                start_new_session=True,
            )
        self.watch(name, process, log)
        return process

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a command to its end.

        Raises:
            UserError: It fails; with its last lines.
        """
        process = self.start(name, command, environment)
        while process.poll() is None:
            time.sleep(TICK)
        if process.returncode:
            self.require_all()

    def watch(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        """Have a process end with this one, whatever ends it."""
        self._running[name] = process, log
        assert self._watch.stdin  # noqa: S101 - for mypy: it is a pipe
        self._watch.stdin.write(f"{process.pid}\n".encode())
        self._watch.stdin.flush()

    def require_all(self) -> None:
        """Refuse to go on without one of them.

        Raises:
            UserError: One has ended; with its last lines.
        """
        for name, (process, log) in self._running.items():
            if process.poll() is not None:
                lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
                told = "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])
                raise UserError(f"{name} ended (exit code {process.returncode}):\n{told}")

    def wait(self, is_done: Callable[[], bool], what: str) -> None:
        """Wait for something, while all of them run.

        Raises:
            UserError: One has ended, or it takes too long.
        """
        until = time.monotonic() + _START_SECONDS
        while not is_done():
            self.require_all()
            if time.monotonic() > until:
                raise UserError(
                    f"{what} takes longer than {_START_SECONDS:.0f} s: see {self.root}/*.log"
                )
            time.sleep(TICK)

    def stop(self) -> None:
        """Stop them all, what was started last first."""
        for process, _ in reversed(self._running.values()):
            _stop(process)
        # Before the pipe ends: nothing is left for it to end.
        self._watch.kill()
        self._watch.communicate()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    # It, and what it started and has not ended.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def staged(root: Path) -> Iterator[Stage]:
    """A stage for the length of a `with` block."""
    stage = Stage(root)
    try:
        yield stage
    finally:
        # A second Ctrl-C while all is stopped would leave something running.
        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, signal.SIG_IGN) for number in signals]
        stage.stop()
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
