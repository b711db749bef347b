"""What `kedro feature` tells: which features there are, what they mean, and a customer's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame

from customer_segmentation.aligned import aligned
from customer_segmentation.bundles.bundle import SEGMENTER
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import (
    VIEWS,
    FeatureDefinition,
    FeatureSet,
    feature_set,
)
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.rows import Snapshot, decoded_row
from customer_segmentation.lineage.ledger import Ledger
from customer_segmentation.scoring.verify import verified
from customer_segmentation.tables.history import day_of
from customer_segmentation.tables.schemas import EVENT_TIME

TABLE = "gold_feature_table"
_UNKNOWN = "not known"


@dataclass(frozen=True)
class Known:
    """What an environment knows of its features.

    Attributes:
        environment: Its name.
        bundles: Its models; the champion's schema defines the features.
        ledger: What its tables were made from.
        filled: What a run said when it last filled the online store; None if none has.
    """

    environment: str
    bundles: BundleStore
    ledger: Ledger
    filled: dict[str, Any] | None

    @property
    def features(self) -> FeatureSet:
        """The features of the champion.

        Raises:
            UserError: There is no champion yet.
        """
        champion = self.bundles.champion()
        if champion is None:
            raise UserError(
                f"{self.environment} has no champion yet, whose schema says what its features "
                "are: run kedro run, or promote one"
            )
        return feature_set(verified(champion.files[SEGMENTER]))

    @property
    def published(self) -> FeatureSet:
        """The features of the model that the feature table was made with.

        Raises:
            UserError: There is no such table, or the model is not kept any more.
        """
        made = self.ledger.entries.get(TABLE)
        if made is None:
            raise UserError(f"{self.environment} has no {TABLE} yet: run kedro run")
        model = self.bundles.segmenter(made.artifact_version or "")
        if model is None:
            raise UserError(
                f"{TABLE} was made with the artifact {made.artifact_version}, which is not kept: "
                "run kedro run"
            )
        return feature_set(verified(model))

    @property
    def snapshot(self) -> Snapshot | None:
        """What the online store holds, as far as this environment's runs have filled it."""
        return Snapshot.of(self.filled["snapshot"]) if self.filled else None


def listed(features: FeatureSet, text: str) -> list[str]:
    """The features whose name or description has a text in it, one a line.

    Raises:
        UserError: None has.
    """
    sought = text.lower()
    found = [
        one for one in features.features if sought in one.name or sought in one.description.lower()
    ]
    if not found:
        # Names the nearest.
        found = [features.find(text)]
    version = str(features.version)
    head = ("feature", "view", "version", "unit", "description")
    rows = [(one.name, one.view, version, one.unit, one.description) for one in found]
    return [*aligned([head, *rows]), "", f"{len(found)} of {len(features.features)} features"]


def shown(known: Known, name: str) -> list[str]:
    """What a feature is, and where its values come from."""
    features = known.features
    one = features.find(name)
    made = known.ledger.entries.get(TABLE)
    snapshot = known.snapshot
    rows = [
        ("feature", one.name),
        ("description", one.description),
        ("unit", one.unit or "none"),
        ("view", f"{one.view} ({VIEWS[one.view]})"),
        ("version", f"{features.version}, definition {features.hashes[one.view]}"),
        ("owner", features.owner or "nobody named: feature_store.owner in the schema"),
        ("formula", one.formula),
        ("columns of the source", ", ".join(one.inputs)),
        ("made of personal values", "yes" if one.personal else "no"),
    ]
    if one.labels:
        rows.append(("codes", ", ".join(f"{i} {word}" for i, word in enumerate(one.labels))))
    if made:
        rows += [
            ("table", f"{TABLE} of {known.environment}"),
            ("source", f"SHA-256 {made.source_sha256 or _UNKNOWN}"),
            ("run, commit, code", f"{made.run}, {made.commit}, {made.code}"),
            ("artifact", made.artifact_version or _UNKNOWN),
        ]
    if snapshot and known.filled:
        held = f"snapshot {snapshot.number} of {snapshot.as_of} in {known.filled['store']}"
        rows.append(("online store", f"{held}, written {snapshot.written_at}"))
    return aligned(rows)


