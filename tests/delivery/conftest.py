"""A receiver and a log of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_segmentation.delivery import posting
from customer_segmentation.delivery.receivers import TOKEN, WAIT
from tests.services.receiver import FaultyReceiver, serve_receiver


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[FaultyReceiver]:
    with serve_receiver(tmp_path / "received") as server:
        yield server


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "_FIRST_PAUSE", 0.01)
    monkeypatch.setenv(WAIT, "5")
    monkeypatch.delenv(TOKEN, raising=False)
