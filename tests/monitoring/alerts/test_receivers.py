"""Alerts arrive at real receivers: by HTTP, by SMTP with encryption, and in a queue of a topic."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from customer_segmentation.delivery import posting
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.alerts.message import Message
from customer_segmentation.monitoring.alerts.news import Item
from customer_segmentation.monitoring.alerts.receivers import (
    PASSWORD,
    TOKEN,
    WEBHOOK,
    Receiver,
    receivers_of,
)
from tests.monitoring.alerts.reports import NOON, finding, settings
from tools.ports import free_port
from tools.receiver import Answer
from tools.receiver import Receiver as HttpServer
from tools.rehearsal import S3Server

AT = NOON.isoformat(timespec="seconds")
MESSAGE = Message(
    1, AT, "prod", (Item("new", "ticket", AT, finding(0.3)),), ("whoever is to be told",)
)
# Of nobody's.
SECRET = "s3cret"  # noqa: S105


def one_of(**block: Any) -> Receiver:
    (receiver,) = receivers_of(settings(**block), lambda _: None)
    return receiver


class Hook(HttpServer):
    """Takes each key once, and answers as it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.taken: dict[str, bytes] = {}
        self.answers: list[Answer | None] = []
        self.posts = 0

    def take(self, key: str, body: bytes) -> Answer | None:
        self.posts += 1
        answer = self.answers.pop(0) if self.answers else Answer(200, {})
        if answer is None or answer.status == 200:
            self.taken.setdefault(key, body)
        return answer


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setattr(posting, "_FIRST_PAUSE", 0.01)
    with Hook(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv(WEBHOOK, f"{server.url}/{SECRET}")
        yield server
        server.shutdown()
        thread.join()


def test_a_webhook_gets_json_that_slack_could_read_too(hook: Hook) -> None:
    one_of().tell(MESSAGE)
    ((key, body),) = hook.taken.items()
    told = json.loads(body)
    assert key == told["key"] == MESSAGE.key
    assert told["text"] == MESSAGE.text
    (alert,) = told["alerts"]
    assert (alert["what"], alert["name"], alert["value"]) == ("new", "income", 0.3)
    assert alert["runbook"] == "docs/runbook.md#input-psi"


def test_slack_gets_the_text_alone(hook: Hook) -> None:
    one_of(webhook="slack").tell(MESSAGE)
    (body,) = hook.taken.values()
    assert json.loads(body) == {"text": MESSAGE.text}


def test_a_webhook_that_is_busy_or_breaks_off_is_sent_the_same_again(hook: Hook) -> None:
    hook.answers = [Answer(503, {}), None]
    one_of().tell(MESSAGE)
    assert hook.posts == 3
    assert [*hook.taken] == [MESSAGE.key]


def test_a_webhook_that_refuses_is_told_without_its_secrets(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    hook.answers = [Answer(403, {"error": f"{SECRET} is not known"})]
    with pytest.raises(UserError, match="answered 403") as refused:
        one_of().tell(MESSAGE)
    assert SECRET not in refused.value.message


class Inbox:
    """What a mail server has taken."""

    def __init__(self) -> None:
        self.mails: list[tuple[EmailMessage, list[str], bool]] = []
        self.refuses: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        mail = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
        assert isinstance(mail, EmailMessage)
        self.mails.append((mail, envelope.rcpt_tos, session.ssl is not None))
        return "250 taken"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "server.pem", folder / "server.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def login(*arguments: Any) -> AuthResult:
    given = arguments[-1]
    assert isinstance(given, LoginPassword)
    is_known = given.login == b"alerts" and given.password == SECRET.encode()
    # Of somebody unknown the server itself says so.
    return AuthResult(success=is_known, handled=False)


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Inbox, int]]:
    """A mail server that takes nothing before STARTTLS and a password."""
    public, private = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    monkeypatch.setenv(PASSWORD, SECRET)
    inbox, port = Inbox(), free_port()
    server = Controller(
        inbox,
        "127.0.0.1",
        port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=login,
    )
    server.start()
    yield inbox, port
    server.stop()


def mail_to(port: int, **changes: Any) -> Receiver:
    block = {
        "server": f"127.0.0.1:{port}",
        "user": "alerts",
        "sender": "segments@example.org",
        "to": "a@example.org, b@example.org",
    }
    return one_of(email=block | changes)


def test_a_mail_arrives_encrypted_with_a_key_that_stays(inbox: tuple[Inbox, int]) -> None:
    box, port = inbox
    for _ in range(2):
        mail_to(port).tell(MESSAGE)
    (first, told, is_encrypted), (again, _, _) = box.mails
    assert is_encrypted
    assert told == ["a@example.org", "b@example.org"]
    assert first["Subject"] == "[ticket] customer segmentation, prod: 1 new"
    assert first["Message-ID"] == again["Message-ID"] == f"<{MESSAGE.key}@example.org>"
    assert first["Date"] == "Tue, 01 Dec 2026 12:00:00 +0000"
    assert first.get_content().splitlines() == MESSAGE.text.splitlines()


def test_a_mail_server_that_does_not_take_it_is_told_without_secrets(
    inbox: tuple[Inbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, port = inbox
    box.refuses = {"b@example.org"}
    with pytest.raises(UserError, match=r"not taken for b@example\.org"):
        mail_to(port).tell(MESSAGE)
    box.refuses |= {"a@example.org"}
    with pytest.raises(UserError, match="takes mail for none of them"):
        mail_to(port).tell(MESSAGE)
    monkeypatch.setenv(PASSWORD, "another")
    with pytest.raises(UserError, match="knows no such user or password"):
        mail_to(port).tell(MESSAGE)
    with pytest.raises(UserError, match=r"answered 530|refused") as refused:
        mail_to(port, security="none", user="").tell(MESSAGE)
    assert SECRET not in refused.value.message


def test_a_mail_server_whose_certificate_nobody_knows_is_sent_nothing(
    inbox: tuple[Inbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, port = inbox
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UserError, match="CERTIFICATE_VERIFY_FAILED"):
        mail_to(port).tell(MESSAGE)
    assert box.mails == []


def test_no_mail_server_is_an_error_in_one_line() -> None:
    with pytest.raises(UserError, match="Connection refused") as refused:
        mail_to(free_port()).tell(MESSAGE)
    assert "\n" not in refused.value.message


def test_a_topic_of_sns_tells_its_queue(
    moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    import boto3  # noqa: PLC0415 - slow

    with closing(boto3.client("sns")) as sns, closing(boto3.client("sqs")) as sqs:
        arn = sns.create_topic(Name="told")["TopicArn"]
        queue = sqs.create_queue(QueueName="told")["QueueUrl"]
        named = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=named["Attributes"]["QueueArn"])
        one_of(sns=arn).tell(MESSAGE)
        (told,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        body = json.loads(told["Body"])
        assert body["Message"] == MESSAGE.text
        assert body["Subject"] == MESSAGE.title
        assert body["MessageAttributes"]["key"]["Value"] == MESSAGE.key
        sns.delete_topic(TopicArn=arn)
        with pytest.raises(UserError, match="SNS arn:aws:sns"):
            one_of(sns=arn.replace("told", "gone")).tell(MESSAGE)
