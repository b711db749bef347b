"""What a message says, and why one says nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import CHANGE, PUT, REMOVED
from customer_segmentation.sources.json_records import decode_record
from customer_segmentation.sources.messages.decoding import OFFSET, PARTITION, Decoder
from tests.sources.messages.made import Sent, as_json


def rows_of(*messages, **settings):
    decoded = Decoder(**settings).decode(messages)
    assert not decoded.rejected
    return decoded.rows.to_pylist()


def reasons_of(message, **settings):
    """Why one message says nothing; another beside it is not touched by that."""
    good = Sent(b'{"ID": "1"}', b"1", 7)
    decoded = Decoder(**settings).decode([message, good])
    assert decoded.rows[OFFSET].to_pylist() == [7]
    (rejected,) = decoded.rejected
    assert rejected.message is message
    return rejected.reasons


def test_cells_are_written_as_json_lines_are():
    value = (
        b'{"ID": "00123", "n": 7.0, "big": 12345678901234567890, "p": 2.550, "ok": true, "x": null}'
    )
    cells = {"ID": "00123", "n": "7", "big": "12345678901234567890", "p": "2.550", "ok": "1"}
    assert rows_of(Sent(value, place=5)) == [cells | {"x": "", PARTITION: 0, OFFSET: 5}]


def test_a_message_without_a_column_has_an_empty_cell_and_a_new_column_is_told_with_its_place():
    decoder = Decoder(known=["ID"])
    decoded = decoder.decode([as_json(ID=1), as_json(ID=2, place=9, Town="Bonn")])
    assert decoded.rows["Town"].to_pylist() == ["", "Bonn"]
    assert decoded.new == {"Town": "partition 0, offset 9"}
    assert [*decoder.known] == ["ID", "Town"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"", "Expecting value"),
        (b"\xff\xfe", "can't decode"),
        (b"[1]", "not an object"),
        (b"7", "not an object"),
        (b'{"ID": 1', "delimiter"),
        (b'{"ID": 1, "ID": 2}', "repeated"),
        (b'{"ID": {"a": 1}}', "holds a list or an object"),
        (b'{"ID": NaN}', "no number"),
        (b'{"ID": "\\u0000"}', "NUL"),
        (b'{"ID": "\\ud800"}', "surrogates"),
        (b"[" * 100_000, "recursion"),
        (b'{" ID": 1}', "white space"),
        (b'{"": 1}', "is empty"),
        (b'{"landed__change": "removed"}', "landing adds"),
        (b'{"source_name": "other"}', "landing adds"),
        (b'{"%s": 1}' % (b"n" * 1001), "more than 1000 bytes"),
        (b'{"ID": "%s"}' % (b"x" * 70_000), "more than 65536 bytes"),
        (b'{"ID": "%s"}' % (b"x" * (1 << 20)), "more than 1048576 bytes"),
        (json.dumps({f"n{place}": 1 for place in range(1001)}).encode(), "more than 1000 names"),
        (None, "no value"),
    ],
)
def test_what_says_nothing_is_rejected_with_its_reason_alone(value, says):
    assert says in " ".join(reasons_of(Sent(value, b"1")))


def test_a_flood_of_names_over_many_messages_is_rejected_from_the_thousandth_on():
    decoder = Decoder()
    decoded = decoder.decode([as_json(**{f"n{place}": 1}) for place in range(1200)])
    assert (len(decoded.rows), len(decoded.rejected), len(decoder.known)) == (1000, 200, 1000)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (Sent(b'{"ID": "2"}', b"1"), "the message's key is not the 'ID' of its value"),
        (Sent(b'{"ID": "2"}'), "the message has no key"),
        (Sent(b'{"Town": "Bonn"}', b"1"), "it has no 'ID', the customer's key"),
        (Sent(b'{"ID": "1"}', b"\xff"), "the message's key is no text in UTF-8"),
        (Sent(None), "the message has neither a key nor a value"),
    ],
)
def test_a_key_that_is_not_the_customers_is_rejected(message, says):
    assert reasons_of(message, key="ID", required=["ID"]) == (says,)


def test_every_reason_of_a_message_is_told():
    message = Sent(b'{" Town": "Bonn"}')
    assert len(reasons_of(message, key="ID", required=["ID"])) == 3


def test_a_message_without_a_value_removes_the_customer_of_its_key():
    messages = (as_json("1", ID=1, Town="Bonn"), Sent(None, b"1", 1))
    rows = rows_of(*messages, key="ID", required=["ID"])
    assert [(row["ID"], row["Town"], row[CHANGE]) for row in rows] == [
        ("1", "Bonn", PUT),
        ("1", "", REMOVED),
    ]


def test_lines_without_their_identity_are_rejected_and_no_message_removes_them():
    required = {"required": ["invoice"]}
    assert reasons_of_lines(as_json("1", ID=1), **required) == ("it has no 'invoice'",)
    assert reasons_of_lines(Sent(None, b"1"), **required) == ("the message has no value",)
    assert reasons_of_lines(Sent(None, b"1")) == ("the message has no value",)


def reasons_of_lines(message, **settings):
    (rejected,) = Decoder(key="ID", **settings).decode([message]).rejected
    return rejected.reasons


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.dictionaries(
                st.sampled_from(["ID", "a", "b"]),
                st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
            ).map(lambda cells: json.dumps(cells).encode()),
        ),
        max_size=8,
    )
)
def test_no_message_is_lost_whatever_bytes_come(values):
    """Each is a row that says what a line of a file would, or is rejected; in order."""
    messages = [Sent(value, b"1", place) for place, value in enumerate(values)]
    decoded = Decoder().decode(messages)
    kept = decoded.rows[OFFSET].to_pylist()
    rejected = [each.message.offset() for each in decoded.rejected]
    assert sorted(kept + rejected) == [*range(len(values))]
    assert kept == sorted(kept)
    for row in decoded.rows.to_pylist():
        cells = decode_record(values[row[OFFSET]].decode())
        assert {name: row[name] for name in cells} == cells


def test_a_wrong_setting_is_refused_in_one_sentence():
    with pytest.raises(UserError, match="no format 'xml'"):
        Decoder("xml")
    with pytest.raises(UserError, match="`schema` names the file"):
        Decoder("avro")
    with pytest.raises(UserError, match="`schema` names the file"):
        Decoder("json", "lines.avsc")


def test_objects_in_a_message_are_read_by_their_paths_and_nothing_else():
    value = b'{"id": 1, "home": {"town": "Bonn", "a.b": {"c": 7.0}}, "tags": ["x"], "vip": true}'
    columns = ["id", "home.town", r"home.a\.b.c", "home.none"]
    (row,) = rows_of(Sent(value, b"1"), columns=columns, key="id")
    assert row == {"id": "1", "home.town": "Bonn", r"home.a\.b.c": "7", PARTITION: 0, OFFSET: 0}


@pytest.mark.parametrize("wrong", [b'{"home": {"town": {}}}', b'{"home": {"town": [1]}}'])
def test_an_object_or_a_list_where_a_cell_is_read_is_rejected(wrong):
    (rejected,) = Decoder(columns=["home.town"]).decode([Sent(wrong)]).rejected
    assert "'home.town' holds a list or an object" in rejected.reasons[0]


def test_columns_that_cannot_be_are_refused():
    with pytest.raises(UserError, match="no list of paths"):
        Decoder(columns="id")
    with pytest.raises(UserError, match="'id' is needed: name it there too"):
        Decoder(columns=["home.town"], key="id")
