"""What a server process holds, and the commands that the README prints."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl

from tests.serving.process import serving

CHECKOUT = Path(__file__).parents[2]
UNNEEDED = (
    *("kedro", "mlflow", "pandas", "sklearn", "scipy", "matplotlib", "ndonnx", "spox", "pyspark"),
    # Only of jobs and stored answers.
    *("polars", "pyarrow"),
    # Only of a feature store of that kind.
    *("feast", "redis", "botocore"),
    # Only where what is sent goes to Kafka.
    "confluent_kafka",
    # Only where traces are asked for.
    *("opentelemetry.sdk", "opentelemetry.exporter"),
)


def test_a_server_imports_nothing_that_it_does_not_need(bundle: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from customer_segmentation.serving.app import create; create();"
        f"print([name for name in {UNNEEDED} if name in sys.modules])"
    )
    settings = {"BUNDLE": bundle, "JOBS": tmp_path / "jobs"}
    environment = {f"SEGMENTATION_SERVING_{name}": str(value) for name, value in settings.items()}
    said = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert said.stdout.strip() == "[]"


def curl_lines() -> list[list[str]]:
    """The commands of the README that ask the server, without those of other sections."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    return [
        shlex.split(line) for line in re.findall(r"^curl .*localhost:8000.*$", text, re.MULTILINE)
    ]


def test_the_readmes_commands_are_answered(bundle: Path, tmp_path: Path) -> None:
    stored = tmp_path / "segments.parquet"
    day = [date(2014, 6, 30)]
    row = {"customer_id": ["9365"], "as_of": day, "segment": ["s0"], "segment_id": [0]}
    pl.DataFrame(row).write_parquet(stored)
    lines = curl_lines()
    assert len(lines) >= 4
    with serving(bundle, tmp_path, "--segments", stored) as server:
        for line in lines:
            command = [word.replace("localhost:8000", server.url) for word in line]
            said = subprocess.run(  # noqa: S603 - the README's own
                [*command, "--fail-with-body"],
                cwd=CHECKOUT,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert said.returncode == 0, (line, said.stdout)
            assert said.stdout.strip()


def test_it_tells_where_it_listens_and_what_stands_in_its_way(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, tmp_path, "--job-workers", "0") as server:
        assert f"running on {server.url}" in server.stderr()
        port = server.url.rpartition(":")[2]
        second = [sys.executable, "-m", "customer_segmentation.serving", "serve"]
        ended = subprocess.run(  # noqa: S603 - this interpreter
            [*second, "--bundle", bundle, "--job-workers", "0", "--port", port],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ended.returncode != 0
    assert "address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr
