"""The header `Idempotency-Key`, by which a request that is sent again is known."""

from __future__ import annotations

from customer_segmentation.serving.problems import CLOSE, RefusedError

HEADER = "idempotency-key"
LONGEST_IDEMPOTENCY_KEY = 255


def require_idempotency_key(given: str) -> None:
    """Refuse a key that is empty or too long.

    Raises:
        RefusedError: It is.
    """
    if not 0 < len(given) <= LONGEST_IDEMPOTENCY_KEY:
        detail = f"Idempotency-Key has 1 to {LONGEST_IDEMPOTENCY_KEY} characters"
        raise RefusedError(400, detail, headers=CLOSE)
