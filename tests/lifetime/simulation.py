"""Customers who buy as BG/NBD says."""

from __future__ import annotations

import numpy as np

from customer_segmentation.lifetime.bg_nbd import Histories, Rates


def simulate(
    rates: Rates, customers: int, days: float, coming: float, seed: int
) -> tuple[Histories, np.ndarray]:
    """Histories over at most so many days, one a customer, and purchases in the days to come."""
    draw = np.random.default_rng(seed)
    rate = draw.gamma(rates.r, 1.0 / rates.alpha, customers)
    leaves = draw.beta(rates.a, rates.b, customers)
    age = draw.uniform(0.3 * days, days, customers)
    time, last, repeats, later = np.zeros((4, customers))
    active = np.arange(customers)
    while len(active):
        time[active] += draw.exponential(1.0 / rate[active])
        active = active[time[active] < age[active] + coming]
        is_before = time[active] < age[active]
        repeats[active[is_before]] += 1.0
        last[active[is_before]] = time[active[is_before]]
        later[active[~is_before]] += 1.0
        active = active[draw.random(len(active)) >= leaves[active]]
    return Histories(repeats, last, age, np.ones(customers)), later
