# SPDX-License-Identifier: Apache-2.0
"""The site file (/etc/pgood/pgood.toml): listeners, broker, names and policies of one installation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from agent.power.policy import (
    EmergencyPolicies,
    OperationPolicies,
    PowerPolicies,
    SafetyPolicies,
    SequencingPolicies,
)
from agent.profile.adapter_tables import AdapterTable
from agent.profile.base import Name, Table
from agent.profile.schema import TelemetryRule

TopicBase = Annotated[str, msgspec.Meta(pattern=r"^[^+#\.\x00]+$", max_length=128)]
"""No wildcards, and no dots: some brokers drop a client that publishes to a topic with one."""


class SiteBoard(Table, frozen=True):
    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")] | None = None
    """Instead of the id made from host name and machine id."""
    profile: str = ""
    """Name or file of the firmware profile, for `pgood run` without --profile."""


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


class SiteDiscovery(Table, frozen=True):
    """Announcement to Home Assistant."""

    enabled: bool = True
    prefix: TopicBase = "homeassistant"
    role: Annotated[str, msgspec.Meta(pattern="^([A-Za-z0-9][A-Za-z0-9_-]{0,31})?$")] = ""
    """Home Assistant commands on the topics of this role; empty = on the plain ones."""


class SiteRole(Table, frozen=True):
    """What may be asked for on the topics `as/<role>/...`."""

    allow: tuple[str, ...]


class SiteMqtt(Table, frozen=True):
    url: str = ""
    """mqtt://[USER@]HOST[:PORT], mqtts, ws, wss, unix:///PATH; empty = no MQTT."""
    password_file: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    """The board's own certificate and key, where the broker asks for one."""
    server_name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.-]{0,253}$")] = ""
    """The name that brokers' certificates must carry, when it is not that of the URL."""
    alpn: tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=255)], ...] = ()
    fallback_urls: tuple[str, ...] = ()
    """Other brokers, in order of preference, for the time when `url` cannot be reached."""
    return_s: Annotated[float, msgspec.Meta(ge=5, le=86_400)] = 300.0
    """How often a preferred broker is looked for while another is in use."""
    base: TopicBase = "pgood"
    """First levels of every topic; the board id follows."""
    commands: bool | None = None
    """Whether commands are taken; default: only from a loopback broker, or with TLS or credentials."""
    telemetry_formats: tuple[Literal["json", "msgpack"], ...] = ("json", "msgpack")
    telemetry_qos: Literal[0, 1] = 0
    discovery: SiteDiscovery = SiteDiscovery()
    roles: dict[Name, SiteRole] = msgspec.field(default_factory=dict)
    """`default` is the role of the plain topics."""
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
    restore_delay_s: Annotated[float, msgspec.Meta(ge=10, le=3600)] = 10.0
    """So long the mains must be back before a host is switched on."""
    assume_unclean_boot_is_mains_loss: bool = False
    """Take a boot of the board without a clean stop before it for a mains loss."""
    safety: SafetyPolicies = SafetyPolicies()
    sequencing: SequencingPolicies = SequencingPolicies()
    operations: OperationPolicies = OperationPolicies()
    emergency: EmergencyPolicies = EmergencyPolicies()

    def power(self) -> PowerPolicies:
        """What the power manager goes by, until somebody changes it."""
        return PowerPolicies(
            safety=self.safety, sequencing=self.sequencing, operations=self.operations, emergency=self.emergency
        )


class SiteLocal(Table, frozen=True):
    operators: tuple[Name, ...] = ()
    """Users that may act over the local socket, besides root and the agent's own user."""


class SiteTelemetry(Table, frozen=True):
    interval_s: Annotated[float, msgspec.Meta(ge=0.5, le=3600)] | None = None
    heartbeat_s: Annotated[float, msgspec.Meta(ge=0.5, le=3600)] | None = None
    rules: tuple[TelemetryRule, ...] = ()
    """Before those of the profile."""


class SiteMetrics(Table, frozen=True):
    """Metrics for Prometheus over HTTP."""

    listen: str = ""
    """`HOST:PORT`, such as 127.0.0.1:9623; empty = off. There is no password: keep it on this machine or behind one."""


class SiteSelf(Table, frozen=True):
    """That the machine which pgood manages is the computer that it runs on."""


class Site(Table, frozen=True):
    """A whole site file; every key has a default."""

    board: SiteBoard = SiteBoard()
    ipmi: SiteIpmi = SiteIpmi()
    network: SiteNetwork = SiteNetwork()
    sel: SiteSel = SiteSel()
    mqtt: SiteMqtt = SiteMqtt()
    policy: SitePolicy = SitePolicy()
    local: SiteLocal = SiteLocal()
    telemetry: SiteTelemetry = SiteTelemetry()
    adapters: dict[Name, AdapterTable] = msgspec.field(default_factory=dict)
    """Addresses, users and password files of the profile's adapters, and adapters of this installation alone."""
    metrics: SiteMetrics = SiteMetrics()
    self_: SiteSelf | None = msgspec.field(default=None, name="self")
    energy: dict[str, Any] | None = None
    """Checked by agent.energy.tables, which is imported only where the table is there."""
    fleet: dict[str, Any] | None = None
    """Checked by agent.fleet.tables, likewise."""
