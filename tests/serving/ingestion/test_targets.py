"""Where objects land: a folder, a bucket or a topic, each request once."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from s3fs import S3FileSystem

from customer_segmentation.errors import UserError
from customer_segmentation.serving.ingestion import targets
from customer_segmentation.serving.ingestion.objects import Objects, read_objects
from customer_segmentation.serving.ingestion.targets import (
    FolderTarget,
    OtherBodyError,
    TopicTarget,
    target_of,
)
from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
from customer_segmentation.sources.dataset import SourceDataset
from customer_segmentation.sources.messages.kafka import offsets_of, start_at, take
from customer_segmentation.sources.readers.folder import FolderReader
from customer_segmentation.sources.readers.kafka import KafkaReader
from tests.services.kafka import Kafka
from tests.services.s3 import S3Server
from tools.ports import free_port

CLAIM = "ab" * 32


def an_object(cell: str = "a") -> Objects:
    return Objects((f'{{"ID": "1", "n": "{cell}"}}'.encode(),), ("1",))


def landed(place: str, parts: Path) -> list[str]:
    """The cells that the landing folder's reader gives, in order."""
    held = Parts(str(parts))
    reader = FolderReader(place=place, settled_seconds=0.0, required=["ID"])
    land_arrivals(reader, held)
    return [row["n"] for part in held.all() for row in held.rows(part).to_pylist()]


def test_requests_are_read_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    target = FolderTarget(str(tmp_path / "inbox"))
    receipts = [target.put(an_object(cell), "") for cell in "abab"]
    assert receipts == sorted(receipts)
    assert landed(str(tmp_path / "inbox"), tmp_path / "parts") == [*"abab"]


def test_a_request_that_is_sent_again_lands_once_and_has_the_same_receipt(tmp_path: Path) -> None:
    receipts = {FolderTarget(str(tmp_path / "in")).put(an_object(), CLAIM) for _ in range(3)}
    assert len(receipts) == 1
    assert landed(str(tmp_path / "in"), tmp_path / "parts") == ["a"]


def test_a_key_with_other_objects_is_refused_and_lands_nothing(tmp_path: Path) -> None:
    target = FolderTarget(str(tmp_path / "in"))
    target.put(an_object(), CLAIM)
    with pytest.raises(OtherBodyError):
        target.put(an_object("b"), CLAIM)
    assert landed(str(tmp_path / "in"), tmp_path / "parts") == ["a"]


def test_a_request_that_was_cut_off_between_its_two_files_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, put = FolderTarget(str(tmp_path / "in")), targets.put_new

    def cut_off(files: Any, path: str, content: bytes) -> bool:
        if path.endswith(".jsonl"):
            raise OSError(28, "No space left on device")
        return put(files, path, content)

    with monkeypatch.context() as patched:
        patched.setattr(targets, "put_new", cut_off)
        with pytest.raises(OSError, match="No space"):
            target.put(an_object(), CLAIM)
    assert landed(str(tmp_path / "in"), tmp_path / "parts") == []
    target.put(an_object(), CLAIM)
    assert landed(str(tmp_path / "in"), tmp_path / "parts") == ["a"]


