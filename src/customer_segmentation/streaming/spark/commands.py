"""`kedro stream run` with a runner of Spark: the session, and the end on a signal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from customer_segmentation.run_lock import run_lock
from customer_segmentation.spark import for_streams, prepare_session, require_java
from customer_segmentation.streaming.commands import make_topics_of
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.spark.realtime import started
from customer_segmentation.streaming.spark.runner import Champion, SparkStream, run_spark, wait

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Runner = Literal["spark", "spark-realtime"]


def run(
    stream: Stream,
    settings: Mapping[str, Any],
    runner: Runner,
    say: Callable[[str], None],
    *,
    once: bool = False,
) -> None:
    """Run an environment's stream by Spark, until a signal.

    Args:
        stream: The environment's.
        settings: Of the Spark session, if there is none yet.
        runner: `spark` keeps tables up to date, `spark-realtime` answers records in a topic.
        say: Takes lines for people.
        once: With `spark`, whether to end when what is there now is in the tables.

    Raises:
        UserError: It cannot go on.
    """
    signal.signal(signal.SIGTERM, _stop)
    of = SparkStream(stream)
    make_topics_of(stream)
    spark = _session(settings)
    say(f"{runner}: reading {stream.settings.topics.events} of {stream.settings.bootstrap}")
    if runner == "spark":
        run_spark(of, spark, once=once)
        return
    with run_lock(f"{of.local_record}-realtime", "kedro stream run --runner=spark-realtime"):
        wait(started(of, spark, Champion(stream)()))


def _session(settings: Mapping[str, Any]) -> SparkSession:
    require_java()
    prepare_session(for_streams(settings))
    from pyspark.sql import SparkSession  # noqa: PLC0415 - after its settings

    return SparkSession.builder.getOrCreate()


def _stop(*_: object) -> None:
    raise KeyboardInterrupt
