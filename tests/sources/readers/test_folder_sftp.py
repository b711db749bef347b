"""Files that a partner uploads by SFTP, to a server whose root is the landing folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
from customer_segmentation.sources.readers.folder import FolderReader
from tests.services.sftp import SftpServer, serve_sftp

WHOLE = "id,n\n" + "".join(f"{number},a\n" for number in range(20_000))


class Transfer:
    """A server, its folder, and what is landed of it."""

    def __init__(self, server: SftpServer, folder: Path) -> None:
        self.server, self.folder = server, folder / "inbox"
        self.local = folder / "local.csv"
        self.local.write_text(WHOLE)
        self._parts = Parts(str(folder / "parts"))

    def ids(self) -> list[str]:
        """Land what is new; every id so far."""
        reader = FolderReader(place=str(self.folder), settled_seconds=10.0)
        land_arrivals(reader, self._parts)
        return [
            row["id"] for part in self._parts.all() for row in self._parts.rows(part).to_pylist()
        ]


@pytest.fixture
def transfer(tmp_path: Path) -> Iterator[Transfer]:
    (tmp_path / "inbox").mkdir()
    with serve_sftp(tmp_path / "inbox") as server:
        yield Transfer(server, tmp_path)


def test_an_upload_counts_once_it_has_its_name(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _later(monkeypatch, 30.0)

    async def upload() -> None:
        async with transfer.server.connect() as connection, connection.start_sftp_client() as sftp:
            # With the times of the partner's own file, as `put -p` does.
            os.utime(transfer.local, (1_000_000_000, 1_000_000_000))
            await sftp.put(str(transfer.local), "customers.csv.filepart", preserve=True)
            assert await asyncio.to_thread(transfer.ids) == []
            await sftp.rename("customers.csv.filepart", "customers.csv")

    asyncio.run(upload())
    assert transfer.ids() == [*map(str, range(20_000))]
    assert transfer.ids() == [*map(str, range(20_000))]


def test_an_upload_that_breaks_off_half_way_waits_for_its_rest(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = len(WHOLE) // 2 + 1

    async def broken_off() -> None:
        async with transfer.server.connect() as connection:
            sftp = await connection.start_sftp_client()
            file = await sftp.open("customers.csv", "wb")
            await file.write(WHOLE[:half].encode())
            connection.abort()

    async def again() -> None:
        async with transfer.server.connect() as connection, connection.start_sftp_client() as sftp:
            await sftp.put(str(transfer.local), "customers.csv")

    asyncio.run(broken_off())
    assert (transfer.folder / "customers.csv").stat().st_size == half
    assert transfer.ids() == []
    # Long after it moved last, its end still tells that it is cut.
    _later(monkeypatch, 60.0)
    assert transfer.ids() == []
    asyncio.run(again())
    assert transfer.ids() == [*map(str, range(20_000))]


def _later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("customer_segmentation.sources.folder.look.time", lambda: time() + seconds)
