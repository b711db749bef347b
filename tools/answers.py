"""Made-up answers to a campaign, to try its measurement: `python -m tools.answers answers.csv`.

Who was contacted answers as often as the response model expects, who was held out half as often. A
customer's draw depends on the id alone, so that the same list is answered alike.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from pyarrow import parquet

from customer_segmentation.campaigns.hold_out import draw_chances
from customer_segmentation.delivery.assignments import assignments
from customer_segmentation.delivery.log import FOLDER, SendLog
from customer_segmentation.schema.parts import KEY

_WITHOUT_CONTACT = 0.5


def main(out: str, tables: str = "data") -> None:
    """Write the answers of a project's last campaign.

    Args:
        out: The file to write, CSV.
        tables: The folder of the tables, where a campaign was planned and delivered.
    """
    columns = [KEY, "campaign", "p_response"]
    planned = parquet.read_table(Path(tables) / "gold" / "campaign.parquet", columns=columns)
    campaign = planned["campaign"][0].as_py()
    expected = dict(zip(planned[KEY].to_pylist(), planned["p_response"].to_pylist(), strict=True))
    sent = assignments(SendLog(f"{tables}/{FOLDER}"), campaign).select([KEY, "in_hold_out"])
    rows = sent.sort_by(KEY).to_pylist()
    draws = draw_chances(f"answers to {campaign}", sent.sort_by(KEY)[KEY].to_numpy()).hold_out
    with Path(out).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([KEY, "answered"])
        for row, draw in zip(rows, draws.tolist(), strict=True):
            share = _WITHOUT_CONTACT if row["in_hold_out"] else 1.0
            writer.writerow([row[KEY], int(draw < share * expected[row[KEY]])])
    print(f"Made-up answers of {len(rows):,} customers to {campaign}: {out}")  # noqa: T201 - its output


if __name__ == "__main__":
    main(*sys.argv[1:])
