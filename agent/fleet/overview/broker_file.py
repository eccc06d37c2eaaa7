# SPDX-License-Identifier: Apache-2.0
"""Which broker a visitor goes to: that of any file with a table `[mqtt]`, or a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.mqtt.config import mqtt_config
from agent.profile.decode import decode, read_text
from agent.profile.problem import ConfigError
from agent.profile.site import SiteMqtt

if TYPE_CHECKING:
    from pathlib import Path

    from agent.mqtt.config import MqttConfig

PAGE = "docs/mqtt.md"


class _File(msgspec.Struct):
    """What is beside it is somebody else's."""

    mqtt: SiteMqtt


def load_broker(file: Path | None, url: str | None, name: str) -> MqttConfig:
    """`url` comes before that of the file; `name` is this client's. Raises ConfigError, ValueError."""
    config = mqtt_config(SiteMqtt() if file is None else _table(file), name, url=url)
    if config is None:
        raise ValueError(f"{file}: mqtt.url is empty: name the broker, for example mqtts://USER@HOST:8883")
    if config.fallbacks:
        raise ValueError(f"{file}: mqtt.fallback_urls: all of a fleet use one broker: name it with --url")
    return config


def _table(file: Path) -> SiteMqtt:
    source = read_text(file)
    found, problems = decode(file, source, _File, PAGE)
    if found is None:
        raise ConfigError(file, problems, source)
    return found.mqtt
