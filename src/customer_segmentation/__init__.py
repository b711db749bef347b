"""Customer segmentation: who spends, who waits for offers, and what to offer whom."""

import os
import sys

if sys.flags.optimize > 1:
    sys.exit(
        "Error: Python was told to leave docstrings out (PYTHONOPTIMIZE=2, -OO), and the decisions"
        " are described by theirs: unset PYTHONOPTIMIZE, or set it to 1"
    )

# Kedro, Kedro-Viz and MLflow send usage statistics; turn that off before they are imported, also
# where the `.telemetry` file of the checkout is missing.
os.environ["DO_NOT_TRACK"] = "true"

__version__ = "0.1.0"
