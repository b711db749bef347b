"""Metrics of the active MLflow run, logged together."""

from __future__ import annotations

from time import time
from typing import Any

from kedro_mlflow.io.metrics import MlflowMetricsHistoryDataset


class MlflowMetricsDataset(MlflowMetricsHistoryDataset):  # type: ignore[misc]
    """kedro-mlflow's metrics, in one request.

    kedro-mlflow logs each value separately, and in the SQLite database of MLflow each is a commit
    that waits for the disk: about 90 of them take seconds on a slow one.
    """

    def _save(self, data: dict[str, Any]) -> None:
        import mlflow  # noqa: PLC0415 - seconds that commands which log nothing need not pay
        from mlflow.entities import Metric  # noqa: PLC0415 - as above

        if not (self._logging_activated and mlflow.active_run()):
            super()._save(data)
            return
        now = int(time() * 1000)
        metrics = [
            Metric(key, value, now, step)
            for name, item in data.items()
            for key, value, step in self._build_args_list_from_metric_item(name, item)
        ]
        mlflow.MlflowClient().log_batch(self.run_id, metrics=metrics)
