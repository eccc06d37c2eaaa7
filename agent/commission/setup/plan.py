# SPDX-License-Identifier: Apache-2.0
"""All that setup is going to do, decided before anything is written."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.board.options import Options, Override
from agent.commission.setup.ask_site import listeners
from agent.commission.setup.interview import SetupError
from agent.commission.setup.planned_file import PlannedFile
from agent.commission.setup.service_view import hidden_from_service
from agent.commission.setup.toml_text import TomlEditError, has_value, set_value
from agent.mqtt.config import mqtt_config
from agent.profile.load import complete_adapters, parse_site, shipped_profiles
from agent.profile.problem import ConfigError

if TYPE_CHECKING:
    from agent.commission.setup.ask_broker import Broker
    from agent.commission.setup.ask_user import NewUser
    from agent.commission.setup.profile_source import ProfileSource
    from agent.commission.setup.toml_text import Value
    from agent.profile.site import Site

NEW_SITE = "# What is particular to this installation; every key is in docs/profiles.md, chapter 'Site file'.\n"
PROFILE_FILE = "board.toml"
MQTT_PASSWORD = "mqtt-password"
MQTT_CA = "mqtt-ca.pem"


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that was asked. Empty = the site file says nothing about it."""

    source: ProfileSource
    node: str
    ipmi: tuple[str, ...]
    user: NewUser | None
    broker: Broker | None


@dataclass(frozen=True, slots=True)
class Plan:
    """In this order: the files, of which the site file is the last, for it names the others; then the user."""

    user: NewUser | None
    files: tuple[PlannedFile, ...]
    profile: str


def make_plan(answers: Answers, site_file: Path, site_text: str, before: Site) -> Plan:
    """`site_text`: the site file as it is, empty where there is none; `before`: what it says. Raises SetupError."""
    folder, source, files = site_file.parent, answers.source, []
    shipped = source.file in shipped_profiles().values()
    if source.adapted or (not shipped and _must_copy(source.file, folder)):
        source = source.saved_as(folder / PROFILE_FILE)
        what = "the profile of this board"
        files.append(PlannedFile(source.file, source.text.encode(), what, made_from=source.made_from))
    values: dict[tuple[str, ...], Value] = {("board", "profile"): source.named, ("board", "id"): answers.node}
    values |= listeners(source.profile, answers.ipmi, before.ipmi)
    if answers.broker is not None:
        ca_file = Path(answers.broker.ca_file)
        if answers.broker.ca_file and _must_copy(ca_file, folder):
            files.append(PlannedFile(folder / MQTT_CA, _read(ca_file), "the broker's CA certificate"))
            ca_file = folder / MQTT_CA
        values |= _mqtt(answers.broker, folder)
        values["mqtt", "ca_file"] = str(ca_file) if answers.broker.ca_file else ""
        if answers.broker.password is not None:
            secret = answers.broker.password.encode() + b"\n"
            files.append(PlannedFile(folder / MQTT_PASSWORD, secret, "the password for the broker", secret=True))
    text = _changed(site_file, site_text or NEW_SITE, values)
    _check(source, site_file, text, answers.broker)
    return Plan(answers.user, (*files, PlannedFile(site_file, text.encode(), "the site file")), source.named)


def _must_copy(file: Path, folder: Path) -> bool:
    return file.parent != folder and hidden_from_service(file)


def _read(file: Path) -> bytes:
    """Raises SetupError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise SetupError(f"{file} cannot be read: {error.strerror or error}") from error


def _mqtt(broker: Broker, folder: Path) -> dict[tuple[str, ...], Value]:
    values: dict[tuple[str, ...], Value] = {("mqtt", "url"): broker.url}
    if broker.password is not None:
        values["mqtt", "password_file"] = str(folder / MQTT_PASSWORD)
    elif not broker.keeps_password:
        values["mqtt", "password_file"] = ""
    return values


def _changed(file: Path, text: str, values: dict[tuple[str, ...], Value]) -> str:
    """The text with the values; an empty one is written only where the file says something else. Raises SetupError."""
    try:
        for path, value in values.items():
            if value or has_value(text, path):
                text = set_value(text, path, value)
    except (TomlEditError, tomllib.TOMLDecodeError) as error:
        raise SetupError(f"{file}: {error}") from error
    return text


def _check(source: ProfileSource, file: Path, text: str, broker: Broker | None) -> None:
    """The site file to be, read as the agent reads it. Raises SetupError."""
    try:
        site = parse_site(file, text)
        profile = complete_adapters(source.profile, source.file, site, None)
        Options(profile, source.file, site, file, file.parent, Override()).ipmi_addresses()
        if broker is not None:  # its files are not written yet
            mqtt_config(msgspec.structs.replace(site.mqtt, password_file="", ca_file=broker.ca_file), "board")
    except ConfigError as error:
        raise SetupError(str(error)) from error
    except ValueError as error:
        raise SetupError(f"{file}: {error}") from error
