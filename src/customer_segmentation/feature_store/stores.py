"""Which online store a setting names."""

from __future__ import annotations

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.dynamodb import DynamoStore
from customer_segmentation.feature_store.online import KeyValues
from customer_segmentation.feature_store.redis import RedisStore
from customer_segmentation.feature_store.sqlite import SqliteStore

SETTING = "SEGMENTATION_FEATURE_STORE"
SQLITE = "sqlite"
# Where SQLite keeps an environment's, beside what else tells of its features.
ONLINE_FILE = "online.db"
_KINDS = "sqlite, redis://host:6379/0, rediss://host:6379/0, dynamodb://table or sqlite://file"


def open_store(named: str, environment: str, file: str, **options: float) -> KeyValues:
    """The online store that a setting names; nothing is connected to yet.

    Args:
        named: The setting.
        environment: Whose features they are.
        file: Where SQLite keeps them, unless the setting says so.
        options: `seconds`, how long to wait for an answer; else ten.

    Raises:
        UserError: It names none of the kinds there are.
    """
    kind, _, place = named.partition("://")
    if kind == SQLITE and (place or named == SQLITE):
        return SqliteStore(place or file, **options)
    if kind in {"redis", "rediss"} and place:
        return RedisStore(named, environment, **options)
    if kind == "dynamodb" and place:
        return DynamoStore(place, environment, **options)
    where = f"{SETTING}, or feature-store of the server"
    raise UserError(f"{where}: there is no feature store of the kind `{kind}`: give {_KINDS}")
