"""What is asked of Prometheus, in its query language."""

from __future__ import annotations

from customer_segmentation.monitoring.objectives import Errors, Latency

SECONDS = "segmentation_request_seconds"
# They are asked by machines, and answer 503 where that is right.
PROBES = "/healthz|/readyz"
# Below it, a rate is none: a division by it says "longer than anything".
_NONE = 0.001
FEATURES = "segmentation_features_as_of_timestamp_seconds"
STORED = "segmentation_stored_answers_as_of_timestamp_seconds"
WAITING = "segmentation_stream_answers_lag"
TAKEN = "segmentation_stream_answers_events_total"
IN_FLIGHT = "segmentation_requests_in_flight"
DROPPED = "segmentation_monitoring_dropped_total"


def span(minutes: int) -> str:
    """A length of time as PromQL has it: in days or hours where it is whole."""
    for unit, length in (("d", 1_440), ("h", 60)):
        if minutes % length == 0:
            return f"{minutes // length}{unit}"
    return f"{minutes}m"


def answered(one: Latency) -> str:
    """The label matchers of what a promise of latency is about: who failed is another one's."""
    return f'route=~"{"|".join(one.routes)}",status!~"5.."'


def bad(one: Latency | Errors, over: str) -> str:
    """The share of requests that were slower than the bound, or that failed."""
    if isinstance(one, Latency):
        chosen = answered(one)
        fast = f'sum(rate({SECONDS}_bucket{{{chosen},le="{one.seconds}"}}[{over}]))'
        return f"1 - {fast} / sum(rate({SECONDS}_count{{{chosen}}}[{over}]))"
    every = f'route!~"{PROBES}"'
    failed = f'sum(rate({SECONDS}_count{{{every},status=~"5.."}}[{over}]))'
    return f"({failed} or vector(0)) / sum(rate({SECONDS}_count{{{every}}}[{over}]))"


def requests(one: Latency | Errors, over: str) -> str:
    """How many requests there were."""
    chosen = answered(one) if isinstance(one, Latency) else f'route!~"{PROBES}"'
    return f"sum(increase({SECONDS}_count{{{chosen}}}[{over}]))"


def age(metric: str) -> str:
    """Seconds since the beginning of the day of what is oldest; nothing before it is read."""
    return f"time() - min({metric} > 0)"


def behind(over: str) -> str:
    """The seconds that waiting messages take at the rate of the last minutes."""
    return f"sum({WAITING}) / clamp_min(sum(rate({TAKEN}[{over}])), {_NONE})"
