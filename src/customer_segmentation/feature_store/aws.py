"""Clients of AWS, and what is said where it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from customer_segmentation.feature_store.online import StoreDownError


@contextmanager
def answering(name: str) -> Iterator[Callable[[], Any]]:
    """What makes a session of botocore, with its own region, credentials and endpoints.

    To make one takes milliseconds; whoever has a client needs none.

    Args:
        name: What is asked, as a message calls it.

    Raises:
        StoreDownError: AWS's client is not installed, or AWS refuses or does not answer.
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - of an extra
        from botocore.session import get_session  # noqa: PLC0415 - as above
    except ImportError as error:
        message = f"{name}: AWS's client is not installed: make staging"
        raise StoreDownError(message) from error
    try:
        yield get_session
    except ClientError as error:
        message = f"{name} refuses ({error})"
        raise StoreDownError(message) from error
    except BotoCoreError as error:
        message = f"{name} does not answer ({error})"
        raise StoreDownError(message) from error
