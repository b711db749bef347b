"""What Lambda runs in place of EMR in the emulator: a job, in a process of this checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any


def handle(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Run a job as EMR would: in a folder without anything of an earlier one.

    Args:
        event: Its `arguments`.

    Returns:
        How it ended, as customer_segmentation.cloud_job says it.

    Raises:
        RuntimeError: The job crashed.
    """
    checkout = Path(os.environ["CHECKOUT"])
    folder = Path(tempfile.mkdtemp(prefix="job-"))
    try:
        for name in ("conf", "pyproject.toml"):
            (folder / name).symlink_to(checkout / name)
        told = folder / "outcome.json"
        arguments = [each for each in event["arguments"] if not each.startswith("--OUTCOME=")]
        script = checkout / "deploy/aws/jobs/segmentation.py"
        done = subprocess.run(  # noqa: S603 - this checkout's own
            [os.environ["JOB_PYTHON"], script, f"--OUTCOME={told}", *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(checkout / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2_000:])
        outcome: dict[str, str] = json.loads(told.read_text("utf-8"))
        return outcome
    finally:
        shutil.rmtree(folder)
