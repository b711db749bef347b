"""Datasets that kedro-datasets lacks: text as sent, the ONNX artifact, files written whole."""
