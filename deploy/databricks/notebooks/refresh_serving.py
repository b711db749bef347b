# Databricks notebook source
# MAGIC %md
# MAGIC Has the endpoint serve the champion, after a promotion. Without an endpoint there is nothing to do.

# COMMAND ----------

dbutils.widgets.text("model", "")
dbutils.widgets.text("endpoint", "")

# COMMAND ----------

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.serving import Route, ServedEntityInput, TrafficConfig

workspace, model = WorkspaceClient(), dbutils.widgets.get("model")
name = dbutils.widgets.get("endpoint")
version = str(workspace.model_versions.get_by_alias(model, "champion").version)
try:
    config = workspace.serving_endpoints.get(name).config
except NotFound:
    told = f"there is no endpoint {name}"
else:
    served = config.served_entities[0]
    told = f"{name} serves version {version} of {model}"
    if served.entity_version != version:
        workspace.serving_endpoints.update_config(
            name,
            served_entities=[
                ServedEntityInput(
                    name=served.name,
                    entity_name=model,
                    entity_version=version,
                    workload_size=served.workload_size,
                    scale_to_zero_enabled=served.scale_to_zero_enabled,
                )
            ],
            traffic_config=TrafficConfig([Route(100, served_model_name=served.name)]),
        )
        told += " from now on"
print(told)
