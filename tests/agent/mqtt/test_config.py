# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.mqtt.config import mqtt_config
from agent.profile.site import SiteMqtt

if TYPE_CHECKING:
    from pathlib import Path

    from agent.mqtt.config import MqttConfig


def made(site: SiteMqtt, url: str | None = None) -> MqttConfig:
    config = mqtt_config(site, "rack-12ab", url=url)
    assert config is not None
    return config


def secret(folder: Path, content: bytes = b"s3cret\n", mode: int = 0o600) -> str:
    file = folder / "password"
    file.write_bytes(content)
    file.chmod(mode)
    return str(file)


def test_no_url_is_no_mqtt() -> None:
    assert mqtt_config(SiteMqtt(), "rack-12ab") is None
    assert mqtt_config(SiteMqtt(url="mqtt://broker"), "rack-12ab", url="") is None


def test_ids_come_from_the_board() -> None:
    config = made(SiteMqtt(url="mqtt://broker", base="site/a"))
    assert config.base == "site/a/rack-12ab"
    assert config.client_id == "pgood-rack-12ab"


def test_the_command_line_wins() -> None:
    assert made(SiteMqtt(url="mqtt://broker"), "mqtt://other:1884").url.host == "other"


def test_the_password_is_in_no_text(tmp_path: Path) -> None:
    config = made(SiteMqtt(url="mqtt://me@broker", password_file=secret(tmp_path)))
    assert config.password == "s3cret"
    assert "s3cret" not in repr(config) + str(config)


@pytest.mark.parametrize(
    ("url", "commands"),
    [("mqtt://broker", False), ("mqtt://127.0.0.1", True), ("mqtts://broker", True), ("mqtt://me@broker", False)],
)
def test_commands_need_a_broker_that_is_ours(url: str, commands: bool) -> None:
    assert made(SiteMqtt(url=url)).commands is commands


def test_commands_with_credentials_or_by_decision(tmp_path: Path) -> None:
    assert made(SiteMqtt(url="mqtt://me@broker", password_file=secret(tmp_path))).commands
    assert made(SiteMqtt(url="mqtt://broker", commands=True)).commands
    assert not made(SiteMqtt(url="mqtts://broker", commands=False)).commands


def test_missing_files_are_named() -> None:
    with pytest.raises(ValueError, match="/nowhere/pw cannot be read: No such file"):
        made(SiteMqtt(url="mqtt://me@broker", password_file="/nowhere/pw"))
    with pytest.raises(ValueError, match=r"/nowhere/ca.pem cannot be read: No such file"):
        made(SiteMqtt(url="mqtts://broker", ca_file="/nowhere/ca.pem"))


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff\xfe", b"x" * 2000])
def test_a_password_is_one_line_of_text(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"mqtt\.password_file"):
        made(SiteMqtt(url="mqtt://me@broker", password_file=secret(tmp_path, content)))


def test_a_password_for_everybody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="chmod o-rw"):
        made(SiteMqtt(url="mqtt://me@broker", password_file=secret(tmp_path, mode=0o644)))
    assert made(SiteMqtt(url="mqtt://me@broker", password_file=secret(tmp_path, mode=0o640))).password == "s3cret"


def test_what_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no user"):
        made(SiteMqtt(url="mqtt://broker", password_file=secret(tmp_path)))
    with pytest.raises(ValueError, match="does not use TLS"):
        made(SiteMqtt(url="mqtt://broker", ca_file=secret(tmp_path)))
