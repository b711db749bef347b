"""Serve the bundle that SageMaker has unpacked: `/ping` and `/invocations` on port 8080."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

from customer_segmentation.sagemaker.folders import Folders
from customer_segmentation.serving.__main__ import main

_SETTING = "SEGMENTATION_SERVING_"
# SageMaker names another port where several containers share a machine.
_PORT = "SAGEMAKER_BIND_TO_PORT"


def serve(folders: Folders) -> None:
    """Serve until SIGTERM.

    SageMaker authenticates callers itself and sends no key. Any setting of the server can be given
    as an environment variable of the model.
    """
    with TemporaryDirectory(prefix="segmentation-jobs-") as jobs:
        settings = {
            "HOST": "0.0.0.0",  # noqa: S104 - the container's
            "PORT": os.environ.get(_PORT) or "8080",
            "BUNDLE": str(folders.model),
            "BEHIND_GATEWAY": "true",
            "WORKERS": str(len(os.sched_getaffinity(0))),
            # No route that SageMaker calls makes jobs.
            "JOB_WORKERS": "0",
            "JOBS": jobs,
            # What is counted in its own folder would be lost with it: name a bucket instead.
            "MONITORING": "off",
        }
        for name, value in settings.items():
            os.environ.setdefault(_SETTING + name, value)
        main(["serve"])
