"""Who is told: a webhook, mail, and a topic of Amazon SNS.

A webhook is told once: each POST has an `Idempotency-Key`, the same however often it is sent. Mail
and SNS are told at least once: of a command that was killed between sending and writing that down,
the next one sends again, with the same `Message-ID` or `key`. A FIFO topic drops what comes again
within five minutes.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import urlsplit

from customer_segmentation.delivery.posting import Endpoint, Poster
from customer_segmentation.delivery.receivers import is_here, token_of
from customer_segmentation.delivery.refused import RefusedError
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.alerts.message import Message
from customer_segmentation.monitoring.alerts.settings import AlertSettings, EmailSettings

WEBHOOK, TOKEN = "SEGMENTATION_ALERT_WEBHOOK", "SEGMENTATION_ALERT_TOKEN"
PASSWORD = "SEGMENTATION_ALERT_PASSWORD"  # noqa: S105 - where it is, and not what
# In all for one message; the next command sends what was not taken.
_WAIT, _TIMEOUT = 30.0, 20.0
# Of a subject of SNS.
_SUBJECT = 100


class Receiver(Protocol):
    """Who is told of messages. `name` tells receivers apart, and holds no secret."""

    name: str

    def tell(self, message: Message) -> None:
        """Send a message.

        Raises:
            UserError: It is not known to have been taken.
        """


def receivers_of(settings: AlertSettings, say: Callable[[str], None]) -> list[Receiver]:
    """All who are to be told, by the settings and the environment.

    Args:
        settings: Of `alerts.yml`.
        say: Prints a line, while one is waited for.

    Raises:
        UserError: An address is none, or what is sent there would not be encrypted.
    """
    found: list[Receiver] = []
    if address := os.environ.get(WEBHOOK, ""):
        found.append(Webhook(_endpoint(address), say, is_full=settings.webhook == "full"))
    if settings.email.server:
        found.append(Mail(settings.email))
    if settings.sns:
        found.append(Topic(settings.sns, is_fifo=settings.is_fifo))
    return found


class Webhook:
    """An address that takes JSON; of Slack's kind, its text alone."""

    def __init__(self, endpoint: Endpoint, say: Callable[[str], None], *, is_full: bool) -> None:
        self.name, self._is_full = endpoint.name, is_full
        self._poster = Poster(endpoint, say)

    def tell(self, message: Message) -> None:
        """Post a message, and again while the receiver is busy or down.

        Raises:
            UserError: It has not taken it.
        """
        told = message.json if self._is_full else {"text": message.text}
        body = json.dumps(told, ensure_ascii=False).encode()
        try:
            self._poster.post(message.key, body, "application/json")
        except RefusedError as error:
            raise UserError(f"{self.name} {error}") from error


class Mail:
    """A mail server."""

    def __init__(self, settings: EmailSettings) -> None:
        self.name = f"mail to {', '.join(settings.addresses)}"
        self._settings = settings
        if settings.security == "none" and not is_here(settings.host):
            raise UserError(
                f"conf/*/alerts.yml: `email.security` is none, and {settings.host} is another "
                "machine: alerts and the password would be sent without encryption: set starttls "
                "or tls"
            )

    def tell(self, message: Message) -> None:
        """Send a mail.

        Raises:
            UserError: The server has not taken it for everybody.
        """
        where = f"{self.name}, by {self._settings.server}"
        try:
            refused = self._sent(message)
        # Among them those of the socket and of encryption.
        except (OSError, smtplib.SMTPException) as error:
            raise UserError(f"{where}: {_words(error)}") from error
        if refused:
            raise UserError(f"{where}: not taken for {', '.join(sorted(refused))}")

    def _sent(self, message: Message) -> dict[str, tuple[int, bytes]]:
        """Whom the server refused."""
        settings = self._settings
        context = ssl.create_default_context()
        server = (
            smtplib.SMTP_SSL(settings.host, settings.port, timeout=_TIMEOUT, context=context)
            if settings.security == "tls"
            else smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT)
        )
        with server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.user:
                server.login(settings.user, os.environ.get(PASSWORD, ""))
            return server.send_message(self._mail(message), settings.sender, settings.addresses)

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.title
        mail["From"] = self._settings.sender
        mail["To"] = ", ".join(self._settings.addresses)
        mail["Date"] = format_datetime(datetime.fromisoformat(message.at))
        # The same at each attempt: programs show one mail.
        mail["Message-ID"] = f"<{message.key}@{self._settings.sender.rpartition('@')[2]}>"
        # What a machine has sent, so that nobody's absence answers it.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail


class Topic:
    """A topic of Amazon SNS."""

    def __init__(self, arn: str, *, is_fifo: bool) -> None:
        self.name, self._arn, self._is_fifo = f"SNS {arn}", arn, is_fifo

    def tell(self, message: Message) -> None:
        """Publish a message.

        Raises:
            UserError: It is not known to be published, or the libraries are not installed.
        """
        try:
            import botocore.session  # noqa: PLC0415 - only the cloud extras have it
            from botocore.config import Config  # noqa: PLC0415 - as above
            from botocore.exceptions import (  # noqa: PLC0415 - as above
                BotoCoreError,
                ClientError,
            )
        except ModuleNotFoundError as error:
            raise UserError(f"{self.name} needs packages: pip install '.[cloud]'") from error
        fifo = {"MessageGroupId": message.environment, "MessageDeduplicationId": message.key}
        attributes = {"severity": message.severity, "key": message.key}
        try:
            client = botocore.session.get_session().create_client(
                "sns",
                region_name=self._arn.split(":")[3],
                config=Config(
                    connect_timeout=5, read_timeout=_TIMEOUT, retries={"mode": "standard"}
                ),
            )
            client.publish(
                TopicArn=self._arn,
                Subject=message.title[:_SUBJECT],
                Message=message.text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": text}
                    for name, text in attributes.items()
                },
                **(fifo if self._is_fifo else {}),
            )
        except (BotoCoreError, ClientError) as error:
            raise UserError(f"{self.name}: {_words(error)}") from error


def _endpoint(address: str) -> Endpoint:
    """A webhook's; its path may be its secret, and no message shows it."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise UserError(f"{WEBHOOK} is no address") from error
    host = parts.hostname or ""
    is_plain = parts.scheme == "http"
    if not (parts.scheme == "https" or is_plain) or not host or not address.isprintable():
        raise UserError(f"{WEBHOOK} is no https:// address")
    if is_plain and not is_here(host):
        raise UserError(
            f"{WEBHOOK}: alerts would be sent to {host} without encryption: use https://"
        )
    if parts.username or parts.password or any(sign.isspace() for sign in address):
        raise UserError(f"{WEBHOOK} has a user or a space in it: set {TOKEN} to a bearer token")
    port = f":{parts.port}" if parts.port else ""
    return Endpoint(address, token_of(TOKEN), _WAIT, shown=f"webhook {parts.scheme}://{host}{port}")


def _words(error: BaseException) -> str:
    """An error in one line, without what was sent: smtplib's own show the addresses."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the server knows no such user or password"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the server takes mail for none of them"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server answered {error.smtp_code}"
    return " ".join(str(error).split()) or type(error).__name__
