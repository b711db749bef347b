"""Addresses of databases: what is shown of them, and nothing that is secret."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from customer_segmentation.errors import UserError

_HIDDEN = "***"
# Of the options of an address, those that may be shown.
_PLAIN = {"sslmode", "charset", "application_name", "connect_timeout", "host", "port"}


class Address:
    """The address of a database.

    Args:
        text: As configured.

    Attributes:
        url: The same, taken apart.

    Raises:
        UserError: It is none; the text, which may hold a password, is not shown.
    """

    def __init__(self, text: str) -> None:
        if not text:
            raise UserError("the address of the database is not set: set `url` of the reader")
        try:
            self.url: URL = make_url(text)
        except (ArgumentError, ValueError):
            # Its message has the whole address.
            raise UserError(
                "`url` of the reader is no address of a database, such as "
                "postgresql://user:password@host/database"
            ) from None

    @property
    def is_postgresql(self) -> bool:
        """Whether PostgreSQL is there."""
        return self.url.get_backend_name() in {"postgresql", "postgres"}

    @property
    def libpq(self) -> str:
        """The same as PostgreSQL's own library reads it."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def shown(self) -> str:
        """The same for people: without user, password and options."""
        url = self.url
        bare = URL.create(url.get_backend_name(), None, None, url.host, url.port, url.database)
        return bare.render_as_string()

    def redacted(self, message: object) -> str:
        """A driver's message in one line, without secrets."""
        text = " ".join(str(message).split())
        options = self.url.query.items()
        values = [self.url.password, *(value for name, value in options if name not in _PLAIN)]
        for value in values:
            for secret in value if isinstance(value, tuple) else (str(value or ""),):
                for way in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)):
                    text = text.replace(way, _HIDDEN) if way else text
        return text
