"""The history of features in Parquet files as Feast reads it: training sets as of asked times.

Feast imports this module by the path of the class in `feature_store.yaml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
from feast import FeatureView, OnDemandFeatureView
from feast.infra.offline_stores.dask import DaskRetrievalJob
from feast.infra.offline_stores.file_source import FileSource
from feast.infra.offline_stores.offline_store import (
    OfflineStore,
    RetrievalJob,
    RetrievalMetadata,
)
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.utils import (
    _get_requested_feature_views_to_features_dict,
    _get_requested_on_demand_feature_views,
    compute_non_entity_date_range,
)
from pyarrow.dataset import dataset, field
from pydantic import StrictStr

from customer_segmentation.datasets.pending import filesystem_of
from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import no_feature
from customer_segmentation.feature_store.feast.online import FILLED_BY
from customer_segmentation.schema.parts import KEY
from customer_segmentation.tables.history import CREATED, statement_of
from customer_segmentation.tables.schemas import EVENT_TIME

_ASKED, _PLACE = "__asked", "__place"


class HistoryOfflineStoreConfig(FeastConfigBaseModel):
    """The block `offline_store` of feature_store.yaml.

    Attributes:
        type: The path of the class.
    """

    type: StrictStr = f"{__name__}.HistoryOfflineStore"


class HistoryOfflineStore(OfflineStore):
    """Joins a folder of statements to asked customers and times.

    Feast 0.67's own store of files drops who is asked for before their first snapshot, and of two
    statements for one day takes either: it sorts by one column after the other, and its sort is
    not stable.
    """

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(  # noqa: PLR0913, PLR0917 - as the parent has it
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: Any,  # noqa: ANN401 - Feast takes SQL too
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,  # noqa: FBT001, FBT002 - as above
        filter_by_created_timestamp: bool = False,  # noqa: FBT001, FBT002 - as above
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> RetrievalJob:
        """Each asked row, in its order, with the last values of its customer at its time.

        Args:
            config: Of the store.
            feature_views: Those that are asked for.
            feature_refs: The features, as `view:feature`.
            entity_df: `customer_id` and `event_timestamp`, and what else is to be kept; None for
                every customer as of `end_date`.
            registry: Where the views are defined.
            project: Their project.
            full_feature_names: Whether columns are named `view__feature`.
            filter_by_created_timestamp: Whether only what had been recorded by the asked time
                counts, too.
            kwargs: `start_date` and `end_date`.

        Raises:
            UserError: The table that asks lacks a column, or a feature does not exist.
        """
        on_demand = _get_requested_on_demand_feature_views(feature_refs, project, registry)
        views, _ = _get_requested_feature_views_to_features_dict(
            feature_refs, feature_views, on_demand
        )
        if entity_df is None:
            start, end = compute_non_entity_date_range(
                feature_views, kwargs.get("start_date"), kwargs.get("end_date")
            )
            asked = _everybody(config, feature_views, start, end)
        else:
            asked = _checked(entity_df, feature_views)
        times = asked[EVENT_TIME]

        def joined() -> Any:  # noqa: ANN401 - Feast calls `compute` on it
            table = asked
            for view, features in views.items():
                named = view.projection.name_alias or view.projection.name
                prefix = f"{named}__" if full_feature_names else ""
                found = _as_of(config, view, features, asked, is_known=filter_by_created_timestamp)
                found = found.add_prefix(prefix)
                if twice := sorted({*found} & {*table}):
                    raise UserError(f"{twice[0]}: the table that asks has a column of this name")
                table = pd.concat([table, found], axis="columns")
            return dd.from_pandas(table, npartitions=1)  # type: ignore[no-untyped-call]  # dask's own

        return DaskRetrievalJob(
            joined,
            full_feature_names,
            repo_path=str(config.repo_path),
            on_demand_feature_views=OnDemandFeatureView.get_requested_odfvs(
                feature_refs, project, registry
            ),
            metadata=RetrievalMetadata(
                features=feature_refs,
                keys=[str(name) for name in asked if name != EVENT_TIME],
                min_event_timestamp=times.min(),
                max_event_timestamp=times.max(),
            ),
        )

    @staticmethod
    def pull_latest_from_table_or_query(*_: Any, **__: Any) -> NoReturn:  # noqa: ANN401 - whatever it brings
        """Refuse to: only `materialize` asks for it.

        Raises:
            UserError: Always; says what fills the online store.
        """
        raise UserError(FILLED_BY)

    pull_all_from_table_or_query = pull_latest_from_table_or_query


def _checked(asked: Any, views: list[FeatureView]) -> pd.DataFrame:  # noqa: ANN401 - as above
    """The table that asks, with times in UTC and rows numbered from 0."""
    if not isinstance(asked, pd.DataFrame):
        raise UserError("give the customers and times to join to as a table of pandas")
    for name in (EVENT_TIME, *(_key_of(view) for view in views)):
        if name not in asked:
            raise UserError(f"the table that asks has no column `{name}`")
    for name in {_key_of(view) for view in views}:
        if not pd.api.types.is_string_dtype(asked[name]):
            raise UserError(f"the table that asks has numbers as `{name}`: make them text")
    times = pd.to_datetime(asked[EVENT_TIME], utc=True)
    if times.isna().any():
        raise UserError(f"the table that asks has rows without `{EVENT_TIME}`")
    return asked.assign(**{EVENT_TIME: times}).reset_index(drop=True)


def _everybody(
    config: RepoConfig, views: list[FeatureView], start: datetime, end: datetime
) -> pd.DataFrame:
    """Every customer of a snapshot in a period, asked for as of its end."""
    rows = pd.concat([_rows(config, view, [], end) for view in views])
    keys = rows.loc[rows[EVENT_TIME] >= pd.to_datetime(start, utc=True), KEY]
    told = pd.DataFrame({KEY: sorted(keys.unique())})
    return told.assign(**{EVENT_TIME: pd.to_datetime(end, utc=True)})


def _as_of(
    config: RepoConfig,
    view: FeatureView,
    features: Sequence[str],
    asked: pd.DataFrame,
    *,
    is_known: bool,
) -> pd.DataFrame:
    """The features of each asked row at its time; null where there are none yet."""
    questions = pd.DataFrame({KEY: asked[_key_of(view)], _ASKED: asked[EVENT_TIME]})
    latest = questions[_ASKED].max()
    rows = _rows(config, view, features, latest, questions[KEY].unique().tolist())
    answers = rows[[KEY, EVENT_TIME, CREATED]].rename_axis(_PLACE).reset_index()
    pairs = questions.rename_axis("row").reset_index().merge(answers, on=KEY)
    is_fit = pairs[EVENT_TIME] <= pairs[_ASKED]
    if view.ttl:
        is_fit &= pairs[EVENT_TIME] >= pairs[_ASKED] - view.ttl
    if is_known:
        is_fit &= pairs[CREATED] <= pairs[_ASKED]
    last = pairs[is_fit].sort_values([EVENT_TIME, CREATED]).drop_duplicates("row", keep="last")
    places = last.set_index("row")[_PLACE].reindex(questions.index, fill_value=-1)
    # No row has the place -1.
    return rows[[*features]].reindex(places).set_axis(questions.index)


def _rows(
    config: RepoConfig,
    view: FeatureView,
    features: Sequence[str],
    latest: datetime,
    keys: list[str] | None = None,
) -> pd.DataFrame:
    """What was stated up to a day, of all customers or some; later files are not opened."""
    source = view.batch_source
    assert isinstance(source, FileSource)  # noqa: S101 - the registry is made by this project
    files, folder = filesystem_of(source.get_uri_for_file_path(config.repo_path, source.path))
    try:
        paths = files.ls(folder, detail=False)
    except FileNotFoundError:
        paths = []
    names = (path.rpartition("/")[2] for path in paths)
    statements = sorted(one for one in map(statement_of, names) if one)
    if not statements:
        raise UserError(f"{folder}: there is no history of features yet: make feature-store")
    numbers = [(name, pa.float64()) for name in features]
    moment = pa.timestamp("ns")
    shape = pa.schema([(KEY, pa.string()), (EVENT_TIME, moment), (CREATED, moment), *numbers])
    tables = [shape.empty_table()]
    seen = set[str]()
    for statement in statements:
        part = dataset(f"{folder}/{statement.part}", filesystem=files, format="parquet")
        seen |= {*part.schema.names}
        if statement.as_of <= latest.date():
            columns = [name for name in shape.names if name in part.schema.names]
            tables.append(part.to_table(columns, None if keys is None else field(KEY).isin(keys)))
    for name in features:
        if name not in seen:
            raise no_feature(name, seen)
    rows = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    times = {name: pd.to_datetime(rows[name], utc=True) for name in (EVENT_TIME, CREATED)}
    return rows.assign(**times)


def _key_of(view: FeatureView) -> str:
    """The column of the table that asks; it may be named otherwise than the view's."""
    name: str = view.projection.join_key_map.get(KEY, KEY)
    return name
