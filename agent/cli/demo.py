# SPDX-License-Identifier: Apache-2.0
"""`pgood demo`: a simulated board with IPMI and MQTT on the loopback interface, and what to paste next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.board.options import Override
from agent.cli import boarding
from agent.cli.events import readable
from agent.cli.failure import Failure
from agent.cli.places import demo_state_dir
from agent.store.users import write_private

if TYPE_CHECKING:
    import argparse

    from agent.board.board import Board

IPMI = "127.0.0.1:6230"
MQTT_PORT = 18830
USER = "admin"
READY_FILE = "demo.json"


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
        help=f"the demo broker's port (default: {MQTT_PORT})",
    )
    parser.add_argument("--broker", metavar="URL", help="use this MQTT broker instead of a demo broker")
    parser.add_argument("--profile", default="sim", metavar="NAME|FILE", help="a simulated profile (default: sim)")
    boarding.add_log(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    boarding.start_logging(arguments.verbose)
    state_dir: Path = arguments.state_dir or demo_state_dir()
    ipmi = boarding.parse_address(arguments.ipmi)
    with contextlib.ExitStack() as stack:
        url, without = arguments.broker, ""
        if url is None:
            try:
                broker = start_demo_broker(arguments.mqtt_port, state_dir / BROKER_DIR)
                stack.callback(broker.close)
                url = f"mqtt://127.0.0.1:{broker.port}"
            except DemoBrokerMissing as error:
                url, without = "", str(error)
            except DemoBrokerError as error:
                raise Failure(str(error)) from error
        options = boarding.options(arguments.profile, None, state_dir, Override(ipmi, url), first_user=USER)
        if not options.profile.board.simulated:
            raise Failure(f"{options.profile_file}: the demo is for simulated boards; use: pgood run --profile ...")
        (state_dir / READY_FILE).unlink(missing_ok=True)
        try:
            boarding.board(options, lambda board: _serve(board, state_dir, without))
        finally:
            (state_dir / READY_FILE).unlink(missing_ok=True)
    return 0


async def _serve(board: Board, state_dir: Path, without_mqtt: str) -> None:
    """Say that everything answers, then follow the events until the agent ends."""
    subscription = board.bus.subscribe("demo")
    if board.mqtt:
        await board.mqtt.wait_connected(CONNECT_WITHIN_S)
    host, port = board.ipmi_bound[0]
    admin = board.users.all()[0]
    user, password = admin.name.decode(), admin.password.decode()
    ready: dict[str, object] = {
        "ipmi": {"host": host, "port": port, "user": user, "password": password},
        "mqtt": None,
        "board": board.board_id,
        "pid": os.getpid(),
    }
    if board.mqtt:
        config = board.mqtt.config
        ready["mqtt"] = {"host": config.url.host, "port": config.url.port, "base": config.base}
    write_private(state_dir / READY_FILE, msgspec.json.encode(ready) + b"\n")
    for line in _welcome(board, host, port, user, password, without_mqtt):
        print(line, flush=True)
    while True:
        print(readable((await subscription.get()).payload()), flush=True)


def _welcome(board: Board, host: str, port: int, user: str, password: str, without_mqtt: str) -> Iterator[str]:
    yield f"Board {board.board_id} (simulated) is up. In another terminal:"
    yield ""
    yield f"  ipmitool -I lanplus -H {host} -p {port} -U {user} -P {password} chassis power on"
    yield f"  ipmitool -I lanplus -H {host} -p {port} -U {user} -P {password} sdr"
    if board.mqtt:
        config = board.mqtt.config
        yield f"  mosquitto_sub -h {config.url.host} -p {config.url.port} -t '{config.base}/#' -v"
        if not board.mqtt.status().connected:
            yield f"  (MQTT: {board.mqtt.status().text})"
    else:
        yield f"  (MQTT is off: {without_mqtt})"
    yield "  pgood status"
    yield "  pgood sim supply 1 remove"
    yield ""
    yield "Events follow; Ctrl-C ends the demo."
