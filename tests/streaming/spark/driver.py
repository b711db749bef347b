"""A driver of its own, for tests that kill it: takes in what the topic holds, then ends."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from kedro.config import OmegaConfigLoader

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.settings import setting
from customer_segmentation.spark import for_streams, prepare_session
from customer_segmentation.streaming.spark.runner import SparkStream, run_spark
from tests.streaming.home import CONFIGURATION, stream_of
from tests.streaming.spark.shop import layers


def stream_in(folder: Path, bootstrap: str, models: str, name: str) -> SparkStream:
    """Of small batches, in a folder."""
    stream = stream_of(bootstrap, folder, BundleStore(models, "dev"), name)
    stream = replace(stream, tables=str(folder), catalog=layers(folder))
    return SparkStream(stream, events_a_batch=200)


def main() -> None:
    """Run it."""
    folder, bootstrap, models, name = sys.argv[1:]
    loader = OmegaConfigLoader(
        str(CONFIGURATION),
        base_env="base",
        default_run_env="prod",
        config_patterns={"spark": ["spark*"]},
        custom_resolvers={"setting": setting},
    )
    quiet = {
        "spark.master": "local[2]",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.ui.showConsoleProgress": False,
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
    }
    prepare_session(for_streams(loader["spark"] | quiet))
    from pyspark.sql import SparkSession  # noqa: PLC0415 - after its settings

    spark = SparkSession.builder.getOrCreate()
    Path(folder, "ready").touch()
    run_spark(stream_in(Path(folder), bootstrap, models, name), spark, once=True)


if __name__ == "__main__":
    main()
