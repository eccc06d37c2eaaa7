# SPDX-License-Identifier: Apache-2.0
"""What the MQTT face is opened with: made once from the site file, checked, and never changed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.mqtt.retry import LONGEST_S, Version
from agent.mqtt.roles import Roles
from agent.mqtt.spool_stream import DEFAULT_RATE_PER_S
from agent.mqtt.telemetry_form import TelemetryForm
from agent.mqtt.url import BrokerUrl, parse_url
from agent.service.credentials import is_credential, secret_file
from agent.spool.spool import DAY_S, SpoolLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.profile.schema import TelemetryRule
    from agent.profile.site import SiteMqtt

MAX_PASSWORD_BYTES = 1024


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """Brokers and how to use them."""

    url: BrokerUrl
    base: str
    """Every topic of the board is below this: `pgood/<board>`."""
    client_id: str
    password: str | None = field(default=None, repr=False)
    ca_file: str = ""
    """Trusted instead of the system's certificates; empty = the system's."""
    cert_file: str = ""
    key_file: str = ""
    """Our own certificate and its key, for brokers that ask for one."""
    server_name: str = ""
    """The name that the broker's certificate must carry; empty = that of the URL."""
    alpn: tuple[str, ...] = ()
    fallbacks: tuple[BrokerUrl, ...] = ()
    """Brokers for the time when `url` cannot be reached, in order of preference."""
    return_s: float = 300.0
    """While a fallback is in use, a better one is looked for this often."""
    commands: bool = False
    telemetry_interval_s: float = 5.0
    keepalive_s: int = 30
    """A silent broker is given up after at most twice this."""
    will_delay_s: int = 5
    """A broker that speaks MQTT 5 tells `offline` only after this, so that a short break is not told at all."""
    will: Callable[[], tuple[str, bytes]] | None = None
    """A topic, and what is retained there when the connection ends without a word; the status, unless given.

    Asked for each connection, on a thread.
    """
    connect_timeout_s: float = 10.0
    """Bounds the TCP connection and the TLS handshake, each."""
    answer_timeout_s: float = 5.0
    """Bounds the broker's answer to CONNECT."""
    longest_retry_s: float = LONGEST_S
    """A broker that cannot be reached is tried at least this often."""
    first_version: Version = Version.V5
    """Tried first; the other one when the broker refuses it or chokes on it."""
    discovery_prefix: str = ""
    """Where Home Assistant listens for descriptions of devices; empty = the board is not announced."""
    discovery_role: str = ""
    """On whose topics Home Assistant commands; empty = the plain ones."""
    roles: Roles = field(default_factory=Roles)
    heartbeat_s: float | None = None
    """Without a change telemetry is sent only so often; None = every sample."""
    telemetry: TelemetryForm = field(default_factory=TelemetryForm)
    inflight: int = 20
    """So many messages may be unacknowledged at a time; a broker may ask for fewer."""
    replay_per_s: float = DEFAULT_RATE_PER_S
    """How fast events of before the connection are published."""
    spool_telemetry: bool = False
    """Telemetry waits for the broker too, and is published with QoS 1."""
    spool_limits: SpoolLimits = field(default_factory=SpoolLimits)


def commands_by_default(url: BrokerUrl, *, credentials: bool) -> bool:
    """Commands are taken from the loopback interface, over TLS or from a broker that knows us (safety rule 21)."""
    return url.loopback or url.tls or credentials


