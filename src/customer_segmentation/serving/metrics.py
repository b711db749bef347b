"""Prometheus metrics and the access log; neither contains personal data."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from functools import cache, partial

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from customer_segmentation.serving.answers import Answer
from customer_segmentation.serving.validation import Problem

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_LOG_SECONDS = 0.2
_encode = msgspec.json.Encoder().encode


class Metrics:
    """The metrics of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        count = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry, multiprocess_mode="mostrecent")
        seconds = Histogram(
            "segmentation_request_seconds",
            "From the request's head to the response's last byte",
            ["route", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        answers = count("segmentation_answers", "Customers answered", ["segment", "model"])
        # Prometheus's own look-up takes a lock.
        self._seconds, self._answers = cache(seconds.labels), cache(answers.labels)
        self._rejections = count("segmentation_rejections", "Wrong fields", ["field", "problem"])
        landed = "Order lines, records and outcomes that were sent and landed"
        self.ingested = count("segmentation_ingested", landed, ["kind"])
        waiting = "segmentation_requests_in_flight", "Requests being answered"
        self.waiting = gauge(*waiting, multiprocess_mode="livesum")
        self.jobs = gauge("segmentation_jobs", "Jobs by state", ["state"])
        self._store_seconds = Histogram(
            "segmentation_feature_store_seconds",
            "Reads of the online store, as a request waits for them",
            buckets=_SECONDS,
            registry=self.registry,
        )
        day = "The day, UTC, of what the online store holds; 0 before it is read"
        self._features = gauge("segmentation_features_as_of_timestamp_seconds", day)
        self._stored = gauge(
            "segmentation_stored_answers_as_of_timestamp_seconds",
            "The newest day, UTC, of the stored answers; 0 where there are none",
        )
        self._dropped = count(
            "segmentation_monitoring_dropped", "Customers who were answered and not counted"
        )
        shadowed = "Customers whom a challenger was tried on, and whether its segment is the same"
        self._shadowed = count("segmentation_shadow_customers", shadowed, ["agrees"])
        in_use = "1 for the artifact in use, 0 for earlier ones"
        self._artifact = gauge("segmentation_artifact", in_use, ["version"])
        self._version = ""

    def served(self, route: str, status: int, seconds: float) -> None:
        """Count a response."""
        self._seconds(route, status).observe(seconds)

    def answered(self, answers: Iterable[Answer]) -> None:
        """Count answered customers."""
        # Most requests have one customer, for whom `collections.Counter` is slower.
        counts: dict[tuple[str, str], int] = {}
        for answer in answers:
            key = answer.segment, answer.model
            counts[key] = counts.get(key, 0) + 1
        self.count(counts)

    def count(self, customers: Mapping[tuple[str, str], int]) -> None:
        """Count answered customers, given their number by segment and model."""
        for key, count in customers.items():
            self._answers(*key).inc(count)

    def rejected(self, problems: Iterable[Problem], known: Iterable[str]) -> None:
        """Count wrong fields; a name that the contract lacks counts as `other`."""
        names = set(known)
        for problem in problems:
            field = problem.path.rsplit(".", 1)[-1]
            self._rejections.labels(field if field in names else "other", problem.problem).inc()

    def read_store(self, seconds: float, asked: int) -> None:  # noqa: ARG002 - for spans
        """Count a read of the online store, for so many customers."""
        self._store_seconds.observe(seconds)

    def used_features(self, as_of: date) -> None:
        """Set the day of the features in use."""
        self._features.set(datetime.combine(as_of, time(), UTC).timestamp())

    def stored_answers(self, as_of: date | None) -> None:
        """Set the newest day of the stored answers."""
        self._stored.set(datetime.combine(as_of, time(), UTC).timestamp() if as_of else 0.0)

    def not_counted(self, customers: int) -> None:
        """Count customers who are missing from what monitoring counts."""
        self._dropped.inc(customers)

    def shadowed(self, same: int, others: int) -> None:
        """Count customers by whether champion and challenger agree."""
        for agrees, customers in (("true", same), ("false", others)):
            self._shadowed.labels(agrees).inc(customers)

    def used(self, version: str) -> None:
        """Set the artifact in use."""
        if self._version:
            self._artifact.labels(self._version).set(0.0)
        self._artifact.labels(version).set(1.0)
        self._version = version

    def text(self) -> bytes:
        """Prometheus's exposition format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        # Of all server processes, from the files that they share.
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class AccessLog:
    """One JSON line per request, written in batches: a write per request would be slow."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def write(self, **fields: object) -> None:
        """Buffer a line, which is written soon."""
        if not self._lines:
            asyncio.get_running_loop().call_later(_LOG_SECONDS, self.flush)
        self._lines.append(_encode({"time": datetime.now(UTC), **fields}))

    def flush(self) -> None:
        """Write the buffered lines."""
        lines, self._lines = self._lines, []
        if lines:
            sys.stdout.write(b"\n".join([*lines, b""]).decode())
            sys.stdout.flush()
