# SPDX-License-Identifier: Apache-2.0
"""The MQTT broker: where, as whom, and whether it works."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.commission.setup.broker_probe import ProbeError, probe_broker
from agent.commission.setup.interview import SetupError
from agent.commission.setup.secret_input import read_secret
from agent.mqtt.config import MqttConfig
from agent.mqtt.url import parse_url

if TYPE_CHECKING:
    from agent.commission.setup.flags import Flags
    from agent.commission.setup.interview import Interview
    from agent.mqtt.url import BrokerUrl
    from agent.profile.site import SiteMqtt

NONE = "none"
CONNECT_S = 5.0
HANDED_OVER = "credential:"
"""Begins a password_file that the service manager gives to the service, and to nobody else."""


@dataclass(frozen=True, slots=True)
class Broker:
    """What the site file is to say. `url` empty = no MQTT."""

    url: str
    ca_file: str = ""
    password: str | None = field(default=None, repr=False)
    """None = none, or the one that the site file names."""
    keeps_password: bool = False


def ask_broker(interview: Interview, flags: Flags, in_force: SiteMqtt, base: str) -> Broker | None:
    """None = as it is. `base` is where the board's topics will be. Raises SetupError."""
    if flags.mqtt is None and not interview.asks:
        return None
    if flags.mqtt is None:
        interview.say()
        interview.say(
            "MQTT tells Home Assistant and others what this board does. mqtt://HOST is a broker without encryption,"
        )
        interview.say(f"mqtts://HOST one with TLS; '{NONE}' leaves MQTT off.")
    while True:
        broker = _ask(interview, flags, in_force)
        if not broker.url or flags.mqtt_untested:
            return broker
        if broker.keeps_password and in_force.password_file.startswith(HANDED_OVER):
            interview.say("  Not tried: only the service is handed the password.")
            return broker
        interview.say(f"Trying {broker.url} ...")
        try:
            version = probe_broker(_config(broker, in_force, base))
        except ProbeError as error:
            if flags.mqtt is not None or not interview.asks:
                raise SetupError(f"--mqtt: {error} (--mqtt-untested takes it all the same)") from error
            interview.say(f"  {error}.")
            if interview.agrees("Take it all the same?", suggestion=False):
                return broker
            continue
        interview.say(f"  It works: connected with MQTT {version.value}, and a message came back.")
        return broker


def _ask(interview: Interview, flags: Flags, in_force: SiteMqtt) -> Broker:
    url = interview.answer("--mqtt", flags.mqtt, "MQTT broker", in_force.url or NONE, _url)
    if url is None:
        return Broker("")
    if not url.user:
        anonymous = url
        url = interview.answer(
            "--mqtt-user", flags.mqtt_user, "  user (Enter: none)", "", lambda text: _with_user(anonymous, text)
        )
    elif flags.mqtt_user not in (None, url.user):
        raise SetupError(f"--mqtt-user: the URL names the user {url.user} already")
    ca_file = ""
    if url.tls:
        question = "  file with the CA certificate (Enter: those of the system)"
        ca_file = interview.answer("--mqtt-ca", flags.mqtt_ca, question, in_force.ca_file, _ca_file)
    elif flags.mqtt_ca:
        raise SetupError("--mqtt-ca: the URL is without TLS: write mqtts://")
    if flags.mqtt_password_file is not None:
        return Broker(str(url), ca_file, _password_of_flag(flags.mqtt_password_file, url))
    if not url.user:
        return Broker(str(url), ca_file)
    question = f"  Keep the password in {in_force.password_file}?"
    if in_force.password_file and interview.agrees(question, suggestion=True):
        return Broker(str(url), ca_file, keeps_password=True)
    typed = interview.new_secret(f"  password of {url.user} (Enter: none)", str) if interview.asks else ""
    return Broker(str(url), ca_file, typed or None)


def _password_of_flag(file: Path, url: BrokerUrl) -> str:
    """Raises SetupError."""
    if not url.user:
        raise SetupError("--mqtt-user is missing: --mqtt-password-file is the password of a user")
    try:
        return read_secret(file)
    except ValueError as error:
        raise SetupError(f"--mqtt-password-file: {error}") from error


def _url(text: str) -> BrokerUrl | None:
    return None if text == NONE else parse_url(text)


def _with_user(url: BrokerUrl, user: str) -> BrokerUrl:
    """As the agent will read it from the site file. Raises ValueError."""
    return parse_url(str(replace(url, user=user))) if user else url


def _ca_file(text: str) -> str:
    """Where the file is, from anywhere: the service runs in another folder."""
    if not text:
        return ""
    file = Path(text).absolute()
    try:
        with file.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}: name the broker's CA certificate (PEM)") from error
    return str(file)


def _config(broker: Broker, in_force: SiteMqtt, base: str) -> MqttConfig:
    """Raises SetupError."""
    password = broker.password
    url = parse_url(broker.url)
    if broker.keeps_password:
        try:
            password = read_secret(Path(in_force.password_file))
        except ValueError as error:
            raise SetupError(f"mqtt.password_file: {error}") from error
    return MqttConfig(
        url=url,
        base=base,
        client_id=f"pgood-setup-{base.rsplit('/', 1)[-1]}",
        password=password,
        ca_file=broker.ca_file,
        cert_file=in_force.cert_file if url.tls else "",
        key_file=in_force.key_file if url.tls else "",
        server_name=in_force.server_name if url.tls else "",
        alpn=in_force.alpn if url.tls else (),
        connect_timeout_s=CONNECT_S,
    )