def mqtt_config(
    site: SiteMqtt,
    board_id: str,
    *,
    url: str | None = None,
    telemetry_interval_s: float = 5.0,
    heartbeat_s: float | None = None,
    rules: Sequence[TelemetryRule] = (),
    first_version: Version = Version.V5,
) -> MqttConfig | None:
    """The configuration of a board, `url` (of the command line) in place of the site's; None = no MQTT.

    Raises ValueError: one sentence that names what is wrong and the cure.
    """
    text = site.url if url is None else url
    if not text:
        return None
    broker = parse_url(text)
    password = _read_password(secret_file("mqtt.password_file", site.password_file)) if site.password_file else None
    if password is not None and not broker.user:
        raise ValueError(
            "mqtt.password_file is given and mqtt.url has no user: write the user in the URL,"
            f" for example mqtt://USER@{broker.host}:{broker.port}"
        )
    fallbacks = tuple(parse_url(text) for text in site.fallback_urls) if url is None else ()
    _check_tls(site, any(one.tls for one in (broker, *fallbacks)), broker)
    known = password is not None or bool(site.cert_file)
    roles = Roles({role: table.allow for role, table in site.roles.items()})
    if site.discovery.role and site.discovery.role not in roles:
        raise ValueError(f"mqtt.discovery.role: there is no role {site.discovery.role!r} in mqtt.roles")
    return MqttConfig(
        url=broker,
        base=f"{site.base.strip('/')}/{board_id}",
        client_id=f"pgood-{board_id}",
        password=password,
        ca_file=site.ca_file,
        cert_file=site.cert_file,
        key_file=site.key_file,
        server_name=site.server_name,
        alpn=site.alpn,
        fallbacks=fallbacks,
        return_s=site.return_s,
        commands=all(commands_by_default(one, credentials=known) for one in (broker, *fallbacks))
        if site.commands is None
        else site.commands,
        telemetry_interval_s=telemetry_interval_s,
        heartbeat_s=heartbeat_s,
        telemetry=TelemetryForm(site.telemetry_formats, site.telemetry_qos, tuple(rules)),
        first_version=first_version,
        roles=roles,
        discovery_role=site.discovery.role,
        discovery_prefix=site.discovery.prefix if site.discovery.enabled else "",
        replay_per_s=site.replay_per_s,
        spool_telemetry=site.spool_telemetry,
        spool_limits=SpoolLimits(max_bytes=site.spool_mb * 1024 * 1024, max_age_s=site.spool_days * DAY_S),
    )


def _read_password(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_IROTH | stat.S_IWOTH) and not is_credential(file):
                raise ValueError(f"mqtt.password_file {file} can be read or changed by everybody: chmod o-rw {file}")
            content = stream.read(MAX_PASSWORD_BYTES + 1)
    except OSError as error:
        raise ValueError(
            f"mqtt.password_file {file} cannot be read: {error.strerror}: write the broker's password into it,"
            " readable by pgood only"
        ) from error
    try:
        password = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"mqtt.password_file {file} is not UTF-8 text") from error
    if not password or len(content) > MAX_PASSWORD_BYTES or "\n" in password or "\0" in password:
        raise ValueError(f"mqtt.password_file {file}: one line with the password, at most {MAX_PASSWORD_BYTES} bytes")
    return password


def _check_tls(site: SiteMqtt, tls: bool, broker: BrokerUrl) -> None:
    given = [key for key in ("ca_file", "cert_file", "key_file", "server_name", "alpn") if getattr(site, key)]
    if given and not tls:
        raise ValueError(f"mqtt.{given[0]} is given and {broker} does not use TLS: write mqtts:// in mqtt.url")
    if site.key_file and not site.cert_file:
        raise ValueError("mqtt.key_file is given without its certificate: name that as mqtt.cert_file")
    for key, what in (
        ("ca_file", "the broker's CA certificate (PEM)"),
        ("cert_file", "this board's certificate (PEM)"),
        ("key_file", "the key of this board's certificate (PEM), readable by pgood only"),
    ):
        if getattr(site, key):
            _check_readable(f"mqtt.{key}", Path(getattr(site, key)), what, secret=key == "key_file")


def _check_readable(key: str, file: Path, what: str, *, secret: bool) -> None:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            stream.read(1)
    except OSError as error:
        raise ValueError(f"{key} {file} cannot be read: {error.strerror}: name {what}") from error
    if secret and stat.S_ISREG(mode) and mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(f"{key} {file} can be read or changed by everybody: chmod o-rw {file}")
