"""The pipelines, one folder each: `pipeline.py` wires the nodes of `nodes.py`."""
