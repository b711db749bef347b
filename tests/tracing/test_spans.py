"""Spans are sent beside the work, at its end, too."""

from __future__ import annotations

from threading import Event

import pytest

from customer_segmentation.tracing import spans
from customer_segmentation.tracing.spans import Tracing

SECONDS = 60.0


def test_the_end_waits_for_a_collector_no_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracing = Tracing("http://127.0.0.1:9", "tried")
    may_end, ended = Event(), Event()

    def hangs() -> None:
        may_end.wait(SECONDS)
        ended.set()

    shutdown = tracing._provider.shutdown
    monkeypatch.setattr(tracing._provider, "shutdown", hangs)
    monkeypatch.setattr(spans, "_END_SECONDS", 0.01)
    tracing.end()
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(SECONDS)
    shutdown()
