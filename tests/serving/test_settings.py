"""What a server is told: from the environment, from the command line, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.serving.settings import Settings, as_environment, read_settings

SERVE = [sys.executable, "-m", "customer_segmentation.serving", "serve"]


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENTATION_SERVING_PORT", "9000")
    monkeypatch.setenv("SEGMENTATION_SERVING_MAX_BODY", "5000")
    found = read_settings({"port": "9001", "host": None})
    assert (found.port, found.max_body, found.host) == (9001, 5000, "127.0.0.1")


def test_settings_are_the_same_through_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = Settings(port=1234, keys=tmp_path / "keys.json", jobs=tmp_path, max_jobs=3)
    for name, value in as_environment(first).items():
        monkeypatch.setenv(name, value)
    assert read_settings({}) == first


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])  # noqa: S104 - what is refused
def test_off_loopback_it_refuses_to_start_without_keys(host: str) -> None:
    ended = subprocess.run(  # noqa: S603 - this project's own command
        [*SERVE, "--host", host], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "is not loopback, and there are no API keys" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_gateway_in_front_takes_the_place_of_keys(tmp_path: Path) -> None:
    everywhere = {"host": "0.0.0.0"}  # noqa: S104 - what is asked for
    assert read_settings({**everywhere, "behind_gateway": "true"}).behind_gateway
    with pytest.raises(UserError, match="no API keys"):
        read_settings({**everywhere, "behind_gateway": "false"})
    with pytest.raises(UserError, match="and there are keys: give one"):
        read_settings({**everywhere, "behind_gateway": "true", "keys": tmp_path / "keys.json"})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"port": "many"}, "port"),
        ({"port": "70000"}, "port"),
        ({"max_body": "-1"}, "max_body"),
        ({"workers": "0"}, "workers"),
        ({"device": "tpu"}, "device"),
        ({"body_seconds": "nan"}, "body_seconds"),
    ],
)
def test_a_setting_of_no_use_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(UserError, match=named):
        read_settings(given)


def test_a_bundle_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    ended = subprocess.run(  # noqa: S603 - this project's own command
        [*SERVE, "--bundle", tmp_path / "none"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "segmenter.onnx is not there. Make one with kedro run" in ended.stderr
    assert "Traceback" not in ended.stderr
