"""An ONNX model in a file: the only form in which this project stores a model."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import fsspec
from kedro.io import AbstractVersionedDataset
from kedro.io.core import get_filepath_str, get_protocol_and_path

if TYPE_CHECKING:
    import onnx


class OnnxModelDataset(AbstractVersionedDataset["onnx.ModelProto", "onnx.ModelProto"]):
    """Saves and loads an `onnx.ModelProto`; loading executes nothing.

    Args:
        filepath: A path or URL that fsspec can open.
        metadata: For plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """The file need not be there yet."""
        protocol, path = get_protocol_and_path(filepath)
        self._protocol = protocol
        self._fs = fsspec.filesystem(
            protocol, **({"auto_mkdir": True} if protocol == "file" else {})
        )
        self.metadata = metadata
        super().__init__(PurePosixPath(path), None, self._fs.exists, self._fs.glob)

    def load(self) -> onnx.ModelProto:
        """The model, which is one file of a bounded size, checked against the ONNX standard."""
        import onnx  # noqa: PLC0415 - only models need it

        from customer_segmentation.scoring.artifact_file import (  # noqa: PLC0415 - as above
            MAX_BYTES,
            read_model,
        )

        with self._fs.open(self._path(self._get_load_path()), "rb") as file:
            # First: the checker looks for other files that a model names.
            model = read_model(file.read(MAX_BYTES + 1))
        onnx.checker.check_model(model)
        return model

    def save(self, data: onnx.ModelProto) -> None:
        """Write the model's bytes, the same for the same model."""
        with self._fs.open(self._path(self._get_save_path()), "wb") as file:
            file.write(data.SerializeToString(deterministic=True))

    def _path(self, path: PurePosixPath) -> str:
        return get_filepath_str(path, self._protocol)

    def _exists(self) -> bool:
        return bool(self._fs.exists(self._path(self._get_load_path())))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "protocol": self._protocol}
