"""Collections of MongoDB, or of a server that speaks its protocol: whole, or on from a cursor."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Arrival, Position
from customer_segmentation.sources.readers.document_cells import (
    MISSING,
    Step,
    parsed_path,
    value_at,
)
from customer_segmentation.sources.readers.documents import Cells, Columns, Flattening, tables
from customer_segmentation.sources.readers.failures import failure
from customer_segmentation.sources.readers.whole_loads import whole_load

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.collection import Collection

    Documents = Collection[dict[str, Any]]

_WAIT_MS = 10_000
_PAGE = 2_000
_ID = "_id"
# In the position: which cursor, and the last values of it and of `_id`.
_CURSOR, _AFTER = "cursor", "after"
_REFUSED_CODES = {13, 18}


class MongoReader:
    """Reads a collection.

    Without a cursor it is read whole: documents that are gone are gone. With one, each time what
    comes after the last document, in the order of the cursor and `_id`: deletions are not seen.

    Args:
        url: `mongodb://USER:PASSWORD@HOST/`, best from a setting; never shown.
        database: Its name.
        collection: Its name.
        columns: As of `Flattening`.
        as_json: As of `Flattening`.
        deleted: As of `Flattening`.
        cursor: A path that only grows whenever a document is written: a date, a number, text or
            `_id`.
        settle_seconds: With a cursor of dates or ids: what is younger waits for the next time,
            since another writer may still be about to write something older.
    """

    def __init__(  # noqa: PLR0913 - the catalog's names
        self,
        *,
        url: str,
        database: str,
        collection: str,
        columns: Columns = (),
        as_json: Sequence[str] = (),
        deleted: str = "",
        cursor: str = "",
        settle_seconds: float = 10.0,
    ) -> None:
        """Nothing is connected to yet.

        Raises:
            UserError: `columns`, `as_json`, `deleted` or `cursor` are no paths.
        """
        self.name = f"mongodb:{database}.{collection}"
        self._url, self._database, self._collection = url, database, collection
        self._flattening = Flattening(columns, as_json, deleted, _plain)
        self._cursor: tuple[Step, ...] = parsed_path(cursor) if cursor else ()
        self._settle = timedelta(seconds=settle_seconds)

    def read(self, since: Position | None) -> Iterator[Arrival]:
        """All documents, or those after the position.

        Raises:
            UserError: The server does not answer or refuses, or the collection is not there or not
                as it is said to be.
        """
        with self._told(), self._client() as client:
            documents = client[self._database][self._collection]
            self._require(documents)
            if self._cursor:
                yield from self._after(documents, since)
            else:
                found = documents.find({}, self._projection(), batch_size=_PAGE)
                rows = (self._cells(document) for document in found)
                yield from whole_load(self.name, rows, self._flattening, since)

    def _after(self, documents: Documents, since: Position | None) -> Iterator[Arrival]:
        from bson import json_util  # noqa: PLC0415 - only where it is read

        cursor = self._dotted()
        if since and since.get(_CURSOR, cursor) != cursor:
            raise failure(
                self.name,
                f"it was read by the cursor {since[_CURSOR]!r} until now: go on with it, or name "
                "another folder as `parts`",
            )
        kind = self._only_kind(documents, cursor)
        if kind is None:
            raise failure(self.name, "it holds no document. Nothing is landed.")
        if cursor != _ID:
            self._only_kind(documents, _ID)
        after = since and since.get(_AFTER)
        options = json_util.JSONOptions(json_mode=json_util.JSONMode.CANONICAL, tz_aware=False)
        last = json_util.loads(json.dumps(after), json_options=options) if after else None
        order = [(cursor, 1)] if cursor == _ID else [(cursor, 1), (_ID, 1)]
        found = documents.find(
            self._window(cursor, last, kind), self._projection(), batch_size=_PAGE
        ).sort(order)
        marked = ((self._mark(document), self._cells(document)) for document in found)
        for mark, table in tables(marked, self._flattening.headers):
            told = json.loads(json_util.dumps(mark, json_options=options))
            yield Arrival(table, {_CURSOR: cursor, _AFTER: told})

    def _window(self, cursor: str, last: Sequence[Any] | None, kind: type) -> dict[str, Any]:
        """What comes after a document, and has settled."""
        from bson import ObjectId  # noqa: PLC0415 - as above

        settled = datetime.now(UTC) - self._settle
        limits: list[dict[str, Any]] = []
        if kind is datetime:
            limits.append({cursor: {"$lte": settled}})
        elif kind is ObjectId:
            limits.append({cursor: {"$lt": ObjectId.from_datetime(settled)}})
        if last and cursor == _ID:
            limits.append({_ID: {"$gt": last[1]}})
        elif last:
            same = {cursor: last[0], _ID: {"$gt": last[1]}}
            limits.append({"$or": [{cursor: {"$gt": last[0]}}, same]})
        return {"$and": limits} if limits else {}

    def _only_kind(self, documents: Documents, path: str) -> type | None:
        """The kind of all values at a path, by the least and the greatest; None of no document.

        Documents of another kind would never be found: the server compares within a kind only.
        """
        steps = self._cursor if path != _ID else (_ID,)
        ends = [documents.find_one({}, {path: 1}, sort=[(path, way)]) for way in (1, -1)]
        kinds = {_kind(_plain_at(end, steps)): end for end in ends if end is not None}
        if type(None) in kinds or len(kinds) > 1:
            told = kinds.get(type(None), ends[0]) or {}
            names = " and ".join(sorted(kind.__name__ for kind in kinds))
            raise failure(
                self.name,
                f"document {told.get(_ID)}: the cursor {path!r} must be there in every document, "
                f"and of one kind, but is {names}: mend it, or leave the cursor out, which reads "
                "everything each time",
            )
        return next(iter(kinds), None)

    def _mark(self, document: Mapping[str, Any]) -> list[Any]:
        return [_plain_at(document, self._cursor), document[_ID]]

    def _cells(self, document: Mapping[str, Any]) -> Cells:
        return self._flattening.cells(document, f"{_ID}={document[_ID]}")

    def _dotted(self) -> str:
        if any(not isinstance(step, str) or "." in step for step in self._cursor):
            raise failure(self.name, "the cursor is no path that the server can order by")
        return ".".join(map(str, self._cursor))

    def _projection(self) -> dict[str, int] | None:
        """The fields that are read; None for all."""
        tops = {*self._flattening.tops, *(str(step) for step in self._cursor[:1])}
        if not self._flattening.headers or any("." in top or top.startswith("$") for top in tops):
            return None
        return dict.fromkeys((*sorted(tops), _ID), 1)

    def _require(self, documents: Documents) -> None:
        if not documents.database.list_collection_names(filter={"name": self._collection}):
            raise failure(
                self.name, "there is no such collection: check `database` and `collection`"
            )

    def _client(self) -> MongoClient[dict[str, Any]]:
        from pymongo import MongoClient, errors  # noqa: PLC0415 - as above

        try:
            return MongoClient(
                self._url,
                serverSelectionTimeoutMS=_WAIT_MS,
                uuidRepresentation="standard",
                # What Python has no date for is told by its document.
                datetime_conversion="DATETIME_AUTO",
            )
        except (errors.ConfigurationError, errors.InvalidURI, ValueError):
            # What it says may hold a part of the password.
            raise failure(self.name, "`url` is no URL of MongoDB") from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        from pymongo import errors  # noqa: PLC0415 - as above

        # Not by pymongo's own parser, which would ask DNS again for mongodb+srv.
        account = self._url.partition("://")[2].partition("/")[0].rpartition("@")[0]
        written = account.partition(":")[2]
        secrets = [written, unquote_plus(written)]

        try:
            yield
        except errors.OperationFailure as error:
            if error.code in _REFUSED_CODES:
                what = "the server refuses this user: check the user, the password and its rights"
                raise failure(self.name, what, error, secrets) from None
            raise failure(self.name, "the server refuses", error, secrets) from None
        except errors.PyMongoError as error:
            what = "the server does not answer, or no longer: see that it runs, and run again"
            raise failure(self.name, what, error, secrets) from None


def _plain_at(document: Mapping[str, Any], steps: tuple[Step, ...]) -> Any:  # noqa: ANN401
    try:
        return value_at(document, steps)
    except ValueError as error:
        raise UserError(f"document {_ID}={document[_ID]}: {error}") from None


def _kind(value: Any) -> type:  # noqa: ANN401 - of any type
    """What the server compares with each other."""
    from bson import Decimal128  # noqa: PLC0415 - as above

    if value is MISSING:
        return type(None)
    is_number = isinstance(value, int | float | Decimal128) and not isinstance(value, bool)
    return float if is_number else type(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any type
    """Decimal128 and ids as Python has them."""
    if type(value).__module__.startswith("bson"):
        from bson import Decimal128, ObjectId  # noqa: PLC0415 - as above

        if isinstance(value, Decimal128):
            return value.to_decimal()
        if isinstance(value, ObjectId):
            return str(value)
    return value
