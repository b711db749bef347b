"""Counts of a challenger: they add up, and are read as they were written."""

from __future__ import annotations

import json

import pytest

from customer_segmentation.monitoring.shadow import ShadowCounts, shadow_file

COUNTS = ShadowCounts(
    "c0ffee", "beef", 5, {("high", "low"): 2, ("low", "low"): 3}, {(0, 9): 5}, failed=1, skipped=2
)


def test_they_are_read_as_they_were_written():
    assert ShadowCounts.of(json.loads(json.dumps(COUNTS.stated()))) == COUNTS


def test_they_add_up():
    both = COUNTS.merged(COUNTS)
    assert both.pairs == {("high", "low"): 4, ("low", "low"): 6}
    assert (both.customers, both.chances, both.failed, both.skipped) == (10, {(0, 9): 10}, 2, 4)


def test_those_of_other_bundles_do_not():
    with pytest.raises(ValueError, match="other bundles"):
        COUNTS.merged(ShadowCounts("c0ffee", "other"))


@pytest.mark.parametrize("stated", [{}, {**COUNTS.stated(), "pairs": [["one"]]}])
def test_what_is_no_such_counts_is_refused(stated):
    with pytest.raises(ValueError, match="no counts of a challenger"):
        ShadowCounts.of(stated)


def test_their_file_names_challenger_and_hour():
    place = shadow_file("root", COUNTS, "2026-11-30T13", "w")
    assert place == "root/shadow/beef/2026-11-30T13/w.json"
