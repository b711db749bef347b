"""The online store in a table of DynamoDB."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from time import sleep
from typing import Any

from customer_segmentation.feature_store.aws import answering
from customer_segmentation.feature_store.online import StoreDownError

# DynamoDB's own limits of one call.
_READ, _WRITTEN = 100, 25
_KEY, _VALUE = "key", "value"
# In bytes.
_LONGEST = 2_048
_TRIES = 8
_SECONDS = 10.0
_THREADS = 4
_FIRST_WAIT = 0.05


class DynamoStore:
    """Values by key, read consistently; region, credentials and endpoint are botocore's own.

    Args:
        table: Its name; it is made by the first write, and paid by request.
        environment: Its name, which keys begin with.
        seconds: How long to wait for each answer.
    """

    def __init__(self, table: str, environment: str, seconds: float = _SECONDS) -> None:
        self.name = f"dynamodb://{table}"
        self._seconds = seconds
        # Of its own: while the table is slow, nothing else waits for a thread.
        self._threads = ThreadPoolExecutor(_THREADS)
        self._table, self._prefix = table, f"{environment}:"
        self._opened: Any = None

    def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of keys, in order; not all of one moment."""
        named = [self._prefix + key for key in keys]
        found: dict[str, bytes] = {}
        # It refuses longer keys, which no item has.
        rest = iter([key for key in named if len(key.encode()) <= _LONGEST])
        with self._connected() as client:
            if not self._is_there(client):
                return [None] * len(keys)
            while some := [*islice(rest, _READ)]:
                asked = {"Keys": [{_KEY: {"S": key}} for key in some], "ConsistentRead": True}

                def read(request: Any) -> Any:  # noqa: ANN401 - botocore has no types
                    answer = client.batch_get_item(RequestItems=request)
                    rows = answer["Responses"].get(self._table, ())
                    found.update({row[_KEY]["S"]: row[_VALUE]["B"] for row in rows})
                    return answer.get("UnprocessedKeys")

                self._until_done(read, {self._table: asked})
        return [found.get(key) for key in named]

    def prepare(self) -> None:
        """Load the client."""
        with self._connected():
            pass

    async def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """As `get`, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.get, keys)

    async def end(self) -> None:
        """Give back connections."""
        self.close()

    def put(self, values: Iterable[tuple[str, bytes]]) -> None:
        """Write values."""
        self._write(
            {"PutRequest": {"Item": {_KEY: {"S": self._prefix + key}, _VALUE: {"B": value}}}}
            for key, value in values
        )

    def remove(self, keys: Iterable[str]) -> None:
        """Remove keys."""
        self._write({"DeleteRequest": {"Key": {_KEY: {"S": self._prefix + key}}}} for key in keys)

    def scan(self, prefix: str) -> Iterator[list[tuple[str, bytes]]]:
        """Every key that begins so, with its value, some at a time."""
        start: dict[str, Any] = {}
        while True:
            with self._connected() as client:
                if not self._is_there(client):
                    return
                answer = client.scan(
                    TableName=self._table,
                    ConsistentRead=True,
                    FilterExpression="begins_with(#key, :prefix)",
                    ExpressionAttributeNames={"#key": _KEY},
                    ExpressionAttributeValues={":prefix": {"S": self._prefix + prefix}},
                    **start,
                )
            yield [
                (row[_KEY]["S"].removeprefix(self._prefix), row[_VALUE]["B"])
                for row in answer["Items"]
            ]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def purge(self) -> None:
        """Nothing to do: what was removed is not kept."""

    def close(self) -> None:
        """Give back connections."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _write(self, requests: Iterable[dict[str, Any]]) -> None:
        rest = iter(requests)
        with self._connected() as client:
            while some := [*islice(rest, _WRITTEN)]:
                if not self._is_there(client):
                    self._make(client)
                self._until_done(
                    lambda asked: client.batch_write_item(RequestItems=asked)["UnprocessedItems"],
                    {self._table: some},
                )

    def _until_done(self, call: Callable[[Any], Any], request: Any) -> None:  # noqa: ANN401 - botocore has no types
        """Repeat a call for what it left, which a table does that is asked for too much."""
        for attempt in range(_TRIES):
            if not (request := call(request)):
                return
            sleep(_FIRST_WAIT * 2**attempt)
        raise StoreDownError(f"the online store {self.name} takes no more requests: try later")

    def _is_there(self, client: Any) -> bool:  # noqa: ANN401 - as above
        if not self._is_known:
            try:
                client.describe_table(TableName=self._table)
            except client.exceptions.ResourceNotFoundException:
                return False
            self._is_known = True
        return True

    _is_known = False

    def _make(self, client: Any) -> None:  # noqa: ANN401 - as above
        client.create_table(
            TableName=self._table,
            KeySchema=[{"AttributeName": _KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": _KEY, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.get_waiter("table_exists").wait(TableName=self._table)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        with answering(f"the online store {self.name}") as new_session:
            if self._opened is None:
                from botocore.config import Config  # noqa: PLC0415 - of an extra

                # Ten tries, as botocore has by itself; two where somebody waits.
                tries = {"total_max_attempts": max(2, int(self._seconds))}
                limits = Config(
                    connect_timeout=self._seconds, read_timeout=self._seconds, retries=tries
                )
                self._opened = new_session().create_client("dynamodb", config=limits)
            yield self._opened
