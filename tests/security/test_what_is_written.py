"""No value of a customer in any log line, and no file that others may read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from customer_segmentation.serving.keys import add_key
from tests.security.raw import asked, request
from tests.serving.process import serving

UPGRADE = b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"


def test_a_websocket_leaves_no_path_in_the_log(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, tmp_path, "--job-workers", "0") as server:
        for path in ("/v1/customers/SECRET-1", "/SECRET-2"):
            plain = request("GET", path).replace(b"Connection: close\r\n", UPGRADE, 1)
            asked(server, plain.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Key: eA==\r\n\r\n"))
        asked(server, b"GET /SECRET-3\x00 HTTP/1.1\r\n\r\n")
        asked(server, b"CONNECT SECRET-4:1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        asked(server, request("GET", "/v1/customers/SECRET-5%ff%00", host="SECRET-6"))
        assert httpx.get(f"{server.url}/healthz").status_code == 200
    text = server.stderr()
    assert "SECRET" not in text
    assert "Traceback" not in text


@pytest.mark.parametrize("table", [{"customer_id": ["1"]}, {"customer_id": [1]}, None])
def test_a_damaged_table_of_answers_leaves_no_id_in_the_log(
    bundle: Path, tmp_path: Path, table: dict[str, Any] | None
) -> None:
    path = tmp_path / "answers.parquet"
    path.write_bytes(b"damaged")
    if table:
        pl.DataFrame(table).write_parquet(path)
    with serving(bundle, tmp_path, "--job-workers", "0", "--segments", path) as server:
        assert httpx.get(f"{server.url}/v1/customers/SECRET-7").status_code == 500
    text = server.stderr()
    assert "SECRET" not in text
    assert f"{path}: the stored answers cannot be read" in text


def test_keys_that_others_may_read_are_told_at_the_start(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    add_key(path, "shop", ("score",))
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with serving(bundle, tmp_path, "--keys", path, "--job-workers", "0") as server:
        pass
    assert f"{path} can be read by other users of this machine: chmod 600 it" in server.stderr()
