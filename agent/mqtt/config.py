# SPDX-License-Identifier: Apache-2.0
"""What the MQTT face is opened with: made once from the site file, checked, and never changed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.mqtt.retry import Version
from agent.mqtt.spool_stream import DEFAULT_RATE_PER_S
from agent.mqtt.url import BrokerUrl, parse_url
from agent.spool.spool import DAY_S, SpoolLimits

if TYPE_CHECKING:
    from agent.profile.site import SiteMqtt

MAX_PASSWORD_BYTES = 1024


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """One broker and how to use it."""

    url: BrokerUrl
    base: str
    """Every topic of the board is below this: `pgood/<board>`."""
    client_id: str
    password: str | None = field(default=None, repr=False)
    ca_file: str = ""
    """Trusted instead of the system's certificates; empty = the system's."""
    commands: bool = False
    telemetry_interval_s: float = 5.0
    keepalive_s: int = 30
    """A silent broker is given up after at most twice this."""
    will_delay_s: int = 5
    """A broker that speaks MQTT 5 tells `offline` only after this, so that a short break is not told at all."""
    connect_timeout_s: float = 10.0
    """Bounds the TCP connection and the TLS handshake, each."""
    answer_timeout_s: float = 5.0
    """Bounds the broker's answer to CONNECT."""
    first_version: Version = Version.V5
    """Tried first; the other one when the broker refuses it or chokes on it."""
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
    first_version: Version = Version.V5,
) -> MqttConfig | None:
    """The configuration of a board, `url` (of the command line) in place of the site's; None = no MQTT.

    Raises ValueError: one sentence that names what is wrong and the cure.
    """
    text = site.url if url is None else url
    if not text:
        return None
    broker = parse_url(text)
    password = _read_password(Path(site.password_file)) if site.password_file else None
    if password is not None and not broker.user:
        raise ValueError(
            "mqtt.password_file is given and mqtt.url has no user: write the user in the URL,"
            f" for example mqtt://USER@{broker.host}:{broker.port}"
        )
    if site.ca_file:
        _check_ca(Path(site.ca_file), broker)
    return MqttConfig(
        url=broker,
        base=f"{site.base.strip('/')}/{board_id}",
        client_id=f"pgood-{board_id}",
        password=password,
        ca_file=site.ca_file,
        commands=commands_by_default(broker, credentials=password is not None)
        if site.commands is None
        else site.commands,
        telemetry_interval_s=telemetry_interval_s,
        first_version=first_version,
        replay_per_s=site.replay_per_s,
        spool_telemetry=site.spool_telemetry,
        spool_limits=SpoolLimits(max_bytes=site.spool_mb * 1024 * 1024, max_age_s=site.spool_days * DAY_S),
    )


def _read_password(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_IROTH | stat.S_IWOTH):
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


def _check_ca(file: Path, broker: BrokerUrl) -> None:
    if not broker.tls:
        raise ValueError(f"mqtt.ca_file is given and {broker} does not use TLS: write mqtts:// in mqtt.url")
    try:
        with file.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        raise ValueError(
            f"mqtt.ca_file {file} cannot be read: {error.strerror}: name the broker's CA certificate (PEM)"
        ) from error
