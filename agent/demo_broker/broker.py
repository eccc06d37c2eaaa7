# SPDX-License-Identifier: Apache-2.0
"""Start and stop the demo's broker: mosquitto if it is installed, else amqtt."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HOST = "127.0.0.1"
START_S = 30.0
"""Only a broker that neither works nor ends is waited for so long; a small computer imports amqtt for seconds."""
STOP_S = 2.0
POLL_S = 0.02
ANSWER_S = 0.5

SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
"""Debian keeps mosquitto there, outside of an ordinary user's PATH."""

CONNECT = bytes.fromhex("101600044d51545404020005000a 70676f6f642d70726f6265")
"""CONNECT of MQTT 3.1.1: clean session, keep-alive 5 s, client id `pgood-probe`."""
CONNACK = bytes.fromhex("20020000")
DISCONNECT = bytes.fromhex("e000")


class DemoBrokerError(Exception):
    """The broker did not start; one sentence with the cure."""


class DemoBrokerMissing(DemoBrokerError):
    """No broker is installed."""


class DemoBroker:
    """A running broker on 127.0.0.1. Blocking calls; not for the loop's thread while a board runs."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, name: str) -> None:
        self.port = port
        self.name = name
        """`mosquitto`, which speaks MQTT 5.0, or `amqtt`, which speaks 3.1.1 only."""
        self._process = process

    @classmethod
    def start(cls, port: int, directory: Path) -> DemoBroker:
        """Start it and wait until it takes MQTT connections; port 0 = any free one.

        Its files go into `directory`, which is made. Raises DemoBrokerError.
        """
        with _reserved(port) as reservation:
            return cls._start(reservation.getsockname()[1], directory)

    @classmethod
    def _start(cls, port: int, directory: Path) -> DemoBroker:
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DemoBrokerError(f"{directory} cannot be made: {error.strerror}: choose another directory") from error
        mosquitto = find_mosquitto()
        if mosquitto is not None:
            name, command = "mosquitto", _mosquitto(mosquitto, port, directory)
        elif importlib.util.find_spec("amqtt") is not None:
            name, command = "amqtt", [sys.executable, "-m", "agent.demo_broker.amqtt_server", str(port)]
        else:
            raise DemoBrokerMissing(
                "no MQTT broker for the demo: pip install 'pgood[demo]', or apt install mosquitto,"
                " or name a broker of yours with --broker URL"
            )
        log_file = directory / "broker.log"
        try:
            log = log_file.open("wb")
        except OSError as error:
            raise DemoBrokerError(
                f"{log_file} cannot be written: {error.strerror}: choose another directory"
            ) from error
        with log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # its end of file tells the broker that the agent is gone, however it went
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is the agent's: it still has to say goodbye to this broker
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        broker = cls(process, port, name)
        try:
            broker._wait_until_ready(log_file)
        except BaseException:
            broker.close()
            raise
        return broker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """Stop it; returns when it is gone."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_ready(self, log_file: Path) -> None:
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s:
            if not self.running:
                raise DemoBrokerError(f"{self.name} ended at once: {_last_line(log_file)}: use --broker URL instead")
            if takes_connections(self.port):
                return
            time.sleep(POLL_S)
        raise DemoBrokerError(f"{self.name} does not take connections on {HOST}:{self.port} within {START_S:g} s")


def find_mosquitto() -> str | None:
    """The program, on PATH or where distributions hide it."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))
    return shutil.which("mosquitto", path=path)


def takes_connections(port: int) -> bool:
    """Whether something on the port answers an MQTT CONNECT."""
    try:
        with socket.create_connection((HOST, port), timeout=ANSWER_S) as probe:
            probe.sendall(CONNECT)
            answer = probe.recv(len(CONNACK), socket.MSG_WAITALL)
            probe.sendall(DISCONNECT)
    except OSError:
        return False
    return answer == CONNACK


def _reserved(port: int) -> socket.socket:
    """Bound to the port, or to any free one for 0. Raises DemoBrokerError when it is taken.

    While it is open nobody is given this port as a free one; a broker may listen on it, for brokers set SO_REUSEADDR.
    """
    reservation = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reservation.bind((HOST, port))
    except OSError as error:
        reservation.close()
        raise DemoBrokerError(
            f"MQTT port {port} on {HOST} cannot be used: {error.strerror}: stop what uses it, or choose another"
            f" with --mqtt-port PORT, or use the broker that runs there with --broker mqtt://{HOST}:{port}"
        ) from error
    return reservation


def _mosquitto(program: str, port: int, directory: Path) -> Sequence[str]:
    """The command, after its configuration is written. Started as root it stays root: this is the demo's own."""
    config = directory / "mosquitto.conf"
    lines = [
        f"listener {port} {HOST}",
        "allow_anonymous true",
        "persistence false",
        "log_dest stderr",
        "log_type error",
        *(["user root"] if os.geteuid() == 0 else []),
    ]
    try:
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise DemoBrokerError(f"{config} cannot be written: {error.strerror}: choose another directory") from error
    return [sys.executable, "-m", "agent.demo_broker.keeper", program, "-c", str(config)]


def _last_line(log_file: Path) -> str:
    try:
        lines = log_file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
