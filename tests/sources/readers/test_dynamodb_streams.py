"""The shards of a stream: parents first, each from its own place, and nothing forgotten in silence.

moto's stream has one shard that never ends; these are a stream's answers as its documentation has
them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.sources.readers.documents import Flattening
from customer_segmentation.sources.readers.dynamodb_streams import Changes

PAGE = 2


class Errors:
    class TrimmedDataAccessException(Exception): ...  # noqa: N818 - AWS's names

    class ResourceNotFoundException(Exception): ...  # noqa: N818

    class ExpiredIteratorException(Exception): ...  # noqa: N818


class Stream:
    """Shards with numbered records, some of which have ended."""

    exceptions = Errors

    def __init__(self, **shards: tuple[str | None, list[int], bool]) -> None:
        self.shards = shards
        self.trimmed: dict[str, int] = {}
        self.expires: set[str] = set()
        self.empty_pages = 0

    def describe_stream(self, StreamArn: str, ExclusiveStartShardId: str = "") -> Any:  # noqa: N803
        assert StreamArn == "arn"
        # A page a shard; children first, since no order is promised.
        names = sorted(self.shards, reverse=True)
        place = names.index(ExclusiveStartShardId) + 1 if ExclusiveStartShardId else 0
        parent, numbers, has_ended = self.shards[names[place]]
        spans = {"StartingSequenceNumber": "0"}
        if has_ended:
            spans["EndingSequenceNumber"] = str(max(numbers, default=0))
        shard = {"ShardId": names[place], "SequenceNumberRange": spans}
        if parent:
            shard["ParentShardId"] = parent
        told: dict[str, Any] = {"Shards": [shard]}
        if place + 1 < len(names):
            told["LastEvaluatedShardId"] = names[place]
        return {"StreamDescription": told}

    def get_shard_iterator(self, **asked: str) -> dict[str, str]:
        after = int(asked.get("SequenceNumber", 0))
        if after and after < self.trimmed.get(asked["ShardId"], 0):
            raise Errors.TrimmedDataAccessException
        return {"ShardIterator": f"{asked['ShardId']} {after}"}

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803
        if ShardIterator in self.expires:
            self.expires.remove(ShardIterator)
            raise Errors.ExpiredIteratorException
        if self.empty_pages:
            self.empty_pages -= 1
            return {"Records": [], "NextShardIterator": ShardIterator}
        shard, after = ShardIterator.split()
        _, numbers, has_ended = self.shards[shard]
        page = [number for number in numbers if number > int(after)][:PAGE]
        last = page[-1] if page else int(after)
        answer: dict[str, Any] = {"Records": [record(number) for number in page]}
        if not has_ended or (numbers and last < numbers[-1]):
            answer["NextShardIterator"] = f"{shard} {last}"
        return answer


def record(number: int, age: float = 1.0) -> dict[str, Any]:
    image = {"id": {"S": "a"}, "n": {"N": str(number)}}
    return {
        "eventName": "MODIFY",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime.now(UTC) - timedelta(seconds=age),
            "Keys": {"id": {"S": "a"}},
            "NewImage": image,
            "SequenceNumber": str(number),
        },
    }


def changes(stream: Stream) -> Changes:
    return Changes("dynamodb:customers", stream, "arn", ["id"], Flattening())


def numbers(arrivals: Any) -> list[int]:
    return [int(cell) for arrival in arrivals for cell in arrival.rows["n"].to_pylist()]


def test_a_child_is_read_after_its_parent_and_what_is_read_is_not_read_again() -> None:
    stream = Stream(a=(None, [1], False))
    position = changes(stream).start()
    stream.shards = {
        "a": ("gone", [1, 2, 3, 4], True),
        "b": ("a", [5, 6], True),
        "c": ("b", [7], False),
    }
    arrivals = list(changes(stream).since(position))

    assert numbers(arrivals) == [2, 3, 4, 5, 6, 7]
    assert list(changes(stream).since(arrivals[-1].position)) == []
    stream.shards["c"] = ("b", [7, 8], False)
    assert numbers(changes(stream).since(arrivals[-1].position)) == [8]


def test_shards_that_have_ended_before_a_scan_hold_nothing_new() -> None:
    stream = Stream(a=(None, [1, 2, 3], True), b=("a", [4, 5, 6], False))

    assert list(changes(stream).since(changes(stream).start())) == []


def test_a_read_that_is_broken_off_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customer_segmentation.sources.readers.documents.MAX_ROWS", 3)
    stream = Stream(a=(None, [], False))
    position = changes(stream).start()
    stream.shards = {"a": (None, [1, 2, 3, 4], True), "b": ("a", [5, 6, 7, 8], False)}
    broken = changes(stream).since(position)
    first = next(broken)
    broken.close()

    assert numbers([first]) == [1, 2, 3]
    assert numbers(changes(stream).since(first.position)) == [4, 5, 6, 7, 8]


def test_a_shard_that_is_gone_before_it_was_read_is_refused() -> None:
    stream = Stream(a=(None, [1], False))
    position = changes(stream).start()
    stream.shards = {"c": ("b", [7], False)}

    with pytest.raises(UserError, match="forgotten changes of the shard a that were not read"):
        list(changes(stream).since(position))


def test_a_shard_that_is_gone_after_it_was_read_is_no_loss() -> None:
    stream = Stream(a=(None, [1], True))
    position = changes(stream).start()
    stream.shards = {"c": ("a", [7], False)}

    assert numbers(changes(stream).since(position)) == [7]


def test_records_that_are_trimmed_before_they_were_read_are_refused() -> None:
    stream = Stream(a=(None, [1], False))
    position = changes(stream).start()
    stream.shards["a"] = (None, [5], False)
    stream.trimmed["a"] = 4

    with pytest.raises(UserError, match="set `mode: full` for one run"):
        list(changes(stream).since(position))


def test_a_shard_that_has_ended_is_read_to_its_end_before_the_one_that_follows() -> None:
    stream = Stream(a=(None, [], False))
    position = changes(stream).start()
    stream.shards = {"a": (None, [1, 2], True), "b": ("a", [3], False)}
    stream.empty_pages = 30

    assert numbers(changes(stream).since(position)) == [1, 2, 3]


def test_an_open_shard_that_is_silent_for_long_is_read_on_the_next_time() -> None:
    stream = Stream(a=(None, [], False))
    position = changes(stream).start()
    stream.shards = {"a": (None, [1], False)}
    stream.empty_pages = 10

    assert numbers(changes(stream).since(position)) == []
    assert numbers(changes(stream).since(position)) == [1]


class Busy(Stream):
    """Its open shard is written all the time."""

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803
        shard, after = ShardIterator.split()
        last = int(after) + 1
        # Written before the reading began, then after it.
        return {
            "Records": [record(last, age=1.0 if last < 4 else -1.0)],
            "NextShardIterator": f"{shard} {last}",
        }


def test_an_open_shard_that_is_written_all_the_time_is_read_up_to_the_beginning() -> None:
    stream = Stream(a=(None, [], False))
    position = changes(stream).start()
    busy = Busy(a=(None, [], False))
    (first,) = changes(busy).since(position)
    assert numbers([first]) == [1, 2, 3, 4]
    # Who follows it waits until it has ended.
    busy.shards["b"] = ("a", [9], False)
    assert numbers(changes(busy).since(first.position)) == [5]


def test_an_iterator_that_has_expired_is_made_anew() -> None:
    stream = Stream(a=(None, [], False))
    position = changes(stream).start()
    stream.shards["a"] = (None, [1, 2, 3], False)
    stream.expires.add("a 2")

    assert numbers(changes(stream).since(position)) == [1, 2, 3]
