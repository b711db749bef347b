"""One run at a time in an environment: a lock on the folder or bucket of its tables.

The kernel locks a local folder and frees it however the process ends. On S3 a run holds a lease, a
small object that it renews; the lease of a killed run expires.
"""

from __future__ import annotations

import os
from pathlib import Path

from customer_segmentation.run_lock.base import STREAM, HeldError, RunLock
from customer_segmentation.run_lock.folder import LOCK, FolderLock
from customer_segmentation.run_lock.lease import LEASE, Lease

__all__ = ["EXPIRY", "LEASE", "LOCK", "STREAM", "HeldError", "RunLock", "run_lock"]

EXPIRY = 60.0
_LEASE_SECONDS = "SEGMENTATION_LEASE_SECONDS"


def run_lock(root: str, holder: str, expiry: float | None = None) -> RunLock:
    """The lock of an environment.

    Args:
        root: Folder of its tables: a local one, or `s3://bucket/folder` (also `s3a://`).
        holder: Name of the run, as others are told it.
        expiry: Seconds after which a lease on S3 expires unless renewed; by default
            SEGMENTATION_LEASE_SECONDS.
    """
    scheme, separator, path = root.partition("://")
    if not separator or scheme == "file":
        return FolderLock(Path(path or root), holder)
    if scheme in {"s3", "s3a"}:
        seconds = expiry or float(os.environ.get(_LEASE_SECONDS, EXPIRY))
        return Lease(root, holder, seconds)
    return RunLock(root, holder)
