"""The databases that the job table runs on, both real."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.postgresql import PostgreSQL


@pytest.fixture(scope="session")
def postgresql(postgresql_server: PostgreSQL) -> str:
    """Give the URL of a PostgreSQL."""
    return postgresql_server.url().replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.db'}"
    url: str = request.getfixturevalue("postgresql")
    return url
