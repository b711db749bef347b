"""The definitions as Feast has them: an entity, its views, and the service of the segmenter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from customer_segmentation.feature_store.definitions import (
    ENTITY,
    FEATURES,
    MODEL_INPUTS,
    VIEWS,
    FeatureDefinition,
    FeatureSet,
)
from customer_segmentation.feature_store.rows import Snapshot
from customer_segmentation.schema.parts import KEY

if TYPE_CHECKING:
    from feast import Field
    from feast.data_source import DataSource

SERVICE = "segmenter"
VERSION, HASH = "version", "hash"


def feast_objects(
    features: FeatureSet, live: Snapshot, columns: Sequence[str], source: DataSource
) -> list[Any]:
    """All that a registry holds of an environment.

    Feast's own versions of a view count changes of its columns alone, and each registry counts
    anew; ours stand for what features mean, so they are tags.

    Args:
        features: The definitions.
        live: What the online store holds, which may lack features.
        columns: What the segmenter takes.
        source: The history of features.
    """
    from feast import (  # noqa: PLC0415 - an extra of its own, and seconds
        Entity,
        FeatureService,
        FeatureView,
        Field,
        ValueType,
    )
    from feast.types import Float64, String  # noqa: PLC0415 - as above

    entity = Entity(
        name=ENTITY,
        join_keys=[KEY],
        value_type=ValueType.STRING,
        description="Who buys; one row a day of each view",
        owner=features.owner,
    )
    made_of = {
        "artifact_version": live.artifact_version,
        "as_of": live.as_of,
        "commit": live.commit,
        "run_id": live.run_id,
        "source_sha256": live.source_sha256,
    }

    def field(one: FeatureDefinition) -> Field:
        return Field(
            name=one.name, dtype=Float64, description=one.description, tags=_about_feature(one)
        )

    views = {
        name: FeatureView(
            name=name,
            entities=[entity],
            schema=[
                Field(name=KEY, dtype=String),
                *(field(one) for one in features.view(name) if one.name in live.columns),
            ],
            source=source,
            ttl=timedelta(days=features.max_age_days),
            description=description,
            tags={VERSION: str(features.version), HASH: features.hashes[name], **made_of},
            owner=features.owner,
        )
        for name, description in VIEWS.items()
    }
    service = FeatureService(
        name=SERVICE,
        features=[views[FEATURES][[*columns]], views[MODEL_INPUTS]],
        description="What the segmenter takes of a customer, and the same as it sees it",
        tags={"artifact_version": live.artifact_version},
        owner=features.owner,
    )
    return [source, entity, *views.values(), service]


def _about_feature(one: FeatureDefinition) -> dict[str, str]:
    told = {
        "unit": one.unit,
        "role": one.role,
        "formula": one.formula,
        "inputs": ", ".join(one.inputs),
        "labels": ", ".join(one.labels),
        "personal": "yes" if one.personal else "no",
    }
    return {name: text for name, text in told.items() if text}
