# SPDX-License-Identifier: Apache-2.0
"""`pgood fleet`: every machine of the fleet as its broker knows it, live; and what a machine should be."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.failure import EXIT_FAILED, Failure
from agent.cli.numbers import number
from agent.cli.places import SYSTEM_SITE

if TYPE_CHECKING:
    from agent.fleet.overview.overview import Overview
    from agent.fleet.overview.visit import Visit
    from agent.mqtt.config import MqttConfig

LISTEN_S = 5.0
"""Every node tells its power within 3 s, and whoever coordinates that it does; what is retained comes at once."""
LONGEST_S = 3600.0
REDRAW_S = 1.0
KNOWN_S = 3.0
"""So long the broker has to tell what is known of a node before it is asked for something."""
ANSWER_S = 10.0
HOME = "\x1b[H\x1b[J"


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("fleet", help="show every machine of the fleet, live; say which should be up")
    parser.add_argument("--json", action="store_true", help="everything, once, as one JSON object")
    parser.add_argument("--once", action="store_true", help="print once; so it is as well when it is not a terminal")
    parser.add_argument(
        "--listen",
        type=_seconds,
        default=LISTEN_S,
        metavar="S",
        help="listen so long before printing once (default: 5)",
    )
    _add_broker(parser)
    parser.set_defaults(run=run)
    more = parser.add_subparsers(metavar="WHAT", dest="what")
    asked = more.add_parser("target", help="say that a machine should be up or down")
    asked.add_argument("node", metavar="NODE")
    asked.add_argument("target", choices=("up", "down"))
    asked.add_argument("--segment", metavar="NAME", help="needed for a machine that was never heard of")
    asked.add_argument("--reason", default="", metavar="TEXT", help="others see it")
    asked.add_argument(
        "--automation", action="store_true", help="hand the machine back to automation, which may change this again"
    )
    _add_broker(asked)
    asked.set_defaults(run=run_target)


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    from agent.fleet.overview.visit import NotReached, visit

    config = _broker(arguments)

    async def look() -> int:
        async with visit(config) as visitor:
            if arguments.json or arguments.once or not sys.stdout.isatty():
                await asyncio.sleep(arguments.listen)
                _print_once(visitor.overview, arguments.json)
                return 0
            while True:
                _redraw(visitor.overview)
                await asyncio.sleep(REDRAW_S)

    try:
        return asyncio.run(look())
    except NotReached as error:
        raise Failure(str(error), EXIT_FAILED) from error


def run_target(arguments: argparse.Namespace) -> int:
    import asyncio

    from agent.fleet.bus import BusError
    from agent.fleet.node.documents import Asker, Direction
    from agent.fleet.node.topics import NAME
    from agent.fleet.overview.overview_text import printable
    from agent.fleet.overview.visit import NotReached, NotTaken, visit

    node, target = arguments.node, Direction(arguments.target)
    asked_by = Asker.AUTOMATION if arguments.automation else Asker.PERSON
    for name in (node, arguments.segment):
        if name is not None and not NAME.fullmatch(name):
            raise Failure(f"{name!r} is no name in a fleet: letters, digits, - and _, 63 at most")
    if len(arguments.reason) > 300:
        raise Failure("--reason: 300 characters at most")
    config = _broker(arguments)

    async def ask() -> int:
        async with visit(config) as visitor:
            await asyncio.sleep(KNOWN_S)
            segment = _segment(visitor, node, arguments.segment)
            revision = await visitor.ask(segment, node, target, asked_by, arguments.reason)
            print(f"{node} is to be {target.value} (revision {revision})", flush=True)
            if not await visitor.obeyed(segment, node, revision, ANSWER_S):
                print(f"{node} does not answer now; the broker keeps the target for it")
                return 0
            report = visitor.overview.report(segment, node)
            if report is not None:
                print(f"{node}: {report.condition.value} {printable(report.reason)}".rstrip())
            return 0

    try:
        return asyncio.run(ask())
    except (NotReached, NotTaken, BusError) as error:
        raise Failure(str(error), EXIT_FAILED) from error


def _segment(visitor: Visit, node: str, given: str | None) -> str:
    """Raises Failure."""
    found = visitor.overview.segments_of(node)
    if given is not None:
        return given
    if not found:
        raise Failure(f"nothing was heard of a node {node!r}: if it is new, name its segment with --segment")
    if len(found) > 1:
        raise Failure(f"there is a node {node!r} in {', '.join(found)}: name one with --segment")
    return found[0]


def _print_once(overview: Overview, as_json: bool) -> None:
    from dataclasses import asdict

    import msgspec

    from agent.fleet.overview.overview_text import lines

    now_ns = time.monotonic_ns()
    nodes, groups = overview.nodes(now_ns), overview.groups(now_ns)
    if as_json:
        told = {
            "nodes": [asdict(row) for row in nodes],
            "groups": [{**msgspec.to_builtins(row.state), "fresh": row.fresh} for row in groups],
            "refused": dict(overview.refused),
        }
        print(json.dumps(told, indent=1))
        return
    print("\n".join(lines(nodes, groups, overview.refused)))


def _redraw(overview: Overview) -> None:
    from agent.fleet.overview.overview_text import lines

    now_ns = time.monotonic_ns()
    size = shutil.get_terminal_size()  # a serial console does not tell: then 80 times 24
    shown = lines(overview.nodes(now_ns), overview.groups(now_ns), overview.refused, size.lines - 1)
    print(HOME + "\n".join(line[: size.columns] for line in shown), end="\n", flush=True)


def _seconds(text: str) -> float:
    """Raises ArgumentTypeError."""
    if not 0 < (seconds := number(text)) <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"are seconds, up to {LONGEST_S:g} (here: {text})")
    return seconds


def _add_broker(parser: argparse.ArgumentParser) -> None:
    """Taken before and after WHAT: what is not given must not hide what was."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=f"a site or a coordinator's file, for its [mqtt] (default: {SYSTEM_SITE})",
    )
    parser.add_argument(
        "--url",
        metavar="URL",
        default=argparse.SUPPRESS,
        help="another broker, such as mqtt://127.0.0.1:1883",
    )


def _broker(arguments: argparse.Namespace) -> MqttConfig:
    """Raises Failure."""
    import logging
    import secrets

    from agent.fleet.overview.broker_file import load_broker
    from agent.profile.problem import ConfigError

    file: Path | None = getattr(arguments, "config", None)
    url: str | None = getattr(arguments, "url", None)
    if file is None and SYSTEM_SITE.exists() and url is None:
        file = SYSTEM_SITE
    if file is None and url is None:
        raise Failure("name the broker: pgood fleet --url mqtt://HOST, or --config FILE with a table [mqtt]")
    logging.disable(logging.ERROR)  # why a broker is not reached is told once, at the end
    try:
        return load_broker(file, url, f"fleet-{secrets.token_hex(4)}")
    except (ConfigError, ValueError) as error:
        raise Failure(str(error)) from error
