"""The scoring function's zip, as it lies on Lambda."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Unpacked:
    """A zip and the folder it was unpacked in."""

    zipped: Path
    folder: Path
