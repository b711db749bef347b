"""Lands a topic in small pieces: a process for tests to kill."""

from __future__ import annotations

import sys

from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
from customer_segmentation.sources.readers import kafka

if __name__ == "__main__":
    bootstrap, topic, dead, place, rows = sys.argv[1:]
    kafka.MAX_ROWS = int(rows)
    reader = kafka.KafkaReader(bootstrap=bootstrap, topic=topic, key="ID", dead_letters=dead)
    land_arrivals(reader, Parts(place))
