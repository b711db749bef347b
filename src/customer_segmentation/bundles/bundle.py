"""A bundle: the models that are promoted and served together, and where they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from customer_segmentation.errors import UserError

SEGMENTER, COLD_START = "segmenter.onnx", "cold_start.onnx"
RESPONSE = "response.onnx"
MODELS = (SEGMENTER, COLD_START, RESPONSE)
# Bundles made before there was a response model are without it.
ALWAYS = (SEGMENTER, COLD_START)
ABOUT = "bundle.json"
# What the models learned from, in counts; bundles made before there was monitoring are without it.
BASELINE = "baseline.json"


@dataclass(frozen=True)
class StoredBundle:
    """The files of a bundle.

    Attributes:
        files: The models and `bundle.json`, by name. The latter says what the models were made
            from and what they answer for made-up customers.
    """

    files: Mapping[str, bytes]

    @property
    def models(self) -> tuple[str, ...]:
        """The names of its models."""
        return tuple(name for name in MODELS if name in self.files)

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that name the bytes of the models."""
        named = [f"{name} {sha256(self.files[name])}" for name in self.models]
        return sha256("\n".join(named).encode())[:12]

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each file."""
        return {name: sha256(content) for name, content in sorted(self.files.items())}

    def changed_since(self, files: Mapping[str, str]) -> list[str]:
        """The names of files that are others than were promoted, sorted.

        A baseline that a bundle of before there was monitoring has got since is none.

        Args:
            files: The SHA-256 of each, as the log of promotions has them.
        """
        now = self.hashes
        then = {BASELINE: now.get(BASELINE), **files}
        return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))

    @property
    def about(self) -> dict[str, Any]:
        """What `bundle.json` says.

        Raises:
            UserError: It is no JSON object.
        """
        try:
            told = json.loads(self.files[ABOUT])
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise UserError(f"{ABOUT} of a bundle is damaged: restore its folder, or remove it")
        return told


@dataclass(frozen=True)
class Promotion:
    """One entry of the log: from its time on, its bundle is the environment's champion.

    Attributes:
        number: Its place in the log, from 1.
        kind: `promotion`, `whole run` or `rollback`.
        bundle: The id of the bundle.
        artifact_version: Of its segmenter.
        previous: The id of the bundle that was live before; None for the first.
        at: UTC time in ISO format.
        by: Who ran the command.
        environment: Whose champion this is.
        source: The environment that the bundle was taken from.
        files: The SHA-256 of each file.
        run_id: Of the run that promoted; empty for a rollback.
        commit: The git commit of the code that promoted.
        gates: Of each figure: `gate`, `figure`, `bound`, `measured` and `passed`.
        overridden: The gates that failed and were overridden.
        approver: Who approved an override or asked for a rollback.
        reason: Why.
    """

    number: int
    kind: str
    bundle: str
    artifact_version: str
    previous: str | None
    at: str
    by: str
    environment: str
    source: str
    files: Mapping[str, str]
    run_id: str = ""
    commit: str = ""
    gates: tuple[Mapping[str, Any], ...] = field(default=())
    overridden: tuple[str, ...] = field(default=())
    approver: str = ""
    reason: str = ""


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
