"""An ONNX model in a file: the only format in which this project stores models."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import fsspec
from kedro.io import AbstractDataset
from kedro.io.core import get_filepath_str, get_protocol_and_path

if TYPE_CHECKING:
    import onnx


class OnnxModelDataset(AbstractDataset["onnx.ModelProto", "onnx.ModelProto"]):
    """Saves and loads an `onnx.ModelProto`; loading executes nothing.

    Args:
        filepath: A path or URL that fsspec can open.
        metadata: For plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """The file need not be there yet."""
        self._protocol, path = get_protocol_and_path(filepath)
        options = {"auto_mkdir": True} if self._protocol == "file" else {}
        self._fs = fsspec.filesystem(self._protocol, **options)
        # `WholeFilesCatalog` uses these names.
        self._filepath = PurePosixPath(path)
        self.metadata = metadata

    def load(self) -> onnx.ModelProto:
        """The model: a single file of limited size that conforms to the ONNX standard."""
        import onnx  # noqa: PLC0415 - only models need it

        from customer_segmentation.scoring.artifact_file import (  # noqa: PLC0415 - as above
            MAX_BYTES,
            read_model,
        )

        with self._fs.open(self._path(), "rb") as file:
            # First, since the checker opens other files that a model names.
            model = read_model(file.read(MAX_BYTES + 1))
        onnx.checker.check_model(model)
        return model

    def save(self, data: onnx.ModelProto) -> None:
        """Write the bytes of the model, the same for equal models."""
        with self._fs.open(self._path(), "wb") as file:
            file.write(data.SerializeToString(deterministic=True))

    def _path(self) -> str:
        return get_filepath_str(self._filepath, self._protocol)

    def _exists(self) -> bool:
        return bool(self._fs.exists(self._path()))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._path(), "protocol": self._protocol}
