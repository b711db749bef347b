"""The folders that SageMaker lays out in a container."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# As SageMaker's own toolkits name it.
BASE = "SAGEMAKER_BASE_DIR"


@dataclass(frozen=True)
class Folders:
    """Folders below `/opt/ml`.

    Attributes:
        base: `/opt/ml`, or what `SAGEMAKER_BASE_DIR` names.
    """

    base: Path

    @classmethod
    def here(cls) -> Folders:
        """Those of this container."""
        return cls(Path(os.environ.get(BASE) or "/opt/ml"))

    @property
    def model(self) -> Path:
        """The unpacked `model.tar.gz` to serve; what is left in it by training becomes one."""
        return self.base / "model"

    @property
    def hyperparameters(self) -> Path:
        """A JSON object of text by name."""
        return self.base / "input" / "config" / "hyperparameters.json"

    def channel(self, name: str) -> Path:
        """The folder of the files of a channel."""
        return self.base / "input" / "data" / name

    @property
    def reports(self) -> Path:
        """What is kept beside the model, as `output.tar.gz`."""
        return self.base / "output" / "data"

    @property
    def failure(self) -> Path:
        """Why training failed, which SageMaker shows."""
        return self.base / "output" / "failure"
