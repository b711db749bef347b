"""The error of a receiver that does not take what it was sent."""


class RefusedError(Exception):
    """A receiver has not taken a part, and says why.

    Args:
        words: What it says.
        is_certain: Whether it has not taken it at an earlier attempt of the same call either.
        is_final: Whether it never takes it: what is wrong is what was sent, and not the way to it.
    """

    def __init__(self, words: str, *, is_certain: bool, is_final: bool) -> None:
        super().__init__(words)
        self.is_certain, self.is_final = is_certain, is_final
