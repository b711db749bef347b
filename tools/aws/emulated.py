"""An environment of `deploy/aws` made in an emulator, and gone at the end."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from customer_segmentation.errors import UserError
from tools.access.places import CHECKOUT
from tools.aws import job
from tools.aws.rehearsal import Rehearsal
from tools.deploy.lambda_zip import LANDING, SCORING, write_landing, write_scoring
from tools.lambda_runtime import link_runtime
from tools.ministack import Ministack, ministack_python, serve_ministack
from tools.terraform import Workspace

ENVIRONMENT = "staging"
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_JOB = "job"
_ANY_ROLE = "arn:aws:iam::000000000000:role/job"
# Parts that the emulator has none of, or whose content takes no part in a run.
LEFT_OUT = ("redshift", "transfer", "storage_gateway", "appflow", "sagemaker")


@contextmanager
def served() -> Iterator[tuple[Ministack, Path]]:
    """Give the emulator and a folder, both gone at the end.

    Raises:
        UserError: The emulator is not installed.
    """
    python = ministack_python()
    if python is None:
        message = "ministack is not there: make services"
        raise UserError(message)
    folder = Path(tempfile.mkdtemp(prefix="aws-"))
    try:
        with serve_ministack(python) as server:
            yield server, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def zips(folder: Path) -> dict[str, str]:
    """The functions' zips for this machine's Python, made in a folder."""
    write_scoring(folder, None, _PYTHON)
    write_landing(folder)
    return {"scoring": str(folder / SCORING), "landing": str(folder / LANDING)}


def applied(server: Ministack, folder: Path, made: dict[str, str]) -> Rehearsal:
    """Apply `deploy/aws` to the emulator.

    Args:
        server: The emulator.
        folder: For Terraform's copy.
        made: The paths of the functions' zips.

    Raises:
        UserError: Terraform is not installed, or something cannot be made.
    """
    workspace = Workspace.made(
        folder / "terraform",
        server.environment,
        {
            "environment": ENVIRONMENT,
            "region": "us-east-1",
            "emulated": True,
            "keep_data": False,
            "switches": dict.fromkeys(LEFT_OUT, False),
            "zips": made,
            "runtime": f"python{_PYTHON}",
            "job_function": _JOB,
        },
    )
    workspace.apply()
    rehearsal = Rehearsal(server, workspace)
    _make_job(rehearsal)
    _give_runtime(rehearsal, folder / "runtime")
    rehearsal.listen()
    return rehearsal


def _give_runtime(rehearsal: Rehearsal, folder: Path) -> None:
    """Let functions import boto3, which Lambda has and the emulator's workers have not."""
    client, added = rehearsal.server.client("lambda"), {"PYTHONPATH": str(link_runtime(folder))}
    outputs = rehearsal.outputs
    for name in (*outputs["scoring"]["functions"].values(), outputs["ingestion"]["name"]):
        said = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": said | added}
        )


def _make_job(rehearsal: Rehearsal) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(job.__file__, "job.py")
    settings = rehearsal.outputs["environment"] | {
        # What stands below is put there by whoever rehearses a promotion.
        "SEGMENTATION_MODELS_BELOW": f"s3://{rehearsal.bucket}/below",
        "CHECKOUT": str(CHECKOUT),
        "JOB_PYTHON": sys.executable,
        "NO_PROXY": "127.0.0.1",
    }
    rehearsal.server.client("lambda").create_function(
        FunctionName=_JOB,
        Runtime=f"python{_PYTHON}",
        Role=_ANY_ROLE,
        Handler="job.handle",
        Timeout=900,
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": settings | rehearsal.server.environment},
    )
