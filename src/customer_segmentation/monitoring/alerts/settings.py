"""What `conf/<env>/alerts.yml` says of who is told, and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from functools import cached_property
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.findings import Subject

_SATURDAY = 5
_PORTS = 65_535


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EmailSettings(_Block):
    """How mail is sent.

    Attributes:
        server: `host:port`; '' sends none.
        security: `starttls`, `tls` from the first byte on, or `none` on this machine.
        user: Whom the server knows; '' for nobody.
        sender: The address that it comes from.
        to: Addresses, with commas.
    """

    server: str = ""
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str = ""
    to: str = ""

    @property
    def host(self) -> str:
        """The server's name."""
        return self.server.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The server's port."""
        return int(self.server.rpartition(":")[2])

    @property
    def addresses(self) -> tuple[str, ...]:
        """Who is sent it."""
        return tuple(each.strip() for each in self.to.split(",") if each.strip())

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.server:
            return self
        host, _, port = self.server.rpartition(":")
        if not host or not (port.isascii() and port.isdigit() and 0 < int(port) <= _PORTS):
            raise ValueError(f"`server` is {self.server!r}: write host:port, as mail.example:587")
        if not self.addresses or not self.sender:
            raise ValueError("`server` is set: set `sender` and `to`, too")
        for each in (self.sender, *self.addresses):
            if "@" not in each or any(sign.isspace() for sign in each) or not each.isprintable():
                raise ValueError(f"{each!r} is no address of mail")
        return self


class Quiet(_Block):
    """Hours in which only what pages is told.

    Attributes:
        begin: Such as 20:00, by the clocks of `zone`; '' for none.
        end: Likewise; it may be of the next day.
        zone: Of the time zone database, such as Europe/Berlin.
        weekends: Whether all of Saturday and Sunday are such hours.
    """

    begin: str = ""
    end: str = ""
    zone: str = "UTC"
    weekends: bool = False

    @field_validator("begin", "end")
    @classmethod
    def _is_time(cls, text: str) -> str:
        if text:
            time.fromisoformat(text)
        return text

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {name!r}: write Europe/Berlin") from error
        return name

    @model_validator(mode="after")
    def _has_both(self) -> Self:
        if bool(self.begin) != bool(self.end):
            raise ValueError("`begin` and `end` need each other")
        return self

    def holds(self, moment: datetime) -> bool:
        """Whether a moment is of these hours, by the zone's clocks of that day."""
        there = moment.astimezone(ZoneInfo(self.zone))
        if self.weekends and there.weekday() >= _SATURDAY:
            return True
        if not self.begin or self.begin == self.end:
            return False
        begin, end = time.fromisoformat(self.begin), time.fromisoformat(self.end)
        now = there.time()
        return begin <= now < end if begin < end else now >= begin or now < end


class AlertSettings(_Block):
    """The whole file.

    Attributes:
        webhook: What it is sent: `full` JSON, or for Slack its text alone.
        email: As of `EmailSettings`.
        sns: ARN of a topic; '' for none.
        quiet: As of `Quiet`.
        page: Subjects that are told in quiet hours, too.
        worse: How many times as large a figure must be to be told again.
        again_days: After how many days what stays is told again.
        silent_hours: After how many hours without monitoring that is told.
    """

    webhook: Literal["full", "slack"] = "full"
    email: EmailSettings = EmailSettings()
    sns: str = Field(default="", pattern=r"^(arn:[\w-]+:sns:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?)?$")
    quiet: Quiet = Quiet()
    page: frozenset[Subject] = frozenset({"service"})
    worse: float = Field(default=2.0, gt=1.0)
    again_days: float = Field(default=7.0, gt=0.0)
    silent_hours: float = Field(default=30.0, gt=0.0)

    @cached_property
    def is_fifo(self) -> bool:
        """Whether the topic keeps messages with the same key apart."""
        return self.sns.endswith(".fifo")


def alert_settings(block: Mapping[str, Any]) -> AlertSettings:
    """The checked file.

    Raises:
        UserError: A key is unknown or a value wrong; names it.
    """
    try:
        return AlertSettings.model_validate(dict(block))
    except ValidationError as error:
        told = "; ".join(
            f"`{'.'.join(map(str, each['loc']))}`: {each['msg']}" for each in error.errors()
        )
        raise UserError(f"conf/*/alerts.yml: {told}") from error
