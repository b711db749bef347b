"""Read an artifact's file: one small, self-contained ONNX model, and nothing that points out of it.

The file comes from whoever can write to the store. onnxruntime opens the files that a model names,
so it gets nothing that was not read here first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from customer_segmentation.errors import UserError

if TYPE_CHECKING:
    import onnx

# Ours are of 10 to 20 kB; with every feature and column there is, of 160 kB.
MAX_BYTES = 1_000_000
# Nodes, attributes, constants, and all else that a file is made of; ours have 2,500 at most.
_MAX_PARTS = 20_000

# What our graphs are made of, by the names of onnx.proto. Data in other files, subgraphs and
# functions have names that are not here.
_FIELDS = {
    "ModelProto": (
        *("ir_version", "producer_name", "doc_string", "graph", "opset_import", "metadata_props"),
    ),
    "OperatorSetIdProto": ("domain", "version"),
    "StringStringEntryProto": ("key", "value"),
    "GraphProto": ("node", "name", "input", "output"),
    "NodeProto": ("input", "output", "name", "op_type", "attribute", "domain"),
    "AttributeProto": ("name", "type", "f", "i", "t"),
    "TensorProto": ("dims", "data_type", "raw_data"),
    "ValueInfoProto": ("name", "type"),
    "TypeProto": ("tensor_type",),
    "TypeProto.Tensor": ("elem_type", "shape"),
    "TensorShapeProto": ("dim",),
    "TensorShapeProto.Dimension": ("dim_value", "dim_param"),
}
_IN_WORDS = {
    "external_data": "keeps data in another file",
    "data_location": "keeps data in another file",
    "g": "has a graph inside a node",
    "graphs": "has a graph inside a node",
    "functions": "has functions of its own",
}


class WrongArtifactError(UserError):
    """The file is not one of this project's artifacts; its message goes on from "the artifact"."""

    def __str__(self) -> str:
        """The whole sentence, and what to do."""
        return f"the artifact {self.args[0]}. Promote the file that kedro run wrote"


def require(is_right: object, otherwise: str) -> None:
    """Raise WrongArtifactError, with words that go on from "the artifact", unless `is_right`."""
    if not is_right:
        raise WrongArtifactError(otherwise)


def shown(text: object, longest: int = 60) -> str:
    """A text out of a file, short and on one line, so that a log may hold it."""
    plain = json.dumps(str(text))[1:-1]
    return plain if len(plain) <= longest else plain[:longest] + "..."


def read_model(content: bytes) -> onnx.ModelProto:
    """The model in a file's bytes; its operators and metadata are not checked here.

    Raises:
        WrongArtifactError: It is too large, not a model, or refers to other files.
    """
    import onnx  # noqa: PLC0415 - only who opens a model needs it
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    is_small = len(content) <= MAX_BYTES
    require(is_small, f"is larger than the {MAX_BYTES} bytes allowed")
    try:
        model = onnx.ModelProto.FromString(content)
        _check_parts(model)
    # Of the second kind: a name that is no text.
    except (DecodeError, UnicodeDecodeError) as error:
        message = "is no ONNX model"
        raise WrongArtifactError(message) from error
    # Another reader might see something else in unknown fields, or in fields given twice.
    model.DiscardUnknownFields()
    require(
        model.SerializeToString(deterministic=True) == content,
        "is not written as this project writes one: its bytes may be read in two ways",
    )
    return model


def _check_parts(model: onnx.ModelProto) -> None:
    wrong = {}
    for count, (kind, field) in enumerate(_parts(model)):
        require(count < _MAX_PARTS, f"is made of more than {_MAX_PARTS} parts")
        if field not in _FIELDS.get(kind, ()):
            wrong[field] = f"({kind}.{field})"
    # The worst of them first.
    for field in [*_IN_WORDS, *wrong]:
        words = _IN_WORDS.get(field, "has what none of ours has")
        require(field not in wrong, f"{words} {wrong.get(field)}")


def _parts(message: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any protobuf message
    """(message, field) for every field that is set."""
    kind = message.DESCRIPTOR.full_name.removeprefix("onnx.")
    for field, value in message.ListFields():
        yield kind, field.name
        if field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                # Once more for each: a part may be empty.
                yield kind, field.name
                yield from _parts(part)
