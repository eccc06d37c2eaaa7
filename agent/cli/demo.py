# SPDX-License-Identifier: Apache-2.0
"""`pgood demo`: a simulated board with IPMI and MQTT on the loopback interface, and what to paste next."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.board.options import Override
from agent.board.state_dir import StateDir, StateDirError, make_state_dir
from agent.cli import boarding
from agent.cli.events import readable
from agent.cli.failure import Failure
from agent.cli.places import demo_state_dir
from agent.demo_broker import DemoBroker, DemoBrokerError, DemoBrokerMissing
from agent.mqtt.url import parse_url
from agent.power.request import HostState
from agent.store.private import write_private

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from agent.board.board import Board
    from agent.mqtt.status import MqttStatus

IPMI = "127.0.0.1:6230"
MQTT_PORT = 18830
USER = "admin"
READY_FILE = "demo.json"
BROKER_DIR = "broker"
CONNECT_WITHIN_S = 5.0
KNOWN_WITHIN_S = 5.0
OWN_WITHIN_S = 30.0
"""Our own broker takes connections already."""


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("demo", help="start a simulated board on this machine")
    parser.add_argument(
        "--state-dir", type=Path, metavar="DIR", help=f"where state is kept (default: {demo_state_dir()})"
    )
    boarding.add_ipmi(parser, IPMI)
    parser.add_argument(
        "--mqtt-port",
        type=int,
        default=MQTT_PORT,
        metavar="PORT",
        help=f"the broker's port (default: {MQTT_PORT})",
    )
    parser.add_argument("--broker", metavar="URL", help="use this MQTT broker instead of a demo broker")
    parser.add_argument(
        "--profile", default="sim", metavar="NAME|FILE", help="a simulated profile, or any (default: sim)"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a site file, for example with [energy]")
    boarding.add_simulated(parser)
    boarding.add_log(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    boarding.start_logging(arguments.verbose)
    state_dir: Path = arguments.state_dir or demo_state_dir()
    ipmi = boarding.parse_address(arguments.ipmi)
    options = boarding.options(arguments.profile, arguments.config, state_dir, Override(ipmi), first_user=USER)
    options = boarding.with_world(arguments, options)
    if not options.profile.board.simulated:
        raise Failure(
            f"{options.profile_file}: the demo is for simulated boards: add --simulated to run this one without its"
            " hardware, or use: pgood run --profile FILE"
        )
    if not options.profile.hosts:
        raise Failure(f"{options.profile_file}: the demo needs a profile with [[hosts]]; use: pgood run --profile FILE")
    try:
        _forget_earlier(state_dir)
        with contextlib.ExitStack() as stack:
            url, without_mqtt = arguments.broker, ""
            if url is None:
                url, without_mqtt = _broker(stack, arguments.mqtt_port, state_dir)
            else:
                parse_url(url)
            stack.callback((state_dir / READY_FILE).unlink, missing_ok=True)
            options = replace(options, override=Override(ipmi, url))
            within_s = OWN_WITHIN_S if arguments.broker is None else CONNECT_WITHIN_S
            boarding.board(options, lambda board: _serve(board, state_dir, without_mqtt, within_s))
    except (StateDirError, ValueError) as error:
        raise Failure(str(error)) from error
    return 0


def _forget_earlier(state_dir: Path) -> None:
    """A killed demo leaves its ready file behind; who waits for ours must not find that. Raises StateDirError."""
    state = StateDir(state_dir)
    (state_dir / READY_FILE).unlink(missing_ok=True)
    state.close()


def _broker(stack: contextlib.ExitStack, port: int, state_dir: Path) -> tuple[str, str]:
    """The URL of a fresh demo broker, or none and why. Raises Failure."""
    try:
        make_state_dir(state_dir / BROKER_DIR)
        broker = DemoBroker.start(port, state_dir / BROKER_DIR)
    except DemoBrokerMissing as error:
        return "", str(error)
    except DemoBrokerError as error:
        raise Failure(str(error)) from error
    stack.callback(broker.close)
    return f"mqtt://127.0.0.1:{broker.port}", ""


async def _serve(board: Board, state_dir: Path, without_mqtt: str, within_s: float) -> None:
    """Say that everything answers, then follow the events until the agent ends."""
    subscription = board.bus.subscribe("demo")
    await _mqtt_connected(board, within_s)
    await _hosts_known(board)
    host, port = next(iter(board.ipmi.bound.values()))[0]
    admin = board.users.all()[0]
    user, password = admin.name.decode(), admin.password.decode()
    ready: dict[str, object] = {
        "ipmi": {"host": host, "port": port, "user": user, "password": password},
        "ipmi_hosts": {name: {"host": bound[0][0], "port": bound[0][1]} for name, bound in board.ipmi.bound.items()},
        "mqtt": None,
        "board": board.board_id,
        "pid": os.getpid(),
    }
    if board.mqtt_config:
        url = board.mqtt_config.url
        ready["mqtt"] = {"host": url.host, "port": url.port, "base": board.mqtt_config.base}
    for line in _welcome(board, f"-H {host} -p {port} -U {user} -P {password}", without_mqtt):
        print(line, flush=True)
    write_private(state_dir / READY_FILE, msgspec.json.encode(ready) + b"\n")
    while True:
        print(readable((await subscription.get()).payload()), flush=True)


async def _mqtt_connected(board: Board, within_s: float) -> None:
    """Wait for the broker; for one that others run not for long, for it may be down."""
    await _until(lambda: not board.mqtt or _listens(board.mqtt.status()), within_s)


async def _hosts_known(board: Board) -> None:
    """Wait until power-good has settled, but not for long: not every sense ever does."""
    hosts = board.services.hosts.values()
    await _until(lambda: all(host.state is not HostState.UNKNOWN for host in hosts), KNOWN_WITHIN_S)


async def _until(holds: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not holds() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)


def _listens(status: MqttStatus) -> bool:
    """Who is told that the demo is ready may command it at once."""
    return status.connected and (status.subscribed or not status.commands)


def _welcome(board: Board, ipmi: str, without_mqtt: str) -> Iterator[str]:
    yield f"Board {board.board_id} (simulated, {board.options.profile.name}) is up. Paste into another terminal:"
    yield ""
    yield f"  ipmitool -I lanplus {ipmi} chassis power on"
    yield f"  ipmitool -I lanplus {ipmi} sdr"
    if board.mqtt and board.mqtt_config:
        url, status = board.mqtt_config.url, board.mqtt.status()
        yield f"  mosquitto_sub -h {url.host} -p {url.port} -t '{board.mqtt_config.base}/#' -v"
        if not status.connected:
            yield f"  (MQTT: {status.text})"
    else:
        yield f"  (MQTT is off: {without_mqtt})"
    yield ""
    yield "Events follow; Ctrl-C ends the demo."
