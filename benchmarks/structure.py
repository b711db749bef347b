"""How often the test of structure calls tables without groups grouped, and finds planted ones.

Tables of five features: without groups, uniform, normal, lognormal (by itself and correlated) and
counts; with groups, three normal ones of equal size, so many standard deviations apart, in
directions drawn at random. Beside these, for comparison: three of whom two features tell all, and
the other three nothing.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from report import arguments, machine, table, write_json

from customer_segmentation.segmentation.scaling import Treatment
from customer_segmentation.segmentation.structure import MAX_ROWS, find_structure

Array = NDArray[np.float64]

FEATURES = 5
TREATED = [Treatment(cap_quantile=0.95)] * FEATURES
ROWS = (200, 2_000)
# Standard deviations between each two of three groups -> the least share of tables to be found in.
PLANTED = {3: 0.70, 4: 0.98}
# The largest share of tables without groups that may be called grouped.
BY_CHANCE = 0.06


def without_groups(random: np.random.Generator, rows: int) -> dict[str, Array]:
    """A table of each kind."""
    normal = random.standard_normal((rows, FEATURES))
    together = normal + 2.0 * random.standard_normal((rows, 1))
    return {
        "uniform": random.uniform(size=(rows, FEATURES)),
        "normal": normal,
        "lognormal": np.exp(normal),
        "correlated lognormal": np.exp(0.5 * together),
        "counts": random.poisson(3.0, (rows, FEATURES)).astype(np.float64),
    }


def planted(random: np.random.Generator, rows: int, apart: float) -> Array:
    """Three groups, at the corners of a triangle of equal sides."""
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]]) * apart
    centres = np.pad(places, ((0, 0), (0, FEATURES - 2)))
    return random.standard_normal((rows, FEATURES)) + centres[random.integers(0, 3, rows)]


def turned(random: np.random.Generator, values: Array) -> Array:
    """The same in directions drawn at random."""
    directions = np.linalg.qr(random.standard_normal((FEATURES, FEATURES)))[0]
    return np.asarray(values @ directions)


def tables(rows: int, seed: int) -> dict[str, Array]:
    """Every kind of table by name, with its rows as the test sees them."""
    random = np.random.default_rng([seed, rows])
    made = without_groups(random, rows)
    for apart in PLANTED:
        made[f"planted, {apart} sd"] = turned(random, planted(random, rows, apart))
        made[f"in two features, {apart} sd"] = planted(random, rows, apart)
    # A run compares some of the customers where they are many.
    return {kind: values[:MAX_ROWS] for kind, values in made.items()}


def main() -> None:
    """Count the tables of each kind that are called grouped."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", type=int, default=20, help="tables of each kind, default 20")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS, help="default 200 and 2,000")
    given = parser.parse_args()
    needed = dict.fromkeys(without_groups(np.random.default_rng(0), 2), f"<= {BY_CHANCE:g}")
    for apart, share in PLANTED.items():
        needed |= {f"planted, {apart} sd": f">= {share:g}", f"in two features, {apart} sd": ""}
    rates = []
    for rows in given.rows:
        called, seconds = dict.fromkeys(needed, 0), 0.0
        for seed in range(given.sets):
            for kind, values in tables(rows, seed).items():
                started = perf_counter()
                called[kind] += find_structure(values, TREATED, seed).is_grouped
                seconds = max(seconds, perf_counter() - started)
        rates += [
            {"rows": rows, "kind": kind, "grouped": count / given.sets, "needed": needed[kind]}
            for kind, count in called.items()
        ]
        print(f"{rows:,} rows: {seconds:.1f} s a table at most", flush=True)
    print(f"{given.sets} tables of each kind; {machine()}")
    table(rates)
    write_json(given.json, {"sets": given.sets, "rates": rates})


if __name__ == "__main__":
    main()
