"""The chance that each customer has in a campaign: drawn once by a hash, and never again."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

_BITS = 53


@dataclass(frozen=True)
class Chances:
    """Numbers of n customers that depend on their ids and the campaign's name, and on nothing else.

    Attributes:
        hold_out: (n,) uniform from 0 to below 1; below `hold_out` a customer is held out.
        exploration: (n,) the same; below `exploration` a customer who does not pay is contacted.
        ties: (n,) whole numbers that order customers who are equal in all else.
    """

    hold_out: NDArray[np.float64]
    exploration: NDArray[np.float64]
    ties: NDArray[np.uint64]


def draw_chances(campaign: str, ids: NDArray[np.object_]) -> Chances:
    """The chances of customers in a campaign, by SHA-256 of its name and their ids.

    Whoever else is there, whenever it is asked, a customer has the same. The numbers are of
    other parts of the hash, so that none says anything of another.

    Args:
        campaign: Its name, which holds no line break.
        ids: (n,) as text.
    """
    start = f"{campaign}\n".encode()
    digests = b"".join([sha256(start + one.encode()).digest() for one in ids.tolist()])
    words = np.frombuffer(digests, ">u8").reshape(len(ids), 4)
    shares = (words[:, [0, 2]] >> (64 - _BITS)).astype(np.float64) * 2.0**-_BITS
    return Chances(shares[:, 0], shares[:, 1], words[:, 1].astype(np.uint64))


def held_out(chances: Chances, share: float) -> NDArray[np.bool_]:
    """(n,) who is held out of the campaign, if chosen."""
    return chances.hold_out < share
