"""Limits of a customer file, however it comes: what exceeds them is refused, not read.

The same for `kedro run` and for the jobs of the API. Sizes are bytes, of text in UTF-8.
"""

from __future__ import annotations

MAX_COLUMNS = 1_000
LONGEST_NAME = 1_000
LONGEST_CELL = 1 << 16
LONGEST_ROW = 1 << 20
# Rows and bytes per batch: rows are copied a few times before they are answered.
MAX_ROWS = 50_000
MAX_BATCH = 1 << 26
# Unpacked size, in bytes and as a multiple of the packed size: customer tables stay far below,
# bombs do not.
MAX_UNFOLDED = 1 << 28
MAX_TIMES = 200
# Files and folders of an archive, whose list is read again for each of them.
MAX_MEMBERS = 500
# Floats of this size and more cannot hold every whole number.
EXACT = 1 << 53


def is_longer(text: str, maximum: int) -> bool:
    """Whether text takes more than `maximum` bytes; most text need not be encoded to tell."""
    return len(text) > maximum or (4 * len(text) > maximum and len(text.encode()) > maximum)
