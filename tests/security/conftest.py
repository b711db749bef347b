"""The bundle and the server of the tests of serving, attacked."""

from __future__ import annotations

from tests.serving.conftest import bundle, client, server

__all__ = ["bundle", "client", "server"]
