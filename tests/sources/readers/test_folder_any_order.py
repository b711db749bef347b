"""Whatever is put, renamed, repeated, changed and removed: all bytes once, in order."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
from customer_segmentation.sources.readers.folder import FolderReader

NAMES = st.sampled_from(["a.csv", "b.csv", "sub/c.csv", "d.csv.part", "e.csv"])
STEPS = st.one_of(
    st.tuples(st.just("put"), NAMES, st.integers(0, 4)),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("remove"), NAMES, st.none()),
    st.tuples(st.just("look"), st.none(), st.none()),
)


@given(st.lists(STEPS, max_size=25))
def test_every_content_that_a_look_has_seen_is_landed_once_in_the_order_of_its_time(
    steps: list[tuple[str, str, int | str]],
) -> None:
    with TemporaryDirectory() as folder:
        inbox, clock = Path(folder) / "inbox", itertools.count(1_600_000_000)
        (inbox / "sub").mkdir(parents=True)
        parts = Parts(f"{folder}/parts")
        # What should come: the content of each name, in the order of their times.
        there: dict[str, tuple[int, int]] = {}
        expected: list[str] = []
        for what, name, other in [*steps, ("look", "", 0)]:
            if what == "put":
                now = next(clock)
                # Content 0 is an empty file.
                content = f"id,n\n{other},a\n" if other else ""
                (inbox / name).write_text(content)
                os.utime(inbox / name, (now, now))
                there[name] = (now, int(other))
            elif what == "rename" and name in there and name != other:
                (inbox / name).rename(inbox / str(other))
                there[str(other)] = there.pop(name)
            elif what == "remove" and name in there:
                (inbox / name).unlink()
                del there[name]
            elif what == "look":
                reader = FolderReader(place=str(inbox), settled_seconds=0.0)
                land_arrivals(reader, parts)
                for seen, (_, row) in sorted(there.items(), key=lambda each: each[1][0]):
                    if row and not seen.endswith(".part") and str(row) not in expected:
                        expected.append(str(row))
        found = [row for part in parts.all() for row in parts.rows(part).to_pylist()]
        assert [row["id"] for row in found] == expected
