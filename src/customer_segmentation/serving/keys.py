"""API keys and their roles. A key is shown once; only its SHA-256 is stored.

A key has 256 random bits, so a fast hash is safe.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from customer_segmentation.errors import UserError

Role = Literal["score", "read", "ingest", "admin"]
ROLES: tuple[Role, ...] = ("score", "read", "ingest", "admin")
_PREFIX = "cs_"
logger = logging.getLogger(__name__)


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key without its secret; `sha256` is of the whole key, in hexadecimal."""

    name: str
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    roles: tuple[Role, ...]

    def may(self, role: str) -> bool:
        """Whether the key has a role; an admin has all."""
        return role in self.roles or "admin" in self.roles


# The caller on loopback where no keys are configured.
ANYBODY = Key("anybody", "", ("admin",))


class Keys:
    """The keys of a file, reloaded when it changes.

    Args:
        path: A JSON list of keys; None without keys.

    Raises:
        UserError: The file is missing or holds no keys.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._last_error = ""
        self.known: list[Key] = []
        if path:
            self._load(path)
            if not self.known:
                raise _no_keys(path, "the list is empty")

    def refresh(self) -> None:
        """Reload the file; an empty list admits nobody.

        An unreadable file is logged once, and the old keys stay.
        """
        if self._path is None:
            return
        before, self._last_error = self._last_error, ""
        try:
            self._load(self._path)
        except Exception as error:  # noqa: BLE001 - a file may raise anything
            self._last_error = str(error)
            if self._last_error != before:
                logger.warning("the new keys are refused, the old ones stay: %s", error)

    def _load(self, path: Path) -> None:
        keys = _read(path)
        if keys == self.known:
            return
        if os.name == "posix" and path.stat().st_mode & 0o077:
            logger.warning("%s can be read by other users of this machine: chmod 600 it", path)
        self.known = keys
        logger.info("keys in %s: %d", path, len(keys))

    def find(self, given: str | None) -> Key | None:
        """The key of a caller, compared in constant time; None if unknown."""
        # Only without a file: an empty file admits nobody.
        if self._path is None:
            return ANYBODY
        digest = hashlib.sha256((given or "").encode()).hexdigest()
        same = [key for key in self.known if hmac.compare_digest(digest, key.sha256)]
        return same[-1] if same else None


def add_key(path: Path, name: str, roles: tuple[Role, ...]) -> str:
    """Make a key and store its hash in the file.

    Returns:
        The key, which is stored nowhere.

    Raises:
        UserError: The name is taken.
    """
    known = _read(path) if path.exists() else []
    if name in {key.name for key in known}:
        message = f"{path}: there is a key named {name} already: remove its entry, or take another"
        raise UserError(message)
    secret = _PREFIX + secrets.token_urlsafe(32)
    known.append(Key(name, hashlib.sha256(secret.encode()).hexdigest(), roles))
    beside = path.with_name(f".{path.name}.writing")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2))
    os.replace(beside, path)  # noqa: PTH105 - atomic
    return secret


def _read(path: Path) -> list[Key]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Key])
    except (OSError, msgspec.DecodeError) as error:
        raise _no_keys(path, error) from error


def _no_keys(path: Path, why: object) -> UserError:
    return UserError(
        f"{path} holds no API keys ({why}): make one with "
        f"python -m customer_segmentation.serving add-key --keys {path} "
        "--name NAME --role score"
    )
