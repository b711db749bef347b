# Databricks notebook source
# MAGIC %md
# MAGIC Runs pipelines as the job does, by hand: attach it to a cluster of the job's kind, fill in the fields, run all.

# COMMAND ----------

dbutils.widgets.text("catalog", "dev")
dbutils.widgets.text("pipelines", "ingestion,preprocessing,eda")
# Of the deployed bundle: `databricks bundle summary` names its folder.
dbutils.widgets.text("files", "/Workspace/Users/<you>/.bundle/customer-segmentation/dev/files")
dbutils.widgets.text("environment", "databricks")

# COMMAND ----------

# MAGIC %pip install --quiet -r $files/requirements/core.txt $files/../artifacts/.internal/*.whl

# COMMAND ----------

import os

os.environ["SEGMENTATION_CATALOG"] = dbutils.widgets.get("catalog")

from customer_segmentation.__main__ import main

main(
    [
        f"--env={dbutils.widgets.get('environment')}",
        f"--conf-source={dbutils.widgets.get('files')}/conf",
        f"--pipelines={dbutils.widgets.get('pipelines')}",
    ]
)
