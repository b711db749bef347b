"""What is known where it is asked whether to learn; and the end of a run that has no reason to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from pydantic import ValidationError

from customer_segmentation.bundles.bundle import RESPONSE
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import NothingDue
from customer_segmentation.monitoring.findings import Finding
from customer_segmentation.retraining.due import Situation, decide
from customer_segmentation.retraining.outcomes import FIRST
from customer_segmentation.retraining.parameters import RetrainingParameters
from customer_segmentation.scoring.metadata import VERSION, has_model
from customer_segmentation.scoring.verify import verified

DECISION = "retraining_decision"


def situation(
    bundles: BundleStore,
    monitoring: Mapping[str, Any] | None,
    calibration: Mapping[str, Any] | None,
    today: date,
) -> Situation:
    """What is known of an environment.

    Args:
        bundles: Its own.
        monitoring: What the last run of monitoring states; None before the first.
        calibration: What the last run of feedback states; None before the first.
        today: UTC.

    Raises:
        UserError: The champion cannot be read.
    """
    champion = bundles.champion()
    if champion is None:
        return Situation(today, "")
    response = verified(champion.files[RESPONSE]) if RESPONSE in champion.files else None
    is_known = response is not None and has_model(response)
    return Situation(
        today,
        champion.id,
        str(champion.about["artifact_version"]),
        str(response[VERSION]) if response and is_known else "",
        _day(champion.about.get("made_at")),
        tuple(Finding.of(one) for one in (monitoring or {}).get("findings", ())),
        (calibration or {}).get("versions", {}),
        bundles.challenger(),
        str(response["metrics"].get(FIRST, "")) if response and is_known else "",
    )


def require_due(pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
    """End a run of retraining before it begins, if there is no reason to learn.

    Raises:
        NothingDue: Says why not.
    """
    if DECISION not in pipeline.all_outputs():
        return
    given = catalog.load("params:retraining")
    try:
        is_checked = isinstance(given, RetrainingParameters)
        parameters = given if is_checked else RetrainingParameters.model_validate(given)
    except ValidationError:
        # Kedro says it, with each key, before anything runs.
        return
    bundles, monitoring, calibration = (
        catalog.load(name) for name in ("bundles", "latest_monitoring", "latest_calibration")
    )
    known = situation(bundles, monitoring, calibration, datetime.now(UTC).date())
    decision = decide(known, parameters)
    if not decision.is_due:
        raise NothingDue(f"nothing is due: {decision.reason}")


def _day(text: object) -> date | None:
    return date.fromisoformat(str(text)[:10]) if text else None
