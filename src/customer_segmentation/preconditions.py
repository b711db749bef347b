"""What must hold before anything of a run starts."""

from __future__ import annotations

import os
from typing import Any

from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from pydantic import ValidationError

from customer_segmentation.datasets.bundle_store import no_champion
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.flow import SOURCE, command, is_parameter
from customer_segmentation.pipeline_registry import CHAMPION, ORDER, RESPONSE_CHAMPION
from customer_segmentation.promotion.parameters import PromotionParameters
from customer_segmentation.spark import require_java

Catalog = CatalogProtocol[Any, Any]

_ONLINE = "online_features"
_OUTCOMES, _SET_OUTCOMES = "outcomes", "SEGMENTATION_OUTCOMES"
_NO_BUCKET = (
    "staging has no bucket yet: set SEGMENTATION_BUCKET to one that you may write to, or run "
    "`make staging`, which rehearses staging on this machine."
)


def require_bucket(tables: str) -> None:
    """Check that an environment in a bucket has one.

    Raises:
        UserError: No bucket is set.
    """
    if tables.rstrip("/") in {"s3:", "s3a:"}:
        raise UserError(_NO_BUCKET)


def require_environment(tables: str, pipeline: Pipeline, catalog: Catalog) -> None:
    """Check that an environment has what it needs.

    Args:
        tables: The root of its tables.
        pipeline: What is to run.
        catalog: Where its data is.

    Raises:
        UserError: No bucket is set, or there is no Java for Spark.
    """
    require_bucket(tables)
    kinds = (type(catalog.get(name)).__module__ for name in pipeline.datasets())
    if any("spark" in kind or "delta" in kind or "databricks" in kind for kind in kinds):
        require_java()


def require_known_parameters(catalog: Catalog, run_params: dict[str, Any]) -> None:
    """Refuse blocks that no pipeline reads, since they have no effect, and a wrong `promotion`.

    Kedro checks only the blocks that a step of the run takes, and the end of each run reads that.

    Raises:
        UserError: Names what is wrong.
    """
    given = catalog.load("parameters")
    inputs = set().union(*(pipeline.inputs() for pipeline in pipelines.values()))
    blocks = {name.split(":")[1].split(".")[0] for name in inputs if ":" in name}
    known = sorted(blocks)
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise UserError(f"wrong parameters: no pipeline reads {unknown}; the blocks are {known}")
    try:
        promotion = PromotionParameters.model_validate(given["promotion"])
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        where = ".".join(("promotion", *map(str, wrong["loc"])))
        problem = wrong["msg"].removeprefix("Value error, ")
        raise UserError(f"wrong parameters: `{where}`: {problem}") from error
    typed = (run_params.get("runtime_params") or {}).get("promotion", {})
    if "bounds" in typed and not promotion.approver:
        raise UserError(
            "wrong parameters: bounds of gates belong in conf/<env>/parameters_promotion.yml, "
            "where others see them change; whoever types some adds `promotion.approver` and "
            "`promotion.reason`, which are recorded"
        )


def require_feature_store(pipeline: Pipeline, catalog: Catalog) -> None:
    """Check that the online store answers, if the run is to fill one.

    Raises:
        UserError: It does not, or there is no such kind.
    """
    if _ONLINE not in pipeline.all_outputs():
        return
    dataset: Any = catalog.get(_ONLINE)
    if getattr(dataset, "is_on", False):
        online = dataset.open()
        online.live()
        online.store.close()


def require_inputs(run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog) -> None:
    """Refuse a run whose inputs do not exist yet.

    Raises:
        UserError: Names them, and the command that makes them.
    """
    missing = _missing(pipeline, catalog)
    if _OUTCOMES in missing:
        named = os.environ.get(_SET_OUTCOMES)
        raise UserError(
            f"{named}: there is no such file. {_SET_OUTCOMES} names the outcomes of a campaign"
            if named
            else f"no outcomes are named: set {_SET_OUTCOMES} to a file of what came of the "
            "campaign, with the columns customer_id and answered (0 or 1) or amount"
        )
    if missing & {CHAMPION, RESPONSE_CHAMPION}:
        raise UserError(no_champion(run_params["env"] or "dev"))
    if missing:
        wanted, needed = [], missing
        # Backwards, so that the missing inputs of a pipeline are known before its makers.
        for name in reversed(list(pipelines)):
            if name in ORDER and needed & pipelines[name].all_outputs():
                wanted.append(name)
                needed = needed | _missing(pipelines[name], catalog)
        raise UserError(
            f"{', '.join(sorted(missing))} {'is' if len(missing) == 1 else 'are'} not there yet: "
            f"run {command(wanted, {**run_params, 'pipeline_names': ()})}"
        )


def _missing(pipeline: Pipeline, catalog: Catalog) -> set[str]:
    needed = {name for name in pipeline.inputs() if not is_parameter(name)}
    return {name for name in needed - {SOURCE} if not catalog.exists(name)}
