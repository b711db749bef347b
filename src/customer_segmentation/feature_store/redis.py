"""The online store in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from customer_segmentation.feature_store.online import StoreDownError

_CHUNK = 5_000
_SECONDS = 10.0
# Glob signs of Redis' patterns.
_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\*?[]"})


class RedisStore:
    """Values by key; environments share a database without seeing each other's keys.

    Args:
        url: As `redis://host:6379/0`, or `rediss://` for an encrypted connection.
        environment: Its name, which keys begin with.
        seconds: How long to wait for an answer.
    """

    def __init__(self, url: str, environment: str, seconds: float = _SECONDS) -> None:
        self.name = without_password(url)
        self._prefix = f"customer_segmentation:{environment}:"
        self._url, self._seconds = url, seconds
        self._opened: Any = None
        self._soon: Any = None

    def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of keys, in order, all of one moment."""
        with self._connected() as redis:
            found: list[bytes | None] = redis.mget([self._prefix + key for key in keys])
        return found

    def prepare(self) -> None:
        """Load the client."""
        with self._named_errors():
            from redis.asyncio import Redis  # noqa: PLC0415 - an extra of its own
            from redis.asyncio.retry import Retry  # noqa: PLC0415 - as above
            from redis.backoff import NoBackoff  # noqa: PLC0415 - as above
            from redis.exceptions import ConnectionError as LostError  # noqa: PLC0415 - as above

            # Once more at once, where a kept connection was lost; whoever asks limits the time.
            retry = Retry(NoBackoff(), 1, (LostError,))
            self._soon = Redis.from_url(self._url, socket_timeout=None, retry=retry)

    async def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """As `get`, for an event loop."""
        if self._soon is None:
            self.prepare()
        with self._named_errors():
            found: list[bytes | None] = await self._soon.mget([self._prefix + key for key in keys])
        return found

    async def end(self) -> None:
        """Give back the connections of `read`."""
        if self._soon is not None:
            await self._soon.aclose()
            self._soon = None

    def put(self, values: Iterable[tuple[str, bytes]]) -> None:
        """Write values."""
        named = {self._prefix + key: value for key, value in values}
        if named:
            with self._connected() as redis:
                redis.mset(named)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove keys."""
        if named := [self._prefix + key for key in keys]:
            with self._connected() as redis:
                redis.unlink(*named)

    def scan(self, prefix: str) -> Iterator[list[tuple[str, bytes]]]:
        """Every key that begins so, with its value, some at a time; one may come twice."""
        pattern = (self._prefix + prefix).translate(_SIGNS) + "*"
        cursor, is_begun = 0, False
        while cursor or not is_begun:
            is_begun = True
            with self._connected() as redis:
                cursor, found = redis.scan(cursor, match=pattern, count=_CHUNK)
                values = redis.mget(found) if found else []
            keys = (key.decode().removeprefix(self._prefix) for key in found)
            # One that was removed meanwhile has no value.
            yield [(key, value) for key, value in zip(keys, values, strict=True) if value]

    def purge(self) -> None:
        """Nothing to do: what was removed is not kept."""

    def close(self) -> None:
        """Give back connections."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        with self._named_errors():
            if self._opened is None:
                from redis import Redis  # noqa: PLC0415 - an extra of its own

                self._opened = Redis.from_url(
                    self._url, socket_timeout=self._seconds, socket_connect_timeout=self._seconds
                )
            yield self._opened

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            from redis import RedisError  # noqa: PLC0415 - an extra of its own
        except ImportError as error:
            message = f"{self.name}: Redis' client is not installed: make feature-store"
            raise StoreDownError(message) from error
        try:
            yield
        except (RedisError, ValueError, OSError) as error:
            why = type(error).__name__
            message = f"the online store {self.name} does not answer ({why}): see that it runs"
            raise StoreDownError(message) from error


def without_password(url: str) -> str:
    """A URL fit to be shown."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="").geturl()
