"""Writes of one turn of the event loop leave together."""

import asyncio
from collections.abc import Callable, Iterable

from customer_segmentation.serving.protocol import JoinedWrites


class Sent(asyncio.Transport):
    """A transport that keeps what it sends, a string for each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.writes.append(b"".join(list_of_data))

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_write_buffer_size(self) -> int:
        return 0


def sent_by(use: Callable[[JoinedWrites], None]) -> Sent:
    """What is sent by the end of the turn in which a transport is used."""

    async def turn() -> Sent:
        sent = Sent()
        use(JoinedWrites(sent, asyncio.get_running_loop(), 10.0))
        await asyncio.sleep(0)
        return sent

    return asyncio.run(turn())


def test_a_head_and_its_body_leave_together() -> None:
    def answer(transport: JoinedWrites) -> None:
        transport.write(b"head ")
        transport.write(b"body")

    assert sent_by(answer).writes == [b"head body"]


def test_a_large_part_leaves_at_once_after_what_waits() -> None:
    large = bytes(100_000)

    def answer(transport: JoinedWrites) -> None:
        transport.write(b"head ")
        transport.write(large)
        transport.write(b"end")

    assert sent_by(answer).writes == [b"head " + large, b"end"]


def test_what_waits_leaves_before_the_connection_closes() -> None:
    def answer(transport: JoinedWrites) -> None:
        transport.write(b"last words")
        transport.close()
        transport.write(b"too late")

    sent = sent_by(answer)
    assert sent.is_closed
    assert sent.writes == [b"last words"]


def test_anything_else_is_asked_of_the_transport() -> None:
    asked = []
    sent_by(lambda transport: asked.append(transport.is_closing()))
    assert asked == [False]
