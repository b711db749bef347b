"""A value that takes long to make, asked for by many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event

import pytest

from customer_segmentation.serving import paced
from customer_segmentation.serving.paced import Paced


def test_who_asks_while_it_is_made_again_has_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paced, "_REST", 0.0)
    numbers, begun, may_end = count(), Event(), Event()
    may_end.set()

    def make() -> int:
        begun.set()
        assert may_end.wait(10)
        return next(numbers)

    value = Paced(make)
    assert value() == 0
    begun.clear()
    may_end.clear()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(value)
        assert begun.wait(10)
        assert [value() for _ in range(3)] == [0, 0, 0]
        may_end.set()
        assert slow.result() == 1
    assert value() == 2


def test_a_value_that_cannot_be_made_is_tried_again() -> None:
    answers = iter([OSError("away"), 7])

    def make() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    value = Paced(make)
    with pytest.raises(OSError, match="away"):
        value()
    assert value() == 7
