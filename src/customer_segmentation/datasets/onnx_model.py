"""An ONNX model in a file: the only format in which this project stores models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedro.io.core import get_filepath_str
from kedro_datasets.text import TextDataset

if TYPE_CHECKING:
    import onnx


class OnnxModelDataset(TextDataset):  # type: ignore[misc]  # it ships no types
    """Saves and loads an `onnx.ModelProto`, as bytes of one file; loading executes nothing.

    Args:
        filepath: A path or URL that fsspec can open.
        metadata: For plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """The file need not be there yet."""
        super().__init__(filepath=filepath, metadata=metadata)

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
        return str(get_filepath_str(self._filepath, self._protocol))
