"""One process of a stream, to be killed: python -m tests.streaming.process ROLE BOOTSTRAP ..."""

from __future__ import annotations

import sys
from pathlib import Path

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.streaming.commands import run_role
from tests.streaming.home import stream_of

if __name__ == "__main__":
    role, bootstrap, root, models, name, *store = sys.argv[1:]
    stream = stream_of(
        bootstrap, Path(root), BundleStore(models, "dev"), name, store="".join(store)
    )
    try:
        run_role(stream, role, print)
    except UserError as error:
        sys.exit(f"Error: {error.message}")
