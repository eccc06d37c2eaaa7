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


class SiteIpmiHost(Table, frozen=True):
    listen: tuple[str, ...] = ()


class SiteIpmi(Table, frozen=True):
    listen: tuple[str, ...] = ()
    """Addresses `HOST:PORT` or `[V6]:PORT` of the first host; none by default (safety rule 21)."""
    hosts: dict[Name, SiteIpmiHost] = msgspec.field(default_factory=dict)
    """Addresses of the other hosts, by name: each host is a controller of its own to IPMI clients."""
    cipher_suites: tuple[Literal[17, 3], ...] = (17, 3)
    kg_file: str = ""
    """A file of mode 0600 with the BMC key: text, or hex digits after `0x`; at most 20 bytes."""


class SiteNetwork(Table, frozen=True):
    allow: tuple[str, ...] = ()
    """Prefixes that IPMI answers, such as `192.0.2.0/24`; none = everybody."""


class SiteSel(Table, frozen=True):
    when_full: Literal["overwrite", "stop"] = "overwrite"
    """The oldest record goes, or new ones are lost."""


class SiteMqtt(Table, frozen=True):
    url: str = ""
    """mqtt://[USER@]HOST[:PORT], mqtts://...; empty = no MQTT."""
    password_file: str = ""
    ca_file: str = ""
    base: TopicBase = "pgood"
    """First levels of every topic; the board id follows."""
    commands: bool | None = None
    """Whether commands are taken; default: only from a loopback broker, or with TLS or credentials."""
    replay_per_s: Annotated[float, msgspec.Meta(ge=1, le=100_000)] = 200.0
    """How fast events that waited for the broker are published."""
    spool_telemetry: bool = False
    """Whether telemetry, too, waits for the broker (with QoS 1); it gives way before events do."""
    spool_mb: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 64
    """What waits for the broker takes at most so much of the disk; the oldest goes first."""
    spool_days: Annotated[float, msgspec.Meta(ge=0.01, le=3650)] = 30.0
    """What waited longer is not published any more."""


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
    network: SiteNetwork = SiteNetwork()
    sel: SiteSel = SiteSel()
    mqtt: SiteMqtt = SiteMqtt()
    policy: SitePolicy = SitePolicy()
    local: SiteLocal = SiteLocal()
    telemetry: SiteTelemetry = SiteTelemetry()
