"""A real Cassandra of one node on free ports of loopback, whose tables go with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.ports import free_port
from tools.versitygw import cache_folder

HERE = Path(__file__).parent
VERSION = "5.0.4"
START_SECONDS = 120.0
# Made by the server itself.
USER = PASSWORD = "cassandra"  # noqa: S105 - no secret: it ends with the tests
# What Cassandra opens of Java 17.
_OPENED = (
    *("java.base/java.io", "java.base/java.lang", "java.base/java.lang.module"),
    *("java.base/java.lang.reflect", "java.base/java.math", "java.base/java.net"),
    *("java.base/java.nio", "java.base/java.nio.charset", "java.base/java.nio.file.spi"),
    *("java.base/java.util", "java.base/java.util.concurrent", "java.base/sun.nio.ch"),
    *("java.base/java.util.concurrent.atomic", "java.base/java.util.concurrent.locks"),
    *("java.base/jdk.internal.loader", "java.base/jdk.internal.math", "java.rmi/sun.rmi.registry"),
    *("java.base/jdk.internal.misc", "java.base/jdk.internal.module", "java.rmi/sun.rmi.server"),
    *("java.base/jdk.internal.ref", "java.base/jdk.internal.reflect", "java.sql/java.sql"),
    *("java.base/jdk.internal.util.jar", "jdk.management/com.sun.management.internal"),
    *("java.management.rmi/com.sun.jmx.remote.internal.rmi", "java.rmi/sun.rmi.transport.tcp"),
)


@dataclass(frozen=True)
class CassandraServer:
    """A Cassandra that runs, and a session of its superuser."""

    port: int
    session: Any

    def keyspace(self, name: str) -> None:
        """Make a keyspace without replicas."""
        self.session.execute(
            f"CREATE KEYSPACE IF NOT EXISTS {name} WITH replication = "
            "{'class': 'SimpleStrategy', 'replication_factor': 1} AND durable_writes = false"
        )


@contextmanager
def serve_cassandra() -> Iterator[CassandraServer]:
    """Give a Cassandra of one's own, for the length of a `with` block."""
    jars = cache_folder() / f"cassandra-{VERSION}"
    if not jars.is_dir() or not shutil.which("java"):
        pytest.skip("Cassandra is not there, which needs Java 17 and Maven: make services")
    folder = Path(tempfile.mkdtemp(prefix="cassandra-"))
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - the tests' own command
            _command(jars, folder, port),
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ},
        )
    try:
        cluster, session = _connected(process, port, folder)
        try:
            yield CassandraServer(port, session)
        finally:
            cluster.shutdown()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cassandra_server() -> Iterator[CassandraServer]:
    """Start one Cassandra for all tests: a test takes a table of its own in it."""
    with serve_cassandra() as server:
        yield server


def _command(jars: Path, folder: Path, port: int) -> list[str]:
    settings = yaml.safe_load((HERE / "cassandra.yaml").read_text())
    settings |= {"native_transport_port": port, "storage_port": (own := free_port())}
    settings["seed_provider"] = [
        {
            "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
            "parameters": [{"seeds": f"127.0.0.1:{own}"}],
        }
    ]
    settings["data_file_directories"] = [str(folder / "data")]
    for name in ("commitlog", "saved_caches", "hints", "cdc_raw"):
        settings[f"{name}_directory"] = str(folder / name)
    (folder / "cassandra.yaml").write_text(yaml.safe_dump(settings))
    (folder / "logback.xml").write_text((HERE / "logback.xml").read_text())
    access = [f"--add-{how}={name}=ALL-UNNAMED" for name in _OPENED for how in ("exports", "opens")]
    properties = {
        "cassandra.config": (folder / "cassandra.yaml").as_uri(),
        "cassandra.storagedir": folder,
        "cassandra.superuser_setup_delay_ms": 0,
        # One node has nobody to wait for.
        "cassandra.skip_wait_for_gossip_to_settle": 0,
        "cassandra.ring_delay_ms": 100,
        "cassandra.jmx.local.port": free_port(),
        "java.net.preferIPv4Stack": "true",
        "jdk.attach.allowAttachSelf": "true",
        "logback.configurationFile": folder / "logback.xml",
    }
    return [
        *("java", "-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        f"-javaagent:{next(jars.glob('jamm-*.jar'))}",
        *access,
        *(f"-D{name}={value}" for name, value in properties.items()),
        *("-cp", f"{folder}:{jars}/*", "org.apache.cassandra.service.CassandraDaemon"),
    ]


def _connected(process: subprocess.Popen[bytes], port: int, folder: Path) -> tuple[Any, Any]:
    from cassandra import DriverException  # noqa: PLC0415 - where it is tested
    from cassandra.auth import PlainTextAuthProvider  # noqa: PLC0415
    from cassandra.cluster import Cluster, NoHostAvailable  # noqa: PLC0415

    until = time.monotonic() + START_SECONDS
    while True:
        cluster = Cluster(
            ["127.0.0.1"], port=port, auth_provider=PlainTextAuthProvider(USER, PASSWORD)
        )
        try:
            return cluster, cluster.connect()
        except (NoHostAvailable, DriverException) as error:
            cluster.shutdown()
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((folder / "log").read_text()[-4000:]) from error
            time.sleep(0.3)