def test_the_same_request_many_times_at_once_lands_once(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def send() -> str:
        target = FolderTarget(str(tmp_path / "in"))
        barrier.wait()
        return target.put(an_object(), CLAIM)

    with ThreadPoolExecutor(8) as threads:
        receipts = {each.result() for each in [threads.submit(send) for _ in range(8)]}
    assert len(receipts) == 1
    assert len([*(tmp_path / "in").glob("2*/*.jsonl")]) == 1


def test_a_bucket_takes_what_a_folder_takes(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    s3_server.make_bucket("sent-events")
    target = FolderTarget("s3://sent-events/in")
    for _ in range(2):
        target.put(an_object("a"), CLAIM)
    with pytest.raises(OtherBodyError):
        target.put(an_object("b"), CLAIM)
    # Within a second of S3's clock: their names hold the order.
    for cell in "bcd":
        target.put(an_object(cell), "")
    assert landed("s3://sent-events/in", tmp_path / "parts") == [*"abcd"]
    S3FileSystem.clear_instance_cache()


def test_a_topic_has_a_message_an_object_by_customer(kafka: Kafka) -> None:
    topic = kafka.topic()
    target = TopicTarget(kafka.bootstrap, topic)
    both = Objects((b'{"ID": 7}', b'{"ID": 8}'), ("7", "8"))
    receipt = target.put(both, CLAIM)
    assert target.put(both, CLAIM) == receipt
    with pytest.raises(OtherBodyError):
        target.put(an_object(), CLAIM)
    # Another process knows nothing of it: the receipt tells that it is a repeat.
    assert TopicTarget(kafka.bootstrap, topic).put(both, CLAIM) == receipt
    consumer = kafka.clients.consumer()
    start_at(consumer, topic, {0: 0})
    found = []
    while len(found) < 4:
        found += take(consumer, 10, 1.0)
    consumer.close()
    assert [(each.key(), each.value()) for each in found] == [
        (b"7", b'{"ID": 7}'),
        (b"8", b'{"ID": 8}'),
    ] * 2
    told = [dict(each.headers() or []) for each in found]
    assert told[0] == told[2] == {"receipt": receipt.encode(), "object": b"0"}
    assert told[1] == {"receipt": receipt.encode(), "object": b"1"}


def test_the_same_request_many_times_at_once_is_sent_to_a_topic_once(kafka: Kafka) -> None:
    topic = kafka.topic()
    target, barrier = TopicTarget(kafka.bootstrap, topic), threading.Barrier(8)

    def send() -> str:
        barrier.wait()
        return target.put(an_object(), CLAIM)

    with ThreadPoolExecutor(8) as threads:
        receipts = {each.result() for each in [threads.submit(send) for _ in range(8)]}
    assert len(receipts) == 1
    consumer = kafka.clients.consumer()
    assert offsets_of(consumer, topic, [0])[0][1] == 1
    consumer.close()


def test_what_a_topic_has_is_landed_by_its_reader_with_the_keys_as_they_are(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic = kafka.topic()
    body = b'[{"ID": 7.0, "at": {"city": "Bonn"}}, {"ID": " 00123 "}, {"ID": 12345678901234567890}]'
    target = TopicTarget(kafka.bootstrap, topic)
    target.put(read_objects(body, "application/json", ["ID"]), "")
    parts = Parts(str(tmp_path / "parts"))
    land_arrivals(KafkaReader(bootstrap=kafka.bootstrap, topic=topic, key="ID"), parts)
    rows = [row for part in parts.all() for row in parts.rows(part).to_pylist()]
    assert [row["ID"] for row in rows] == ["7", " 00123 ", "12345678901234567890"]
    assert rows[0]["at.city"] == "Bonn"


def test_a_broker_that_is_away_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "_KAFKA_SECONDS", 0.5)
    with pytest.raises(UserError, match="did not take 1 of 1 messages"):
        TopicTarget(f"127.0.0.1:{free_port()}", "topic").put(an_object(), "")


def test_lines_that_are_sent_are_the_rows_that_the_same_file_gives(tmp_path: Path) -> None:
    lines = [
        {
            "CustomerID": f"{n % 7:05}",
            "InvoiceNo": f"C{n}",
            "Quantity": str(-n),
            "UnitPrice": "1.10",
        }
        for n in range(40)
    ]
    (tmp_path / "file.csv").write_text(
        "\n".join([",".join(lines[0]), *(",".join(line.values()) for line in lines)]) + "\n"
    )
    target = FolderTarget(str(tmp_path / "in"))
    for start in range(0, 40, 9):
        sent = json.dumps(lines[start : start + 9], indent=1).encode()
        target.put(read_objects(sent, "application/json", ["CustomerID"]), "")
    arrived = ArrivingSource(
        reader={"type": "folder.FolderReader", "place": f"{tmp_path}/in", "settled_seconds": 0},
        parts=f"{tmp_path}/parts",
        landing=f"{tmp_path}/arrived.parquet",
    )
    file = SourceDataset(filepath=f"{tmp_path}/file.csv", engine="polars")
    headers = [*lines[0], "row_number"]
    assert arrived.load().select(headers).collect().equals(file.load().select(headers).collect())


@pytest.mark.parametrize(
    "place", ["kafka://broker:9092", "kafka:broker/topic", "http://example.org/in", "ftp://x/y"]
)
def test_a_place_of_no_use_is_refused_by_its_setting(place: str) -> None:
    with pytest.raises(UserError, match="ingest-events"):
        target_of("ingest-events", place)
