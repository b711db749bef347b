from __future__ import annotations

import signal

import pytest

from customer_segmentation.session import Terminated, _sigterm_raised


def test_sigterm_ends_a_run_and_is_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), _sigterm_raised():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
