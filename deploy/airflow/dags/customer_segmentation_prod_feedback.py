"""The schedule `prod_feedback` of customer segmentation.

Written by `make deploy` with kedro-airflow, from the Kedro graph and deploy/deployment.yml. Each task
is a run of its own in the project's own environment, which Airflow's worker need not share.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

# The checkout, or the folder that holds `conf` beside an installed package, and its `kedro`.
PROJECT = os.environ.get("SEGMENTATION_PROJECT", ".")
KEDRO = os.environ.get("SEGMENTATION_KEDRO", "kedro")

with DAG(
    dag_id="customer_segmentation_prod_feedback",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # The tables of an environment are one run's at a time, and a task is a run.
    max_active_runs=1,
    max_active_tasks=1,
    tags=["customer-segmentation", "prod"],
) as dag:
    feedback = BashOperator(
        task_id="feedback",
        bash_command=f"{KEDRO} run --env=prod --pipeline=feedback",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        execution_timeout=timedelta(minutes=30),
    )
