"""Who is told and when, as the file says it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.alerts.receivers import (
    TOKEN,
    WEBHOOK,
    receivers_of,
)
from customer_segmentation.monitoring.alerts.settings import Quiet, alert_settings

MAIL = {"server": "mail.example:587", "sender": "a@example.org", "to": "b@example.org"}
# Of nobody's.
SECRET = "s3cret"  # noqa: S105


@pytest.mark.parametrize(
    ("moment", "is_quiet"),
    [
        # Tuesday, in Berlin an hour later.
        ("2026-12-01T18:59", False),
        ("2026-12-01T19:00", True),
        ("2026-12-02T05:59", True),
        ("2026-12-02T06:00", False),
        # In summer two hours later.
        ("2026-07-07T17:59", False),
        ("2026-07-07T18:00", True),
        # Saturday from midnight in Berlin, at noon, and Monday morning.
        ("2026-12-04T23:00", True),
        ("2026-12-05T12:00", True),
        ("2026-12-07T06:00", False),
    ],
)
def test_quiet_hours_go_by_the_clocks_of_their_zone(moment: str, is_quiet: bool) -> None:  # noqa: FBT001 - a case
    quiet = Quiet(begin="20:00", end="07:00", zone="Europe/Berlin", weekends=True)
    assert quiet.holds(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == is_quiet


def test_hours_of_one_day_and_none_at_all() -> None:
    noon = datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert Quiet(begin="11:00", end="13:00").holds(noon)
    assert not Quiet(begin="13:00", end="14:00").holds(noon)
    assert not Quiet().holds(noon)


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({"quiet": {"begin": "20:00"}}, "`begin` and `end` need each other"),
        ({"quiet": {"begin": "25:00", "end": "1:00"}}, "quiet.begin"),
        ({"quiet": {"zone": "Europe/Atlantis"}}, "no time zone 'Europe/Atlantis'"),
        ({"email": {"server": "mail.example"}}, "write host:port"),
        ({"email": {"server": "mail.example:587"}}, "set `sender` and `to`"),
        ({"email": MAIL | {"to": "nobody"}}, "'nobody' is no address"),
        ({"email": MAIL | {"to": "a@b.org\nBcc: c@d.org"}}, "is no address"),
        ({"email": MAIL | {"password": "x"}}, "email.password"),
        ({"sns": "my-topic"}, "sns"),
        ({"page": ["nights"]}, "page"),
        ({"worse": 1.0}, "worse"),
    ],
)
def test_a_wrong_setting_is_named(block: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=r"alerts\.yml") as refused:
        alert_settings(block)
    assert told in refused.value.message


def none(_: str) -> None:
    pass


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://crm.example/hook", "without encryption"),
        ("ftp://crm.example/hook", "no https:// address"),
        ("https://", "no https:// address"),
        (f"https://me:{SECRET}@crm.example/hook", "a user or a space"),
        (f"https://crm.example/{SECRET} x", "a user or a space"),
        (f"https://crm.example:port/{SECRET}", "no address"),
    ],
)
def test_a_webhook_that_is_none_is_refused_without_showing_it(
    address: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEBHOOK, address)
    with pytest.raises(UserError, match=WEBHOOK) as refused:
        receivers_of(alert_settings({}), none)
    assert told in refused.value.message
    assert SECRET not in refused.value.message


def test_the_path_of_a_webhook_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WEBHOOK, f"https://hooks.example:8443/services/{SECRET}?key={SECRET}")
    monkeypatch.setenv(TOKEN, SECRET)
    (receiver,) = receivers_of(alert_settings({}), none)
    assert receiver.name == "webhook https://hooks.example:8443"


def test_mail_to_another_machine_is_encrypted() -> None:
    block = {"email": MAIL | {"security": "none"}}
    with pytest.raises(UserError, match="without encryption"):
        receivers_of(alert_settings(block), none)
    block["email"]["server"] = "127.0.0.1:25"
    assert [one.name for one in receivers_of(alert_settings(block), none)] == [
        "mail to b@example.org"
    ]


def test_nobody_is_told_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WEBHOOK, raising=False)
    assert receivers_of(alert_settings({}), none) == []
