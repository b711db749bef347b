"""What comes through Kafka is what the file says."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import pytest

from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.dataset import SourceDataset
from customer_segmentation.sources.messages.kafka import Outgoing

FOLDER = "SEGMENTATION_REAL_FOLDER"
SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "customers.csv"
WHOLE = re.compile(r"0|[1-9]\d{0,15}")


def as_sent(cell):
    """As a producer of a typed table would: numbers as numbers, nothing as null."""
    return int(cell) if WHOLE.fullmatch(cell) else cell or None


def through_kafka(kafka, topic, file, key, tmp_path):
    """What a file's rows come to by way of a topic, what the file comes to, and its headers."""
    with file.open(newline="", encoding="utf-8") as text:
        rows = [*csv.DictReader(text, delimiter="\t" if key else ",")]
    kafka.send(
        topic,
        [
            Outgoing(
                row[key].encode() if key else None,
                json.dumps({name: as_sent(cell) for name, cell in row.items()}).encode(),
            )
            for row in rows
        ],
    )
    # Without a key of its own: the sample has customers twice, of which the batch knows.
    arriving = ArrivingSource(
        reader={
            "type": "kafka.KafkaReader",
            "bootstrap": kafka.bootstrap,
            "topic": topic,
            "key": key,
        },
        parts=str(tmp_path / "parts"),
        landing=str(tmp_path / "arrived.parquet"),
    )
    filed = SourceDataset(
        filepath=str(file), landing=str(tmp_path / "filed.parquet"), engine="polars"
    )
    return arriving.load().collect(), filed.load().collect(), [*rows[0]]


def test_the_samples_customers_come_out_as_the_file_has_them(kafka, tmp_path):
    arrived, filed, headers = through_kafka(kafka, kafka.topic(3), SAMPLE, "ID", tmp_path)
    assert len(filed) > 2_000
    assert arrived.select(headers).sort(headers).equals(filed.select(headers).sort(headers))


def test_the_order_lines_of_a_shop_come_out_as_the_file_has_them(kafka, tmp_path):
    if FOLDER not in os.environ:
        pytest.skip(f"set {FOLDER} to a folder with online_retail_sample.csv (UCI, Online Retail)")
    file = Path(os.environ[FOLDER]) / "online_retail_sample.csv"
    arrived, filed, headers = through_kafka(kafka, kafka.topic(), file, "", tmp_path)
    assert len(filed) == 30_000
    # One partition: the order of the file, too.
    assert arrived.select(headers).equals(filed.select(headers))
