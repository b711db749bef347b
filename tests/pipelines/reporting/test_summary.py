"""The five lines that a run ends with."""

import pytest

from customer_segmentation.pipelines.reporting.summary import five_lines
from tests.marketing import SCHEMA

SUMMARY = {"k": 3, "silhouette": 0.3247, "stability": 0.9609}


def table(frame_of, rows):
    return frame_of({name: [row[name] for row in rows] for name in rows[0]})


def test_three_segments_take_four_lines(segment, frame_of):
    rows = [
        *segment(0, "High-value", 0.33, spend_total=1200.0, waits_for_offers__yes=0.004),
        *segment(1, "Price-sensitive", 0.24, offer__discount=0.7, product__gold=0.7),
        *segment(2, "Low-spend", 0.43, spend_total=120.0, channel__store=0.8),
    ]
    assert five_lines(SCHEMA, table(frame_of, rows), SUMMARY).splitlines() == [
        "3 segments of 1,000 customers; silhouette 0.32, stability (bootstrap ARI) 0.96",
        (
            "High-value       33 %, spend 2.0x average, under 1 % wait for offers, "
            "mostly offer newsletter, product wines, channel web"
        ),
        (
            "Price-sensitive  24 %, spend 1.0x average, 20 % wait for offers, "
            "mostly offer discount, product gold, channel web"
        ),
        (
            "Low-spend        43 %, spend 0.2x average, 20 % wait for offers, "
            "mostly offer newsletter, product wines, channel store"
        ),
    ]


@pytest.mark.parametrize("k", range(1, 11))
def test_there_are_at_most_five_lines_and_no_segment_is_forgotten(segment, frame_of, k):
    rows = [row for n in range(k) for row in segment(n, f"Segment {n}", 1.0 / k)]
    lines = five_lines(SCHEMA, table(frame_of, rows), SUMMARY | {"k": k}).splitlines()
    assert len(lines) == min(k + 1, 5)
    assert (lines[-1] == f"and {k - 3} more") == (k > 4)


def test_a_name_keeps_to_its_line(segment, frame_of):
    name = "Two\nlines\x1b[31m " + "long " * 30
    lines = five_lines(SCHEMA, table(frame_of, segment(0, name, 1.0)), SUMMARY).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Two lines [31m long long")
    assert "\x1b" not in lines[1]
    assert "..." in lines[1]


def test_what_the_source_does_not_allow_is_left_out(segment, frame_of):
    measures = ("spend_total", "waits_for_offers__yes", "waits_for_offers__no")
    labels = ("channel__web", "channel__catalog", "channel__store", "product__wines")
    offers = ("product__gold", "offer__newsletter", "offer__discount", "offer__preview")
    rows = segment(0, "Customers", 1.0, **dict.fromkeys((*measures, *labels, *offers)))
    assert five_lines(SCHEMA, table(frame_of, rows), SUMMARY).splitlines()[1] == "Customers  100 %"
