"""Evidently's PSI and Wasserstein distance of each column of two tables, as JSON, with their time.

`benchmarks/monitoring.py` runs it by the Python of an environment that has evidently 0.7.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter


def main() -> None:
    """Read two CSV files, of the reference and of what is compared with it."""
    try:
        import pandas as pd  # noqa: PLC0415 - of another environment
        from evidently.legacy.calculations.stattests import psi, wasserstein_distance_norm  # noqa: PLC0415 - as above
        from evidently.legacy.core import ColumnType  # noqa: PLC0415 - as above
    except ImportError:
        print("Evidently 0.7 is not in this environment: benchmarks/monitoring.py compares with it")
        return
    reference, current = (pd.read_csv(path) for path in sys.argv[1:3])
    start = perf_counter()
    found = {}
    for name in reference:
        pair = reference[name], current[name], ColumnType.Numerical
        found[name] = {
            "psi": float(psi._psi(*pair, 0.1)[0]),  # noqa: SLF001 - what its reports call
            "wasserstein": float(
                wasserstein_distance_norm._wasserstein_distance_norm(*pair, 0.1)[0]  # noqa: SLF001 - as above
            ),
        }
    print(json.dumps({"seconds": perf_counter() - start, "columns": found}))


if __name__ == "__main__":
    main()
