"""How long a promotion to staging and a rollback take, for a million customers.

Whole commands, their start included: staging on Polars against versitygw (`make services`), else
moto, with generated customers; dev has learned its bundles from the shipped sample. The first
promotion has no champion to compare with, the second is compared with the first.
Targets: 60 s for a promotion, 5 s for a rollback.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from report import arguments, machine, table, write_json
from scale import s3

from tests.runs.project import Project, make_project
from tools.generator import write

PROMOTE = ("run", "--env=staging", "--pipelines=promotion")
# The figures are not what is measured: gates that refuse would end the comparison.
WIDE = "promotion.approver=bench,promotion.reason=timed"


def parsed() -> Any:  # noqa: ANN401 - argparse
    """The command line."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="default 1,000,000")
    return parser.parse_args()


def main() -> None:
    """Print seconds of each command."""
    options = parsed()
    with tempfile.TemporaryDirectory() as folder, s3() as settings:
        project = make_project(Path(folder) / "project")
        source = write(Path(folder) / "customers.csv", options.rows, seed=1, file_rows=options.rows)
        timed(project, "run")
        staging = settings | {"SEGMENTATION_SOURCE": str(source[0])}
        timed(
            *(project, "run", "--env=staging", "--pipelines=ingestion,preprocessing"),
            settings=staging,
        )
        first = timed(project, *PROMOTE, f"--params={WIDE}", settings=staging)
        # Other start values are enough for another bundle.
        timed(project, "run", "--params=clustering.seed=2,clustering.cap_quantile=0.94")
        second = timed(project, *PROMOTE, f"--params={WIDE}", settings=staging)
        back = timed(
            *(project, "rollback", "--env=staging", "--approver=bench", "--reason=timed"),
            settings=staging,
        )
    rows = [
        {"command": name, "customers": options.rows, "seconds": seconds, "target": target}
        for name, seconds, target in (
            ("first promotion", first, 60),
            ("promotion against a champion", second, 60),
            ("rollback", back, 5),
        )
    ]
    table(rows)
    print(machine())
    write_json(options.json, {"promotion": rows})


def timed(project: Project, *arguments: str, settings: dict[str, str] | None = None) -> float:
    """Seconds of a command of kedro's, in a process of its own."""
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - this project's own command
        [str(Path(sys.executable).with_name("kedro")), *arguments],
        cwd=project.root,
        env=os.environ | (settings or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{arguments} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
