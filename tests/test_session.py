from __future__ import annotations

import os
import signal

import pytest

from customer_segmentation.session import Stopped, _signals_ignored, _signals_raised

STOPS = [signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_ends_a_run_and_is_as_before_afterwards(number: signal.Signals) -> None:
    # Also where the tests themselves are run by `nohup`.
    former = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(Stopped) as stopped, _signals_raised():
            signal.raise_signal(number)
        assert stopped.value.number == number
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, former)


def test_a_run_that_is_to_outlive_its_terminal_does() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _signals_raised():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, *STOPS])
def test_a_second_signal_does_not_interrupt_putting_things_in_order(number: int) -> None:
    with _signals_ignored():
        os.kill(os.getpid(), number)
