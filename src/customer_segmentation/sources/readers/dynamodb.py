"""Tables of DynamoDB: scanned whole in parallel segments, then kept up to date by their stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from customer_segmentation.sources.arrivals.parts import Arrival, Position
from customer_segmentation.sources.readers.documents import Cells, Columns, Flattening, table
from customer_segmentation.sources.readers.dynamodb_items import item_document, key_text
from customer_segmentation.sources.readers.dynamodb_streams import AT, STREAM, Changes
from customer_segmentation.sources.readers.failures import failure
from customer_segmentation.sources.readers.whole_loads import DIGEST, whole_load

_MODES = ("full", "changes")
_SECONDS = 10
_ATTEMPTS = 5
_MOST = 64
# So often the position is landed anew of a table that does not change: its stream forgets after 24.
_KEEP = timedelta(hours=6)
_REFUSED = (
    *("AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException"),
    *("ExpiredTokenException", "MissingAuthenticationTokenException", "InvalidAccessKeyId"),
)


class DynamoReader:
    """Reads a table.

    In the mode `full` it is scanned each time: items that are gone are gone. In the mode `changes`
    the first load is such a scan, and each later one is what its stream holds since, with
    deletions. Keys and region are those of the AWS environment, and so is its endpoint.

    Args:
        table: Its name.
        columns: As of `Flattening`; with changes, the table's key must be among them.
        as_json: As of `Flattening`.
        deleted: As of `Flattening`.
        mode: `full` or `changes`.
        segments: How many parts of the table are scanned side by side.
        region: In place of the environment's.
        endpoint: In place of the environment's.
    """

    def __init__(  # noqa: PLR0913 - the catalog's names
        self,
        *,
        table: str,
        columns: Columns = (),
        as_json: Sequence[str] = (),
        deleted: str = "",
        mode: Literal["full", "changes"] = "full",
        segments: int = 4,
        region: str = "",
        endpoint: str = "",
    ) -> None:
        """Nothing is connected to yet.

        Raises:
            UserError: `columns`, `as_json` or `deleted` are no paths, or `mode` or `segments` are
                none.
        """
        self.name = f"dynamodb:{table}"
        self._table, self._segments = table, segments
        self._flattening = Flattening(columns, as_json, deleted)
        if mode not in _MODES:
            raise failure(self.name, f"mode: there is no {mode!r}: set full or changes")
        if not 1 <= segments <= _MOST:
            raise failure(self.name, f"segments: {segments} is not from 1 to {_MOST}")
        self._mode, self._region, self._endpoint = mode, region, endpoint

    def read(self, since: Position | None) -> Iterator[Arrival]:
        """All items, or what has changed since the position.

        Raises:
            UserError: DynamoDB does not answer or refuses, the table is not there or not as it is
                said to be, or its stream has forgotten what was not read.
        """
        with self._told():
            session = self._session()
            client = self._client(session, "dynamodb")
            told = self._described(client)
            keys = [key["AttributeName"] for key in told["KeySchema"]]
            changes = self._changes(session, told, keys)
            if self._mode == "full":
                yield from self._full(client, keys, since, changes)
            elif changes is None:
                raise failure(
                    self.name,
                    "it has no stream of new images: enable one (StreamViewType NEW_IMAGE or "
                    "NEW_AND_OLD_IMAGES), or set `mode: full`",
                )
            elif since and STREAM in since:
                yield from self._since(changes, since)
            else:
                # A scan of before, without a place in the stream, does not count.
                yield from self._full(client, keys, None, changes)

    def _full(
        self,
        client: Any,  # noqa: ANN401
        keys: list[str],
        since: Position | None,
        changes: Changes | None,
    ) -> Iterator[Arrival]:
        # Before the scan: what changes meanwhile is read once more, not missed.
        position = changes.start() if changes else {}
        rows = self._scan(client, keys)
        landed = False
        for arrival in whole_load(self.name, rows, self._flattening, since, position):
            landed = True
            yield arrival
        if not landed and since and _is_old(since):
            yield self._empty({DIGEST: since[DIGEST], **position})

    def _since(self, changes: Changes, since: Position) -> Iterator[Arrival]:
        landed = False
        for arrival in changes.since(since):
            landed = True
            yield arrival
        if not landed and _is_old(since):
            yield self._empty(changes.position())

    def _empty(self, position: Mapping[str, Any]) -> Arrival:
        note = "nothing has changed: only how far the stream is read was recorded"
        return Arrival(table([], self._flattening.headers), position, notes=(note,))

    def _scan(self, client: Any, keys: list[str]) -> Iterator[Cells]:  # noqa: ANN401
        """Every item, page by page of all segments in turn: one page of each is held."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "TotalSegments": self._segments,
        }
        if tops := self._flattening.tops:
            names = {f"#n{place}": name for place, name in enumerate(dict.fromkeys((*tops, *keys)))}
            request |= {
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
            }
        hidden = {*keys} - {*tops} if tops else set()
        with ThreadPoolExecutor(self._segments) as pool:
            waiting: deque[tuple[int, Future[Any]]] = deque(
                (segment, pool.submit(client.scan, Segment=segment, **request))
                for segment in range(self._segments)
            )
            while waiting:
                segment, page = waiting.popleft()
                answer = page.result()
                if last := answer.get("LastEvaluatedKey"):
                    following = {"Segment": segment, "ExclusiveStartKey": last}
                    waiting.append((segment, pool.submit(client.scan, **following, **request)))
                for item in answer["Items"]:
                    document = item_document(item)
                    key = key_text(document, keys)
                    for name in hidden:
                        del document[name]
                    yield self._flattening.cells(document, key)

    def _described(self, client: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            told: dict[str, Any] = client.describe_table(TableName=self._table)["Table"]
        except client.exceptions.ResourceNotFoundException:
            where = client.meta.region_name
            raise failure(
                self.name, f"there is no such table in {where}: check `table` and the region"
            ) from None
        return told

    def _changes(
        self,
        session: Any,  # noqa: ANN401
        told: Mapping[str, Any],
        keys: list[str],
    ) -> Changes | None:
        """What its stream can give; None without a stream of new images."""
        stream = told.get("StreamSpecification", {})
        if not stream.get("StreamEnabled") or "NEW" not in stream.get("StreamViewType", ""):
            return None
        tops = self._flattening.tops
        if self._mode == "changes" and tops and (missing := [k for k in keys if k not in tops]):
            raise failure(
                self.name,
                f"columns: {missing[0]!r}, the table's key, must be among them: a removed item is "
                "known by it alone",
            )
        client = self._client(session, "dynamodbstreams")
        return Changes(self.name, client, told["LatestStreamArn"], keys, self._flattening)

    def _session(self) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        import boto3.session  # noqa: PLC0415 - only where it is read

        return boto3.session.Session()

    def _client(self, session: Any, service: str) -> Any:  # noqa: ANN401
        from botocore.config import Config  # noqa: PLC0415 - as above

        config = Config(
            connect_timeout=_SECONDS,
            max_pool_connections=self._segments + 1,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )
        return session.client(
            service,
            region_name=self._region or None,
            endpoint_url=self._endpoint or None,
            config=config,
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        from botocore.exceptions import (  # noqa: PLC0415 - as above
            BotoCoreError,
            ClientError,
            NoCredentialsError,
            NoRegionError,
        )

        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] in _REFUSED:
                what = "DynamoDB refuses these keys: check AWS_ACCESS_KEY_ID and the rights"
                raise failure(self.name, what, error) from None
            raise failure(self.name, "DynamoDB refuses", error) from None
        except (NoCredentialsError, NoRegionError) as error:
            what = "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or a profile"
            raise failure(self.name, what, error) from None
        except BotoCoreError as error:
            what = "DynamoDB does not answer: check the endpoint and the network, and run again"
            raise failure(self.name, what, error) from None


def _is_old(since: Position) -> bool:
    return AT in since and datetime.now(UTC) - datetime.fromisoformat(since[AT]) > _KEEP
