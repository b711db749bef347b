"""A real Kafka broker on loopback: one node, from the jars of `make services`."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.ports import free_port
from tools.versitygw import cache_folder

START_SECONDS = 60.0
STOP_SECONDS = 30.0
# With one node there are no copies; short waits, since all of it is one machine.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{port}
inter.broker.listener.name=CLIENTS
listener.security.protocol.map=CLIENTS:{protocol},CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder}/log
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
"""
# Added where clients must give a password.
_GUARDED = """\
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.clients.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required \
username="client" password="{password}" user_client="{password}";
"""
# Small and quick to start rather than fast for days.
_JAVA = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def kafka_jars() -> Path | None:
    """Where `make services` puts the jars, or nothing."""
    folder = cache_folder() / "kafka-4.3.1"
    return folder if folder.is_dir() else None


def java() -> str | None:
    """The Java that starts, or nothing."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home) / "bin" / "java") if home else "java")


@dataclass
class KafkaBroker:
    """A broker, which runs or not; what it holds lies in its folder and outlives it.

    Attributes:
        folder: Where it keeps all.
        port: Of loopback, for clients.
        controller: Of loopback, for itself.
        process: By whose id it is stopped; None while it does not run.
        password: Which clients must give, as the user `client`, if any.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    controller: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    password: str = field(default="", repr=False)

    @property
    def bootstrap(self) -> str:
        """Its address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it wrote to stdout and stderr."""
        return self.folder / "broker.log"

    def start(self) -> None:
        """Start it, on what it held before, and wait until it answers.

        Raises:
            RuntimeError: There is no Java or no jars, or it ends; with its last lines.
        """
        properties = self.folder / "server.properties"
        properties.write_text(self._properties())
        if not (self.folder / "log" / "meta.properties").exists():
            # The cluster's name, 16 bytes, must not begin with a dash, as an option does.
            cluster = urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")
            format_log = ("format", "-t", cluster, "-c", str(properties), "--ignore-formatted")
            subprocess.run(  # noqa: S603 - the jars that `make services` copied
                _command("kafka.tools.StorageTool", *format_log), check=True, capture_output=True
            )
        with self.log.open("ab") as log:
            # In a session of its own: who presses Ctrl-C stops its clients first.
            self.process = subprocess.Popen(  # noqa: S603 - as above
                _command("kafka.Kafka", str(properties)),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while not _answers(self.port):
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"Kafka does not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order; it can be started again."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a lost machine would; it can be started again."""
        self._end(signal.SIGKILL)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It keeps its connections, and answers nobody."""
        if self.process is None:
            raise RuntimeError("the broker does not run")
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _properties(self) -> str:
        told = _PROPERTIES.format(
            port=self.port,
            controller=self.controller,
            folder=self.folder,
            protocol="SASL_PLAINTEXT" if self.password else "PLAINTEXT",
        )
        return told + (_GUARDED.format(password=self.password) if self.password else "")

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serve_kafka(folder: Path | None = None, password: str = "") -> Iterator[KafkaBroker]:
    """Give a broker that runs, for the length of a `with` block.

    Args:
        folder: Where it keeps what it holds; without one, in a temporary folder.
        password: As of `KafkaBroker`.
    """
    made = folder or Path(tempfile.mkdtemp(prefix="kafka-"))
    broker = KafkaBroker(made, password=password)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
        if folder is None:
            shutil.rmtree(made)


def _command(main: str, *arguments: str) -> list[str]:
    jars, binary = kafka_jars(), java()
    if jars is None or binary is None:
        raise RuntimeError("Kafka needs Java 17 and its jars: make services")
    return [binary, *_JAVA, "-cp", f"{jars}/*", main, *arguments]


def _answers(port: int) -> bool:
    """Whether it gives the versions that it speaks: it accepts connections before that."""
    # Length, key 18, version 0, correlation id 1, a client id of nothing.
    asked = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as client:
            client.sendall(asked)
            return client.recv(8)[4:] == b"\0\0\0\1"
    except OSError:
        return False
