"""Segments of customers whose values the online store holds: one, one who is changed, a list."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime
from time import perf_counter
from typing import Any
from urllib.parse import unquote

import msgspec
import numpy as np
from litestar import asgi
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import FEATURES, feature_set
from customer_segmentation.feature_store.online import StoreDownError
from customer_segmentation.feature_store.reading import FeatureReader
from customer_segmentation.feature_store.rows import DAMAGED, Snapshot
from customer_segmentation.feature_store.stores import ONLINE_FILE, open_store
from customer_segmentation.serving.answering import Batcher, Refusals
from customer_segmentation.serving.answers import Answer, StoredFeatures
from customer_segmentation.serving.asgi import Receive, Scope, Send, respond
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.guard import bundle_of
from customer_segmentation.serving.invocations import explain_unsegmented
from customer_segmentation.serving.metrics import Metrics
from customer_segmentation.serving.problems import RefusedError, wrong_fields
from customer_segmentation.serving.records import decoded_json
from customer_segmentation.serving.settings import Settings
from customer_segmentation.serving.validation import Problem
from customer_segmentation.tables.schemas import UNSEGMENTED

logger = logging.getLogger(__name__)

CUSTOMERS, SEGMENT = "/v1/customers/", "/segment"
MAX_IDS = 100
# Where the default environment keeps them.
FILE = f"data/features/{ONLINE_FILE}"
_SECONDS = 1.0
# Until the store answers again; until somebody has filled it anew.
_SOON, _LATER = "1", "30"
_FILL = "make feature-store"
_encode = msgspec.json.Encoder().encode
Row = tuple[str, bytes]


class NotThere(msgspec.Struct, gc=False):
    """In the place of an answer: the online store has no such customer."""

    customer_id: str
    problem: str


class StoredRows:
    """The rows of a snapshot as inputs of a bundle's models.

    Args:
        snapshot: What the online store shows.
        bundle: What scores.

    Raises:
        RefusedError: The snapshot lacks columns that the segmenter needs, or means others by them.
    """

    def __init__(self, snapshot: Snapshot, bundle: Bundle) -> None:
        self.snapshot, self.bundle = snapshot, bundle
        # In bytes, of a row.
        self.size = 8 * len(snapshot.columns)
        place = {name: index for index, name in enumerate(snapshot.columns)}
        self.place = place
        if missing := [name for name in bundle.contract.columns if name not in place]:
            raise _other_features(snapshot, bundle, f"lacks {', '.join(missing)}, which it needs")
        told = feature_set(bundle.segmenter.metadata)
        here, there = told.hashes[FEATURES], snapshot.hashes.get(FEATURES)
        # Codes of categories are among what a hash stands for.
        if here != there:
            means = f"has version {snapshot.version} of them ({there}), and not {told.version}"
            raise _other_features(snapshot, bundle, f"{means} ({here})")
        self._width = len(bundle.contract.columns)
        every = (*bundle.contract.columns, *bundle.contract.others)
        # One that the snapshot lacks is beside its columns, where a number is missing.
        self._positions = [place.get(name, len(snapshot.columns)) for name in every]
        self._is_whole = max(self._positions) < len(snapshot.columns)

    def ids(self, customers: Sequence[Row]) -> list[str | None]:
        """Their keys."""
        return [customer for customer, _ in customers]

    def matrix(self, customers: Sequence[Row]) -> NDArray[np.float64]:
        """(customers x the segmenter's columns, and others)."""
        rows = np.frombuffer(b"".join(row for _, row in customers), "<f8")
        rows = rows.reshape(len(customers), -1)
        if not self._is_whole:
            rows = np.column_stack([rows, np.full(len(rows), np.nan)])
        return rows[:, self._positions]

    def needed(self, customer: Row) -> NDArray[np.float64]:
        """(1 x the segmenter's columns)."""
        return self.matrix([customer])[:, : self._width]

    def changed(self, row: bytes, changes: dict[str, dict[str, float]]) -> tuple[bytes, list[str]]:
        """A row with other values, and the names of the columns that differ.

        Args:
            row: As stored.
            changes: Column -> its numeric columns, as `Contract.changes` gives them.
        """
        numbers = np.frombuffer(row, "<f8").copy()
        names = []
        for name, parts in changes.items():
            before = [numbers[self.place[part]] for part in parts if part in self.place]
            if before != list(parts.values()):
                names.append(name)
            for part, value in parts.items():
                if part in self.place:
                    numbers[self.place[part]] = value
        return numbers.tobytes(), names

    def told(self, today: date) -> StoredFeatures:
        """What an answer says of the values that it comes from."""
        snapshot = self.snapshot
        age = (today - snapshot.day).days
        is_stale = age > snapshot.max_age_days
        return StoredFeatures(snapshot.day, age, is_stale, snapshot.number, snapshot.version)


class OnlineSegments:
    """Answers for customers by their ids.

    Args:
        settings: Which store.
        metrics: Counts answers and times reads.
        batcher: Scores single customers together.
        monitor: Counts rejections by bundle.

    Raises:
        UserError: There is no such kind of store, or its client is not installed.
    """

    def __init__(
        self, settings: Settings, metrics: Metrics, batcher: Batcher, monitor: Refusals
    ) -> None:
        self._metrics, self._batcher, self._monitor = metrics, batcher, monitor
        named, environment = settings.feature_store, settings.feature_environment
        self._store = open_store(named, environment, FILE, seconds=_SECONDS)
        self._store.prepare()
        self._reader = FeatureReader(self._store, _SECONDS)
        self._rows: StoredRows | None = None
        self._last_error = ""

    async def end(self) -> None:
        """Give back connections."""
        await self._store.end()

    async def serve_one(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI handler of `/v1/customers/{id}/segment`.

        Raises:
            RefusedError: There is no such customer or no store; it does not answer, is damaged, or
                is of another schema; or a field is wrong.
        """
        bundle = bundle_of(scope)
        customer_id = _asked(scope)
        changes = None
        if scope["method"] == "POST":
            changes = decoded_json((await receive()).get("body", b""))
        rows, (row,) = await self._read(bundle, [customer_id])
        if row is None:
            raise RefusedError(404, absent_on(rows.snapshot.day))
        features = rows.told(_today())
        if changes is not None:
            found = bundle.contract.changes(changes, customer_id, rows.snapshot.day)
            if isinstance(found, list):
                raise self._wrong(bundle, found)
            row, features.changed = rows.changed(row, found)
        answer = await self._batcher.answer(bundle, rows, (customer_id, row))
        if answer.segment == UNSEGMENTED:
            features.unsegmented = _why(rows, (customer_id, row))
            if changes is not None:
                raise self._wrong(bundle, features.unsegmented)
        answer.features = features
        self._metrics.answered([answer])
        await respond(send, 200, b"application/json", _encode(answer))

    async def serve_many(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI handler of `/v1/customers/segments`: answers in the order of the ids.

        Raises:
            RefusedError: As `serve_one`, but for a customer who is not there; or it is no list of
                ids, or a too long one.
        """
        bundle = bundle_of(scope)
        ids = _ids(decoded_json((await receive()).get("body", b"")))
        rows, found = await self._read(bundle, ids)
        known = [(one, row) for one, row in zip(ids, found, strict=True) if row is not None]
        answers = bundle.answer_matrix(rows.ids(known), rows.matrix(known)) if known else []
        for answer, customer in zip(answers, known, strict=True):
            answer.features = rows.told(_today())
            if answer.segment == UNSEGMENTED:
                answer.features.unsegmented = _why(rows, customer)
        self._metrics.answered(answers)
        rest, absent = iter(answers), absent_on(rows.snapshot.day)
        told: list[Answer | NotThere] = [
            NotThere(one, absent) if row is None else next(rest)
            for one, row in zip(ids, found, strict=True)
        ]
        await respond(send, 200, b"application/json", _encode(told))

    async def _read(
        self, bundle: Bundle, ids: Sequence[str]
    ) -> tuple[StoredRows, list[bytes | None]]:
        """How to score the live snapshot, and each customer's row of it.

        Raises:
            RefusedError: There is no snapshot, it cannot be read, or it is of another schema.
        """
        started = perf_counter()
        try:
            snapshot, found = await self._reader.read(ids)
        except StoreDownError as error:
            raise self._failed(error, _SOON) from error
        except UserError as error:
            raise self._failed(error, _LATER) from error
        finally:
            self._metrics.read_store(perf_counter() - started, len(ids))
        if snapshot is None:
            detail = f"the online store {self._store.name} was never filled: {_FILL} fills it"
            raise RefusedError(404, detail)
        rows = self._rows
        if rows is None or rows.snapshot is not snapshot or rows.bundle is not bundle:
            try:
                rows = self._rows = StoredRows(snapshot, bundle)
            except RefusedError as error:
                self._log(str(error))
                raise
            self._metrics.used_features(snapshot.day)
        if any(row is not None and len(row) != rows.size for row in found):
            raise self._failed(UserError(DAMAGED), _LATER)
        self._last_error = ""
        return rows, found

    def _failed(self, error: UserError, seconds: str) -> RefusedError:
        self._log(str(error))
        return RefusedError(503, str(error), headers={"retry-after": seconds})

    def _log(self, error: str) -> None:
        """Log an error once, until the store is read again."""
        if error != self._last_error:
            logger.error("%s", error)
        self._last_error = error

    def _wrong(self, bundle: Bundle, problems: list[Problem]) -> RefusedError:
        self._metrics.rejected(problems, bundle.contract.rules)
        self._monitor.rejected(bundle, problems)
        return wrong_fields(problems)


def online_routes(online: OnlineSegments) -> list[Any]:
    """The routes; they bypass the router, which would take a fifth of an answer's time."""
    one = {"access": "read", "methods": ("GET", "POST"), "label": "/v1/customers/segment"}
    many = {"access": "read", "methods": ("POST",), "label": "/v1/customers/segments"}
    path = f"{CUSTOMERS}{{customer_id:path}}{SEGMENT}"
    return [
        asgi(path, opt=one, copy_scope=False)(online.serve_one),
        asgi(f"{CUSTOMERS}segments", opt=many, copy_scope=False)(online.serve_many),
    ]


def _asked(scope: Scope) -> str:
    """The id within the path as sent: an encoded `/segment` at its end is its own."""
    path = scope["raw_path"].decode("latin-1").removesuffix("/").removesuffix(SEGMENT)
    return unquote(path).removeprefix(CUSTOMERS)


def _ids(sent: object) -> list[str]:
    """The ids of a body.

    Raises:
        RefusedError: It is no list of texts, or too long.
    """
    if not isinstance(sent, list):
        raise wrong_fields([Problem("$", "not a list", f"a list of at most {MAX_IDS} ids")])
    if len(sent) > MAX_IDS:
        raise RefusedError(413, f"{len(sent)} ids; at most {MAX_IDS} per request")
    accepted = "an id as text"
    wrong = [
        Problem(f"$[{place}]", "not text", accepted)
        for place, one in enumerate(sent)
        if not isinstance(one, str)
    ]
    if wrong:
        raise wrong_fields(wrong)
    return sent


def _why(rows: StoredRows, customer: Row) -> list[Problem]:
    """Why a customer has no segment."""
    (row,) = explain_unsegmented(rows.bundle.contract, rows.needed(customer), np.array([-1]))
    return [Problem(f"$.{each.path}", each.problem, each.accepted) for each in row.problems]


def absent_on(day: date) -> str:
    """What is said of a customer who is not in the snapshot of a day."""
    return f"the online store has no such customer on {day}"


def _other_features(snapshot: Snapshot, bundle: Bundle, why: str) -> RefusedError:
    detail = (
        f"the online store's snapshot {snapshot.number} of {snapshot.as_of} holds other features "
        f"than the artifact {bundle.version} was made for: it {why}. {_FILL} fills it with those "
        "of the champion"
    )
    # Not the caller's to mend, and it passes: after a promotion, until the store is filled anew.
    return RefusedError(503, detail, headers={"retry-after": _LATER})


def _today() -> date:
    return datetime.now(UTC).date()
