"""Features written to other products' feature stores: SageMaker's, and tables of Databricks."""
