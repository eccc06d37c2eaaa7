# SPDX-License-Identifier: Apache-2.0
"""The site file (/etc/pgood/pgood.toml): listeners, broker, names and policies of one installation."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agent.profile.base import Name, Table

TopicBase = Annotated[str, msgspec.Meta(pattern=r"^[^+#\.\x00]+$", max_length=128)]
"""No wildcards, and no dots: some brokers drop a client that publishes to a topic with one."""


class SiteBoard(Table, frozen=True):
    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")] | None = None
    """Instead of the id made from host name and machine id."""


class SiteIpmi(Table, frozen=True):
    listen: tuple[str, ...] = ()
    """Addresses `HOST:PORT` or `[V6]:PORT`; none by default (safety rule 21)."""


class SiteMqtt(Table, frozen=True):
    url: str = ""
    """mqtt://[USER@]HOST[:PORT], mqtts://...; empty = no MQTT."""
    password_file: str = ""
    ca_file: str = ""
    base: TopicBase = "pgood"
    """First levels of every topic; the board id follows."""
    commands: bool | None = None
    """Whether commands are taken; default: only from a loopback broker, or with TLS or credentials."""


class SitePolicy(Table, frozen=True):
    restore: Literal["off", "previous", "on"] = "off"


class SiteLocal(Table, frozen=True):
    operators: tuple[Name, ...] = ()
    """Users that may act over the local socket, besides root and the agent's own user."""


class SiteTelemetry(Table, frozen=True):
    interval_s: Annotated[float, msgspec.Meta(ge=0.5, le=3600)] | None = None


class Site(Table, frozen=True):
    """A whole site file; every key has a default."""

    state_dir: str = ""
    board: SiteBoard = SiteBoard()
    ipmi: SiteIpmi = SiteIpmi()
    mqtt: SiteMqtt = SiteMqtt()
    policy: SitePolicy = SitePolicy()
    local: SiteLocal = SiteLocal()
    telemetry: SiteTelemetry = SiteTelemetry()
