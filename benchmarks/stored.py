"""Bytes that a customer takes in each layer, after one run of staging's Parquet (zstd, Polars).

Generated customers; the figures stand in deploy/prices.yml, where the estimate of costs takes them.
`python benchmarks/stored.py [CUSTOMERS]`, 100,000 by default.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.services.s3 import serve_moto
from tools.generator import write

CHECKOUT = Path(__file__).parents[1]
BUCKET = "stored"


def main() -> None:
    """Run, and print bytes a customer by layer."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder, serve_moto() as server:
        project = Path(folder)
        shutil.copytree(CHECKOUT / "conf", project / "conf")
        shutil.copy(CHECKOUT / "pyproject.toml", project)
        (project / "src").mkdir()
        write(project / "customers.csv", customers, seed=7)
        server.make_bucket(BUCKET)
        subprocess.run(  # noqa: S603 - this environment's own
            [Path(sys.executable).with_name("kedro"), "run", "--env=staging"],
            cwd=project,
            env=os.environ
            | server.environment()
            | {"SEGMENTATION_BUCKET": BUCKET, "SEGMENTATION_SOURCE": "customers.csv"},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        sizes: dict[str, int] = {}
        pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        for one in (each for page in pages for each in page.get("Contents", [])):
            layer = one["Key"].split("/")[0]
            sizes[layer] = sizes.get(layer, 0) + one["Size"]
        landed = (project / "data" / "staging" / "landed" / "source.parquet").stat().st_size
        for layer, size in sorted({**sizes, "landed": landed}.items()):
            print(f"{layer:10} {size / customers:8.1f} bytes a customer")


if __name__ == "__main__":
    main()
