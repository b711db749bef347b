"""How long a run takes, and the cores for one that must end in time."""

from __future__ import annotations

import json
from itertools import pairwise
from math import ceil, log
from pathlib import Path

from customer_segmentation.errors import UserError

_SCALE = Path(__file__).parents[2] / "docs" / "scale.json"
# On which benchmarks/scale.py has measured.
MEASURED_CORES = 2


def run_seconds(customers: int, environment: str = "prod") -> float:
    """Seconds of a whole run on two cores, as measured, between and beyond by powers.

    Between two sizes that were measured, time grows by a power; beyond the last as customers do;
    below the first it is that of the first.
    """
    told = json.loads(_SCALE.read_text("utf-8"))
    points = sorted((r["rows"], r["seconds"]) for r in told if r["environment"] == environment)
    if customers <= points[0][0]:
        return float(points[0][1])
    for (less, fast), (more, slow) in pairwise(points):
        if customers <= more:
            power = log(slow / fast) / log(more / less)
            return float(fast * (customers / less) ** power)
    most, slowest = points[-1]
    return float(slowest * customers / most)


def cores_for(customers: int, minutes: float) -> int:
    """Cores for a whole run of prod's pipelines that ends in time.

    As if the work that two cores were measured at were divided among more, which nobody has
    measured.

    Raises:
        UserError: There is no time.
    """
    if minutes <= 0.0:
        raise UserError(
            "no minute is left for the run once its machines have started: give it more minutes "
            "in `traffic` of deploy/deployment.yml"
        )
    needed = MEASURED_CORES * run_seconds(customers) / (60.0 * minutes)
    return max(MEASURED_CORES, ceil(needed))
