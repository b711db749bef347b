"""What a file of customers may hold, however it comes: what is beyond is refused, not read.

The same for `kedro run` and for the jobs of the API. Sizes are bytes, of text in UTF-8.
"""

from __future__ import annotations

MOST_COLUMNS = 1_000
LONGEST_NAME = 1_000
LONGEST_CELL = 1 << 16
LONGEST_ROW = 1 << 20
# Of what is worked on at once: rows are copied some times until they are answered.
MOST_ROWS = 50_000
MOST_BATCH = 1 << 26
# What a packed file may unfold to: tables of customers stay far below, bombs do not.
MOST_UNFOLDED = 1 << 28
MOST_TIMES = 200


def is_longer(text: str, most: int) -> bool:
    """Whether text takes more bytes; most text need not be encoded to tell."""
    return len(text) > most or (4 * len(text) > most and len(text.encode()) > most)
