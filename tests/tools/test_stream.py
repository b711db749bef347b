"""`make stream` for real: broker, order lines, stream and page, and that nothing is left of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from customer_segmentation.errors import UserError
from tests.serving.page.conftest import CHROMIUM
from tests.streaming.home import champion
from tests.streaming.home import shop as shop_schema
from tools.kafka_broker import java, kafka_jars
from tools.stage import Stage, staged
from tools.stream import make_project, shop

pytestmark = pytest.mark.skipif(
    java() is None or kafka_jars() is None, reason="Kafka needs Java 17 and its jars: make services"
)
CHECKOUT = Path(__file__).parents[2]
SECONDS = 240.0
MILLISECONDS = 60_000


@dataclass(frozen=True)
class Played:
    """The tool as a process of its own."""

    process: subprocess.Popen[str]
    place: Path

    def line(self, wanted: str) -> str:
        """What it says, up to a line with this in it."""
        said = []
        assert self.process.stdout
        for line in self.process.stdout:
            said.append(line)
            if wanted in line:
                return line
        pytest.fail(f"it ended (exit code {self.process.wait()}) after:\n{''.join(said)}")

    def left(self) -> list[str]:
        """The processes that have its folder in their command or as their working directory."""
        found = []
        for each in Path("/proc").glob("[0-9]*"):
            try:
                command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                folder = (each / "cwd").readlink()
            except OSError:
                continue
            if str(self.place) in command or folder.is_relative_to(self.place):
                found.append(f"{each.name} {command}")
        return found


@contextmanager
def played(place: Path) -> Iterator[Played]:
    command = [sys.executable, "-m", "tools.stream", "--place", str(place)]
    environment = {**os.environ, "PYTHONPATH": f"{CHECKOUT / 'src'}:{CHECKOUT}"}
    with subprocess.Popen(  # noqa: S603 - the tests' own command
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=CHECKOUT,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            yield Played(process, place)
        finally:
            if process.poll() is None:
                process.terminate()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a champion: learning one as the tool does takes a whole run."""
    folder = tmp_path_factory.mktemp("shop")
    make_project(folder / "trained", shop()[0])
    (folder / "trained" / "data").mkdir()
    champion(shop_schema(), folder / "trained" / "data")
    return folder


def until_nothing_is_left(tool: Played) -> None:
    until = time.monotonic() + 60.0
    while tool.left() and time.monotonic() < until:
        time.sleep(0.1)
    assert tool.left() == []


def test_customers_are_seen_to_move_and_nothing_is_left_of_it(place: Path) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there, a browser of the system: make services")
    with played(place) as tool:
        address = re.search(r"http://\S+/#live", tool.line("#live"))
        assert address
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
            page = browser.new_page()
            page.goto(address[0])
            movers = page.locator("#live-movers tr")
            expect(movers).to_have_count(8, timeout=MILLISECONDS)
            moved = page.locator("#live-state")
            expect(moved).to_contain_text("had moved since", timeout=MILLISECONDS)
            customer = movers.first.locator("th").inner_text()
            browser.close()
        base = address[0].removesuffix("/#live")
        # A move is written just before the answer.
        until = time.monotonic() + 30.0
        while (told := httpx.get(f"{base}/v1/customers/{customer}")).status_code != httpx.codes.OK:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert told.json()["customer_id"] == customer
        assert len(tool.left()) > 4
        tool.process.send_signal(signal.SIGINT)
        assert tool.line("stopped")
        assert tool.process.wait(60.0) == 0
    assert tool.left() == []


@pytest.mark.faults
@pytest.mark.parametrize("name", ["kafka.Kafka", "--only=answers", "serving serve"])
def test_what_ends_is_named_and_the_others_are_stopped(place: Path, name: str) -> None:
    with played(place) as tool:
        tool.line("#live")
        (one,) = [each for each in tool.left() if name in each]
        os.kill(int(one.split()[0]), signal.SIGKILL)
        said = tool.line("ended (exit code")
        assert said.startswith("stream: the ")
        assert tool.process.wait(60.0) == 1
    until_nothing_is_left(tool)


@pytest.mark.faults
def test_the_segments_are_learned_once(tmp_path: Path) -> None:
    with played(tmp_path) as tool:
        tool.line("learning segments")
        tool.line("#live")
        tool.process.terminate()
        assert tool.process.wait(60.0) == 0
    with played(tmp_path) as tool:
        assert "are answered" in tool.line("stream: ")
        tool.process.terminate()
        assert tool.process.wait(60.0) == 0


@pytest.mark.faults
def test_nothing_is_left_where_the_tool_itself_is_killed(place: Path) -> None:
    with played(place) as tool:
        tool.line("#live")
        tool.process.kill()
        tool.process.wait()
    until_nothing_is_left(tool)


def test_a_stage_names_what_ended_with_its_last_lines(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        other = stage.start("other", ["sleep", "60"], {})
        stage.start("the one", ["sh", "-c", "echo no disk; exit 3"], {})
        with pytest.raises(UserError, match=r"the one ended \(exit code 3\):\n  no disk"):
            stage.wait(lambda: False, "waiting")
    assert other.returncode == -signal.SIGTERM


def test_what_a_stage_has_started_ends_with_it_also_where_it_is_killed(tmp_path: Path) -> None:
    """As after a kill -9 of its process: the pipe to who watches ends, and nothing else is done."""
    stage = Stage(tmp_path)
    processes = [stage.start(f"number {number}", ["sleep", "60"], {}) for number in range(2)]
    assert stage._watch.stdin
    stage._watch.stdin.close()
    assert [process.wait(30.0) for process in processes] == [-signal.SIGTERM] * 2
    assert stage._watch.wait(30.0) == 0


def test_a_stage_stops_what_its_processes_have_started(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.start("parent", ["sh", "-c", "sleep 60 & echo $! > child; wait"], {})
        stage.wait((tmp_path / "child").exists, "starting")
        time.sleep(0.2)
    child = Path("/proc", (tmp_path / "child").read_text().strip())
    until = time.monotonic() + 60.0
    while child.exists() and (child / "stat").read_text().split()[2] != "Z":
        assert time.monotonic() < until
        time.sleep(0.05)


def test_without_java_it_says_so_in_a_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.stream", "--place", str(tmp_path)]
    environment = {**os.environ, "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)}
    environment["PYTHONPATH"] = f"{CHECKOUT / 'src'}:{CHECKOUT}"
    ended = subprocess.run(  # noqa: S603 - as above
        command, capture_output=True, text=True, check=False, cwd=CHECKOUT, env=environment
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("stream: Kafka's broker needs Java 17")
    assert [*tmp_path.iterdir()] == []