def versions(known: Known) -> list[str]:
    """Every version of the features that was served or promoted, the newest last."""
    rows = list(_told(known))
    head = ("version", "view", "definition", "since", "where")
    if not rows:
        raise UserError(
            f"{known.environment} has served and promoted no features yet: run kedro run"
        )
    return aligned([head, *rows])


def values(
    features: FeatureSet, online: OnlineFeatures, customer: str, names: Sequence[str]
) -> list[str]:
    """A customer's features from the online store.

    Args:
        features: What they mean.
        online: The store.
        customer: The key.
        names: Which; all where none is given.

    Raises:
        UserError: There is no such feature, or the store holds no such customer.
    """
    asked = [features.find(name) for name in names]
    snapshot, (row,) = online.read([customer])
    if snapshot is None:
        raise UserError(f"{online.store.name} is empty: make feature-store")
    if row is None:
        raise UserError(
            f"{online.store.name} holds no customer `{customer}` on {snapshot.as_of}: they may be "
            "left out (gold_unsegmented says why), or not in the source"
        )
    if snapshot.hashes != features.hashes:
        raise UserError(
            f"{online.store.name} holds version {snapshot.version} of the features, which is not "
            f"what the champion's schema says (version {features.version}): kedro run "
            "--pipeline=scoring fills it with the champion's"
        )
    held = dict(zip(snapshot.columns, decoded_row(row).tolist(), strict=True))
    if absent := [one.name for one in asked if one.name not in held]:
        raise UserError(f"{', '.join(absent)}: the source had no column for it on {snapshot.as_of}")
    wanted = asked or [features.find(name) for name in held]
    head = ("feature", "value", "unit", "description")
    rows = [(one.name, _value(one, held[one.name]), one.unit, one.description) for one in wanted]
    age = (datetime.now(UTC).date() - snapshot.day).days
    stale = f": stale, as older than {snapshot.max_age_days}" if age > snapshot.max_age_days else ""
    told = f"as of {snapshot.as_of}, {age:,} days ago{stale}"
    source = f"snapshot {snapshot.number} of {online.store.name}, version {snapshot.version}"
    return [f"Customer {customer}, {told}; {source}", "", *aligned([head, *rows])]


def publish_table(target: str, features: FeatureSet, table: IntoFrame) -> list[str]:
    """Write `gold_feature_table` to another product's feature store; gives what was done."""
    from customer_segmentation.feature_store.targets.target import publish  # noqa: PLC0415 - slow

    rows = nw.from_native(table).lazy()
    day = day_of(rows.select(nw.col(EVENT_TIME).max()).collect().item())
    return publish(target, features, table, day)


def _value(feature: FeatureDefinition, value: float) -> str:
    if np.isnan(value):
        return "missing"
    if feature.labels:
        return f"{value:.0f} ({feature.labels[int(value)]})"
    return f"{value:.12g}"


def _told(known: Known) -> Iterator[tuple[str, str, str, str, str]]:
    seen = set()
    for entry, about in known.bundles.promoted():
        told = about.get("features", {"hashes": {}})
        for view, digest in told["hashes"].items():
            if (what := (str(told["version"]), view, digest)) not in seen:
                seen.add(what)
                yield *what, entry.at[:19], f"bundle {entry.bundle}, {entry.kind} by {entry.by}"
    if known.filled:
        for held in Snapshot.of(known.filled["snapshot"]).versions:
            where = f"{known.filled['store']}, run {held['run_id']}"
            for view, digest in held["hashes"].items():
                yield str(held["version"]), view, digest, str(held["since"])[:19], where
