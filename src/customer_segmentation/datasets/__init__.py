"""Datasets that kedro-datasets lacks: Polars and Delta tables, ONNX models, atomic files."""
