"""Avro's values are the cells that a Parquet file of them would land as."""

from __future__ import annotations

import io
import json
import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segmentation.errors import UserError
from customer_segmentation.sources.messages.decoding import Decoder
from customer_segmentation.sources.typed import as_text
from tests.sources.messages.made import Sent

DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
FLOATS = {"allow_nan": True, "allow_infinity": True}
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1))  # noqa: DTZ001 - made aware below
# Avro's type, Arrow's of the same, and values.
KINDS = {
    "boolean": ("boolean", pa.bool_(), st.booleans()),
    "int": ("int", pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "long": ("long", pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "float": ("float", pa.float32(), st.floats(width=32, **FLOATS)),
    "double": ("double", pa.float64(), st.floats(**FLOATS)),
    "string": (
        "string",
        pa.string(),
        st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    ),
    "enum": (
        {"type": "enum", "name": "e", "symbols": ["A", "B"]},
        pa.string(),
        st.sampled_from(["A", "B"]),
    ),
    "decimal": (
        DECIMAL,
        pa.decimal128(12, 2),
        st.decimals(-(10**9), 10**9, places=2).map(lambda value: value.quantize(Decimal("0.01"))),
    ),
    "date": (
        {"type": "int", "logicalType": "date"},
        pa.date32(),
        st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    ),
    "millis": (
        {"type": "long", "logicalType": "timestamp-millis"},
        pa.timestamp("ms", "UTC"),
        st.integers(0, 10**12).map(
            lambda ms: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
        ),
    ),
    "micros": (
        {"type": "long", "logicalType": "timestamp-micros"},
        pa.timestamp("us", "UTC"),
        MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)),
    ),
    "local": (
        {"type": "long", "logicalType": "local-timestamp-micros"},
        pa.timestamp("us"),
        MOMENTS,
    ),
    "midnight": (
        {"type": "long", "logicalType": "timestamp-micros"},
        pa.timestamp("us", "UTC"),
        st.dates(date(1970, 1, 1), date(2200, 1, 1)).map(
            lambda day: datetime(day.year, day.month, day.day, tzinfo=UTC)
        ),
    ),
    "seconds": (
        {"type": "long", "logicalType": "timestamp-millis"},
        pa.timestamp("ms", "UTC"),
        MOMENTS.map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC)),
    ),
}
NUMBERS = {"float": np.float32, "double": np.float64}


def schema_of(**kinds):
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    return {"type": "record", "name": "line", "fields": fields}


def binary(schema, record):
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(schema), record)
    return written.getvalue()


@pytest.fixture(scope="module")
def file_of(tmp_path_factory):
    """Types by field -> the file of a schema."""
    folder = tmp_path_factory.mktemp("avro")

    def file(**kinds):
        path = folder / f"{len([*folder.iterdir()])}.avsc"
        path.write_text(json.dumps(schema_of(**kinds)))
        return str(path)

    return file


@pytest.fixture(scope="module")
def decoders(file_of):
    return {
        name: Decoder("avro", file_of(cell=["null", kind])) for name, (kind, _, _) in KINDS.items()
    }


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_a_value_is_the_cell_that_parquet_would_have(decoders, name, data):
    kind, arrow, values = KINDS[name]
    value = data.draw(st.none() | values)
    sent = Sent(binary(schema_of(cell=["null", kind]), {"cell": value}))
    decoded = decoders[name].decode([sent])
    (cell,), (expected,) = decoded.rows["cell"].to_pylist(), as_text(pa.array([value], arrow))
    if name in NUMBERS and "e" in expected.as_py():
        # Arrow writes small and large ones with an exponent.
        assert NUMBERS[name](cell) == NUMBERS[name](expected.as_py())
        assert "e" not in cell or abs(value) >= 2**53
    else:
        assert cell == expected.as_py()


@given(value=st.binary(max_size=30))
def test_no_bytes_stop_the_decoder(decoders, value):
    decoded = decoders["decimal"].decode([Sent(value), Sent(b"\0")])
    assert len(decoded.rows) + len(decoded.rejected) == 2


def test_what_was_written_with_another_schema_is_rejected(file_of):
    decoder = Decoder("avro", file_of(ID="long"))
    longer = binary(schema_of(ID="long", town="string"), {"ID": 1, "town": "Bonn"})
    (rejected,) = decoder.decode(
        [Sent(longer), Sent(binary(schema_of(ID="long"), {"ID": 1}))]
    ).rejected
    assert rejected.reasons == (
        "the value is not of the Avro schema (it has bytes behind the last field)",
    )


def test_confluents_values_are_read_by_the_schema_of_their_number(file_of):
    """A schema that changes in the middle has a number of its own."""
    old, new = schema_of(ID="long"), schema_of(ID="long", town="string")
    decoder = Decoder("avro", {7: file_of(ID="long"), 9: file_of(ID="long", town="string")})
    messages = [
        Sent(struct.pack(">bI", 0, 7) + binary(old, {"ID": 1})),
        Sent(struct.pack(">bI", 0, 9) + binary(new, {"ID": 2, "town": "Bonn"})),
        Sent(struct.pack(">bI", 0, 8) + binary(old, {"ID": 3})),
        Sent(binary(old, {"ID": 4})),
    ]
    decoded = decoder.decode(messages)
    assert decoded.rows.select(["ID", "town"]).to_pylist() == [
        {"ID": "1", "town": ""},
        {"ID": "2", "town": "Bonn"},
    ]
    assert [each.reasons[0].partition("(")[2] for each in decoded.rejected] == [
        "it was written with schema 8, which the entry does not name)",
        "it does not begin with a zero byte and the number of a schema)",
    ]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ({"type": "array", "items": "int"}, "field 'cell' is of type 'array'"),
        ("bytes", "field 'cell' is of type 'bytes'"),
        (["string", "int"], "field 'cell' is of several types"),
    ],
)
def test_a_schema_that_is_no_flat_record_is_refused_before_anything_is_read(file_of, kind, says):
    with pytest.raises(UserError, match=says):
        Decoder("avro", file_of(cell=kind))


def test_a_file_that_is_no_schema_is_refused(tmp_path):
    file = tmp_path / "lines.avsc"
    with pytest.raises(UserError, match=r"lines\.avsc: it is no Avro schema"):
        Decoder("avro", str(file))
    file.write_text('{"type": "nothing"}')
    with pytest.raises(UserError, match=r"lines\.avsc: it is no Avro schema"):
        Decoder("avro", str(file))
    file.write_text('"string"')
    with pytest.raises(UserError, match="the schema is no record"):
        Decoder("avro", str(file))
