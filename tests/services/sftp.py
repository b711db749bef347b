"""A real SFTP server on loopback, whose root is a folder, as a file transfer service has it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

USER = "partner"


@dataclass(frozen=True)
class SftpServer:
    """A server that runs.

    Attributes:
        port: Of loopback.
        host_key: By which a client knows it.
        user_key: By which it knows the one user.
    """

    port: int
    host_key: asyncssh.SSHKey
    user_key: asyncssh.SSHKey

    def connect(self) -> Any:
        """A connection as the user, for `async with`."""
        known = asyncssh.import_known_hosts(
            f"[127.0.0.1]:{self.port} {self.host_key.export_public_key().decode()}"
        )
        return asyncssh.connect(
            "127.0.0.1",
            self.port,
            username=USER,
            client_keys=[self.user_key],
            known_hosts=known,
            config=None,
        )


@contextmanager
def serve_sftp(root: Path) -> Iterator[SftpServer]:
    """Serve a folder for the length of a `with` block."""
    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    authorised = asyncssh.import_authorized_keys(user_key.export_public_key().decode())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            authorized_client_keys=authorised,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode()),
            config=None,
        )

    async def close(listener: Any) -> None:
        listener.close()
        await listener.wait_closed()

    def wait(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30.0)

    try:
        listener = wait(listen())
        yield SftpServer(listener.get_port(), host_key, user_key)
        wait(close(listener))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
