"""The schedule `staging` of customer segmentation.

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
    dag_id="customer_segmentation_staging",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # The tables of an environment are one run's at a time, and a task is a run.
    max_active_runs=1,
    max_active_tasks=1,
    tags=["customer-segmentation", "staging"],
) as dag:
    ingestion = BashOperator(
        task_id="ingestion",
        bash_command=f"{KEDRO} run --env=staging --pipeline=ingestion",
        cwd=PROJECT,
        append_env=True,
        retries=2,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    preprocessing = BashOperator(
        task_id="preprocessing",
        bash_command=f"{KEDRO} run --env=staging --pipeline=preprocessing",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    eda = BashOperator(
        task_id="eda",
        bash_command=f"{KEDRO} run --env=staging --pipeline=eda",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    clustering = BashOperator(
        task_id="clustering",
        bash_command=f"{KEDRO} run --env=staging --pipeline=clustering",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    lifetime_value = BashOperator(
        task_id="lifetime_value",
        bash_command=f"{KEDRO} run --env=staging --pipeline=lifetime_value",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    feature_export = BashOperator(
        task_id="feature_export",
        bash_command=f"{KEDRO} run --env=staging --pipeline=feature_export",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    label_generation = BashOperator(
        task_id="label_generation",
        bash_command=f"{KEDRO} run --env=staging --pipeline=label_generation",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    history = BashOperator(
        task_id="history",
        bash_command=f"{KEDRO} run --env=staging --pipeline=history",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    supervised_training = BashOperator(
        task_id="supervised_training",
        bash_command=f"{KEDRO} run --env=staging --pipeline=supervised_training",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    monitoring = BashOperator(
        task_id="monitoring",
        bash_command=f"{KEDRO} run --env=staging --pipeline=monitoring",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    reporting = BashOperator(
        task_id="reporting",
        bash_command=f"{KEDRO} run --env=staging --pipeline=reporting",
        cwd=PROJECT,
        append_env=True,
        retries=1,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=60),
    )
    ingestion >> preprocessing
    preprocessing >> eda
    preprocessing >> clustering
    preprocessing >> lifetime_value
    label_generation >> lifetime_value
    clustering >> feature_export
    lifetime_value >> feature_export
    preprocessing >> feature_export
    clustering >> label_generation
    preprocessing >> label_generation
    label_generation >> history
    preprocessing >> history
    clustering >> supervised_training
    label_generation >> supervised_training
    preprocessing >> supervised_training
    history >> monitoring
    preprocessing >> monitoring
    clustering >> reporting
    eda >> reporting
    history >> reporting
    label_generation >> reporting
    lifetime_value >> reporting
    monitoring >> reporting
    preprocessing >> reporting
    supervised_training >> reporting
    promotion = BashOperator(
        task_id="promotion",
        bash_command=f"{KEDRO} run --env=staging --pipeline=promotion",
        cwd=PROJECT,
        append_env=True,
        retries=0,
        execution_timeout=timedelta(minutes=30),
    )
    ingestion >> promotion
    preprocessing >> promotion
    eda >> promotion
    clustering >> promotion
    lifetime_value >> promotion
    feature_export >> promotion
    label_generation >> promotion
    history >> promotion
    supervised_training >> promotion
    monitoring >> promotion
    reporting >> promotion
    # What monitoring found is told to people; of a task that fails, Airflow tells.
    alerts = BashOperator(
        task_id="alerts",
        bash_command=f"{KEDRO} monitor alert --env=staging",
        cwd=PROJECT,
        append_env=True,
        retries=2,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(minutes=15),
    )
    feature_export >> alerts
    monitoring >> alerts
    reporting >> alerts
