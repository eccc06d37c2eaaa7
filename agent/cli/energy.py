# SPDX-License-Identifier: Apache-2.0
"""`pgood energy`: what caps the machine and why, what it draws, and today's curves."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.ask import add_state_dir, request
from agent.cli.energy_text import readable
from agent.cli.failure import EXIT_FAILED, Failure

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("energy", help="what caps the machine's power, and why")
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")
    add_state_dir(parser)
    parser.set_defaults(run=run)
    more = parser.add_subparsers(metavar="WHAT", dest="what")
    boost = more.add_parser("boost", help="let the processors run faster for a while, out of power to spare")
    boost.add_argument("--seconds", type=float, required=True, help="up to 3600")
    boost.add_argument("--watts", type=float, default=0.0, help="what it may draw on top (default: 0)")
    add_state_dir(boost)
    boost.set_defaults(run=run_boost)
    made = more.add_parser("test-data", help="make up a day of a market, for trying things out; needs no agent")
    made.add_argument("--signal", default="price", metavar="NAME", help="its name (default: price)")
    made.add_argument("--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="default: today")
    made.add_argument("--zone", default="Europe/Paris", help="its time zone (default: Europe/Paris)")
    made.add_argument("--seed", type=int, default=1, help="the same seed makes the same day (default: 1)")
    made.add_argument("--directory", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")
    made.set_defaults(run=run_test_data)


def run_boost(arguments: argparse.Namespace) -> int:
    granted = ask(arguments, "energy/boost", seconds=arguments.seconds, extra_w=arguments.watts)
    print(f"boost for {granted['seconds']:g} s, up to {granted['extra_w']:g} W more")
    return 0


def run_test_data(arguments: argparse.Namespace) -> int:
    from agent.energy.test_data import write_day

    try:
        print(
            write_day(
                arguments.directory, arguments.signal, arguments.day or date.today(), arguments.zone, arguments.seed
            )
        )
    except (OSError, ValueError) as error:
        raise Failure(str(error), EXIT_FAILED) from error
    return 0


def run(arguments: argparse.Namespace) -> int:
    found = ask(arguments, "energy/get")
    print(json.dumps(found, indent=1) if arguments.json else "\n".join(readable(found)))
    return 0


def ask(arguments: argparse.Namespace, method: str, **given: object) -> Any:
    """What the agent answers, if it has `[energy]`. Raises Failure."""
    if method not in request(arguments, "methods/list")["methods"]:
        raise Failure("this agent caps nothing: its site file has no [energy] (docs/energy.md)", EXIT_FAILED)
    return request(arguments, method, **given)
