from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pytest

METRICS = {
    "inertia": [{"step": 2, "value": 6.0}, {"step": 3, "value": 4.0}],
    "chosen_inertia": {"step": 0, "value": 4.0},
}


def test_all_metrics_are_logged_with_their_steps_in_one_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Imported here, where the warnings of MLflow's own code are passed over.
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415

    from customer_segmentation.datasets.mlflow_metrics import (  # noqa: PLC0415
        MlflowMetricsDataset,
    )

    requests: list[int] = []
    log_batch = SqlAlchemyStore.log_batch

    def counted(store: Any, run_id: str, metrics: list[Any], **rest: Any) -> Any:
        requests.append(len(metrics))
        return log_batch(store, run_id, metrics, **rest)

    monkeypatch.setattr(SqlAlchemyStore, "log_batch", counted)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    try:
        # Not the one that other tests have set.
        experiment = mlflow.create_experiment("metrics")
        with mlflow.start_run(experiment_id=experiment) as run:
            MlflowMetricsDataset().save(METRICS)
        client = mlflow.MlflowClient()
        history = client.get_metric_history(run.info.run_id, "inertia")
        assert [(each.step, each.value) for each in history] == [(2, 6.0), (3, 4.0)]
        assert client.get_run(run.info.run_id).data.metrics["chosen_inertia"] == 4.0
    finally:
        mlflow.set_tracking_uri(before)
    assert requests == [3]
