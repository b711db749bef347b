# Databricks notebook source
# MAGIC %md
# MAGIC Makes the views for analysts, and gives each gold table and column its comment. Run it after a first run, and when the schema of customers has changed; what is not there yet is passed over.

# COMMAND ----------

dbutils.widgets.text("catalog", "dev")
dbutils.widgets.text("folder", "")

# COMMAND ----------

from pathlib import Path

from pyspark.errors import AnalysisException

spark.catalog.setCurrentCatalog(dbutils.widgets.get("catalog"))
done, absent = 0, set()
for name in ("comments.sql", "views.sql"):
    text = Path(dbutils.widgets.get("folder"), name).read_text(encoding="utf-8")
    for statement in filter(str.strip, text.split(";\n")):
        try:
            spark.sql(statement)
            done += 1
        except AnalysisException as error:
            if error.getCondition() != "TABLE_OR_VIEW_NOT_FOUND":
                raise
            absent.add(error.getMessageParameters()["relationName"])
print(f"{done} statements; not there yet: {', '.join(sorted(absent)) or 'nothing'}")
