"""CloudWatch's metrics within the line of the log that each request has: the embedded format.

CloudWatch makes metrics of a line that has `_aws` (Amazon, Embedded metric format specification);
nobody waits for it, and without a namespace there are none.
"""

from __future__ import annotations

import os
from time import time
from typing import Any

NAMESPACE, SLOW = "SEGMENTATION_METRICS_NAMESPACE", "SEGMENTATION_SLOW_SECONDS"
_FAILED = 500
_DIMENSION = "function"
# Name -> unit. A request is answered unless the function failed; a slow one is answered.
UNITS = {
    "Requests": "Count",
    "Failed": "Count",
    "Answered": "Count",
    "Slow": "Count",
    "Customers": "Count",
    "Seconds": "Seconds",
}


def embedded(function: str, status: int, seconds: float, customers: int) -> dict[str, Any]:
    """What is added to the line of a request; nothing where no namespace is set.

    Args:
        function: Whose, as a dimension: nothing personal.
        status: HTTP's.
        seconds: That the answer took.
        customers: Answered, or objects taken.
    """
    namespace = os.environ.get(NAMESPACE, "")
    if not namespace:
        return {}
    is_answered = status < _FAILED
    is_slow = is_answered and seconds > float(os.environ.get(SLOW) or "inf")
    values = (1, int(not is_answered), int(is_answered), int(is_slow), customers, seconds)
    told = {
        "Namespace": namespace,
        "Dimensions": [[_DIMENSION]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in UNITS.items()],
    }
    return {
        "_aws": {"Timestamp": round(time() * 1_000), "CloudWatchMetrics": [told]},
        _DIMENSION: function,
        **dict(zip(UNITS, values, strict=True)),
    }
