"""The bundles of an environment in MLflow's registry, with the aliases `candidate` and `champion`.

The log of promotions is the truth; the registry shows the same to those who use MLflow.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from customer_segmentation.bundles.bundle import MODELS, StoredBundle
from customer_segmentation.scoring.metadata import NO_COLD_START
from customer_segmentation.scoring.mlflow_model import flavour
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    from mlflow import MlflowClient

CANDIDATE, CHAMPION = "candidate", "champion"
_BUNDLE = "bundle"

_log = logging.getLogger(__name__)


def model_name(environment: str, file: str) -> str:
    """The registered name of a bundle's model, such as `customer_segmentation_dev_segmenter`."""
    return f"customer_segmentation_{environment}_{file.removesuffix('.onnx')}"


def register(bundle: StoredBundle, environment: str, alias: str) -> None:
    """Have an alias name the versions of a bundle's models.

    Versions that are not there yet are made in the active run of MLflow's; outside of one they are
    left out. A registry that does not answer is told as a warning.
    """
    import mlflow  # noqa: PLC0415 - slow import
    from mlflow import MlflowClient  # noqa: PLC0415 - as above
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - as above

    try:
        client, is_run = MlflowClient(), mlflow.active_run() is not None
        for file in MODELS:
            content, name = bundle.files[file], model_name(environment, file)
            if verified(content)["kind"] == NO_COLD_START:
                continue
            version = _registered(client, name, bundle.id)
            if version is None and is_run:
                version = _made(client, name, bundle, file)
            if version:
                client.set_registered_model_alias(name, alias, version)
    except MlflowException as error:
        _log.warning(
            "MLflow's registry does not have bundle %s as %s (%s): the log of promotions does",
            *(bundle.id, alias, str(error).splitlines()[0]),
        )


def _registered(client: MlflowClient, name: str, bundle_id: str) -> str | None:
    found = client.search_model_versions(f"name = '{name}' AND tags.{_BUNDLE} = '{bundle_id}'")
    return str(found[0].version) if found else None


def _made(client: MlflowClient, name: str, bundle: StoredBundle, file: str) -> str:
    import mlflow  # noqa: PLC0415 - slow import

    scorer = Scorer(bundle.files[file])
    logged = mlflow.onnx.log_model(
        name=file.removesuffix(".onnx"), **flavour(scorer, bundle.files[file])
    )
    # Not by `registered_model_name`, which prints two lines on the terminal.
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    made = client.create_model_version(
        name,
        logged.model_uri,
        logged.run_id,
        tags={_BUNDLE: bundle.id, ARTIFACT_VERSION: scorer.version},
        model_id=logged.model_id,
    )
    return str(made.version)
