"""The bundles of an environment in MLflow's registry, with the aliases `candidate` and `champion`.

The log of promotions is the truth; the registry shows the same to those who use MLflow.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from customer_segmentation.bundles.bundle import StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.scoring.metadata import has_model
from customer_segmentation.scoring.mlflow_model import flavour
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    from mlflow import MlflowClient

CANDIDATE, CHAMPION = "candidate", "champion"
_BUNDLE, _PREFIX = "bundle", "customer_segmentation"

_log = logging.getLogger(__name__)


def model_name(store: BundleStore, file: str) -> str:
    """The registered name of a bundle's model, such as `customer_segmentation_dev_segmenter`.

    Bundles in a volume of Unity Catalog's are registered beside it, under three names:
    `prod.gold.customer_segmentation_segmenter`.
    """
    model = file.removesuffix(".onnx")
    if in_volume := re.match("/Volumes/([^/]+)/([^/]+)/", store.root):
        return f"{in_volume[1]}.{in_volume[2]}.{_PREFIX}_{model}"
    return f"{_PREFIX}_{store.environment}_{model}"


def register(bundle: StoredBundle, store: BundleStore, alias: str) -> None:
    """Have an alias name the versions of a bundle's models.

    Versions that are not there yet are made in the active run of MLflow's; outside of one they are
    left out. A registry that does not answer is told as a warning.
    """
    import mlflow  # noqa: PLC0415 - slow import
    from mlflow import MlflowClient  # noqa: PLC0415 - as above
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - as above

    try:
        client, is_run = MlflowClient(), mlflow.active_run() is not None
        for file in bundle.models:
            content, name = bundle.files[file], model_name(store, file)
            if not has_model(verified(content)):
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
    """The version of a bundle; Unity Catalog finds versions by name alone, and without tags."""
    token, asked = None, f"name = '{name}'"
    if "." not in name:
        asked += f" AND tags.{_BUNDLE} = '{bundle_id}'"
    while True:
        found = client.search_model_versions(asked, page_token=token)
        for version in (str(each.version) for each in found):
            if client.get_model_version(name, version).tags.get(_BUNDLE) == bundle_id:
                return version
        if not (token := found.token):
            return None


def _require_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - slow import

    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(name)


def _made(client: MlflowClient, name: str, bundle: StoredBundle, file: str) -> str:
    import mlflow  # noqa: PLC0415 - slow import

    scorer = Scorer(bundle.files[file])
    logged = mlflow.onnx.log_model(
        name=file.removesuffix(".onnx"), **flavour(scorer, bundle.files[file])
    )
    # Not by `registered_model_name`, which prints two lines on the terminal.
    _require_model(client, name)
    made = client.create_model_version(
        name,
        logged.model_uri,
        logged.run_id,
        tags={_BUNDLE: bundle.id, ARTIFACT_VERSION: scorer.version},
        model_id=logged.model_id,
    )
    return str(made.version)
