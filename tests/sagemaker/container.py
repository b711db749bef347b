"""What SageMaker gives a container, in a folder of the test's."""

from __future__ import annotations

import tarfile
from pathlib import Path


def container(base: Path, port: int) -> dict[str, str]:
    """What differs from a container's own: its folder, its port, and that only we hear it."""
    return {
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SEGMENTATION_SERVING_HOST": "127.0.0.1",
        "SEGMENTATION_SERVING_WORKERS": "1",
    }


def unpack(archive: Path, base: Path) -> None:
    """As SageMaker does before it starts the container."""
    with tarfile.open(archive) as packed:
        packed.extractall(base / "model", filter="data")
