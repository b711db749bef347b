"""Real S3 servers on this machine: moto's, and versitygw over a folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.rehearsal import S3Server, serve_moto
from tools.versitygw import add_user, serve_versitygw, versitygw_binary

__all__ = [
    "S3Server",
    "add_user",
    "moto_server",
    "s3_server",
    "serve_versitygw",
    "versitygw_binary",
    "versitygw_server",
]


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3Server]:
    """Start moto's S3 server: it is there wherever the tests are."""
    with serve_moto() as server:
        yield server


@pytest.fixture(scope="session")
def versitygw_server() -> Iterator[S3Server]:
    """Start versitygw, which also checks who may do what."""
    binary = versitygw_binary()
    if binary is None:
        pytest.skip("versitygw is not built, which needs Go: make services")
    with serve_versitygw(binary) as server:
        yield server


@pytest.fixture(scope="session", params=["moto_server", "versitygw_server"], ids=["moto", "vgw"])
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Each S3 server in turn."""
    server: S3Server = request.getfixturevalue(request.param)
    return server
