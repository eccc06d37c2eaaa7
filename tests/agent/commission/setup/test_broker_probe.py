# SPDX-License-Identifier: Apache-2.0
"""The trial of a broker, against a real mosquitto: what works, and what each failure says."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agent.commission.setup import broker_probe
from agent.commission.setup.broker_probe import ProbeError, probe_broker
from agent.mqtt.config import MqttConfig
from agent.mqtt.retry import Version
from agent.mqtt.url import parse_url
from tests.agent.mqtt.brokers import HOST, PATIENCE_S, Mosquitto, Watcher, eventually, free_port, retained
from tests.agent.mqtt.certificates import certificate
from tests.agent.mqtt.fake_broker import FakeBroker, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., Mosquitto]

DAY = timedelta(days=1)
BASE = "pgood/rack-1"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a mosquitto with these lines of configuration."""
    started: list[Mosquitto] = []

    def make(*extra: str) -> Mosquitto:
        broker = Mosquitto(tmp_path, extra or ("allow_anonymous true",))
        started.append(broker)
        broker.start(probe=not extra)
        return broker

    yield make
    for broker in started:
        broker.kill()


def with_users(folder: Path, acl: str = "") -> list[str]:
    """Configuration with one user, alice, whose password is 'right'."""
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "alice", "right"], check=True, timeout=30)
    lines = ["allow_anonymous false", f"password_file {passwords}"]
    if acl:
        (folder / "acl").write_text(acl)
        (folder / "acl").chmod(0o600)
        lines.append(f"acl_file {folder / 'acl'}")
    return lines


def config(url: str, password: str | None = None, ca_file: str = "") -> MqttConfig:
    client = "pgood-setup-rack-1"
    return MqttConfig(url=parse_url(url), base=BASE, client_id=client, password=password, ca_file=ca_file)


def told(wanted: MqttConfig) -> str:
    """What the trial says."""
    with pytest.raises(ProbeError) as error:
        probe_broker(wanted)
    return str(error.value)


def test_it_works_and_leaves_nothing(start: Start) -> None:
    broker = start()
    watcher = Watcher(broker.port)
    assert probe_broker(config(broker.url)) is Version.V5
    asyncio.run(eventually(lambda: watcher.seen, "the probe"))
    assert [seen.topic for seen in watcher.seen] == [f"{BASE}/setup-probe"]
    watcher.close()
    assert retained(broker.port) == {}


def test_an_older_broker_is_asked_in_its_own_version() -> None:
    with FakeBroker(Fault.REFUSES_5) as broker:
        assert "does not pass on what we publish" in told(config(broker.url))  # this one never does
        assert broker.connects == [5, 4]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.SILENT, "the broker does not answer CONNECT within 0.5 s: is it an MQTT broker"),
        (Fault.HANGS_UP, "is it an MQTT broker"),
        (Fault.GARBAGE, "is it an MQTT broker"),
        (Fault.TAKES_OVER, "another client connected with the same client id"),
    ],
)
def test_what_is_no_broker(fault: Fault, expected: str) -> None:
    with FakeBroker(fault, garbage=b"HTTP/1.1 400 Bad Request\r\n\r\n") as broker:
        # The others answer, or hang up, when it is their turn.
        answer_s = 0.5 if fault in (Fault.SILENT, Fault.GARBAGE) else PATIENCE_S
        assert expected in told(replace(config(broker.url), answer_timeout_s=answer_s))


def test_a_user_with_a_password(start: Start, tmp_path: Path) -> None:
    broker = start(*with_users(tmp_path))
    url = f"mqtt://alice@{HOST}:{broker.port}"
    assert probe_broker(config(url, "right")) is Version.V5
    for wrong in (config(url, "wrong"), config(url), config(broker.url)):
        text = told(wrong)
        assert "does not authorise this client: check user and password (--mqtt-user, --mqtt-password-file)" in text
        assert "wrong" not in text


@pytest.mark.parametrize(
    ("acl", "expected"),
    [
        ("user alice\ntopic read pgood/#\n", "the broker does not pass on what we publish to pgood/rack-1/setup-probe"),
        ("user alice\ntopic write pgood/#\n", "let this user read and write pgood/#"),
    ],
)
def test_a_user_who_may_not_do_enough(
    start: Start, tmp_path: Path, acl: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_probe, "ANSWER_S", 1.0)  # nothing is going to come
    broker = start(*with_users(tmp_path, acl))
    text = told(config(f"mqtt://alice@{HOST}:{broker.port}", "right"))
    assert expected in text
    assert "the broker's ACL" in text


def test_nobody_listens() -> None:
    text = told(config(f"mqtt://{HOST}:{free_port()}"))
    assert "nobody listens there: is the broker running" in text


def test_an_unknown_host() -> None:
    assert "the host name 'nowhere.invalid' of the MQTT broker is not known" in told(config("mqtt://nowhere.invalid"))


def test_tls(start: Start, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    trusted, key = certificate(tmp_path, "localhost", now - DAY, now + DAY)
    broker = start("allow_anonymous true", f"certfile {trusted}", f"keyfile {key}")
    url = f"mqtts://localhost:{broker.port}"
    assert probe_broker(config(url, ca_file=str(trusted))) is Version.V5
    assert "certificate is not trusted" in told(config(url))
    assert "--mqtt-ca" in told(config(url))
    assert "is TLS meant (mqtts://, port 8883)" in told(config(f"mqtt://localhost:{broker.port}"))


def test_tls_that_is_not_valid_yet_is_named_as_a_clock_problem(start: Start, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    trusted, key = certificate(tmp_path, "localhost", now + DAY, now + 3 * DAY)
    broker = start("allow_anonymous true", f"certfile {trusted}", f"keyfile {key}")
    assert "clock is wrong" in told(config(f"mqtts://localhost:{broker.port}", ca_file=str(trusted)))


def test_tls_to_a_broker_without(start: Start) -> None:
    broker = start()
    assert "is TLS meant" in told(config(f"mqtts://localhost:{broker.port}"))


def test_a_file_that_is_no_certificate(start: Start, tmp_path: Path) -> None:
    broker = start()
    (tmp_path / "ca").write_text("not a certificate")
    assert "--mqtt-ca" in told(config(f"mqtts://localhost:{broker.port}", ca_file=str(tmp_path / "ca")))
