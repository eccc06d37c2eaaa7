# SPDX-License-Identifier: Apache-2.0
"""`pgood energy`: what caps the machine and why, what it draws, and today's curves."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.ask import add_state_dir, request
from agent.cli.energy_text import forecast_lines, readable, what_if_lines
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
    ahead = more.add_parser("forecast", help="how the load or a signal goes on, and how wrong that may be")
    ahead.add_argument("of", nargs="?", default="node_w", metavar="WHAT", help="node_w, cpu_w or a signal (node_w)")
    ahead.add_argument("--hours", type=float, default=4.0, help="so far ahead, up to 24 (default: 4)")
    ahead.add_argument("--json", action="store_true")
    add_state_dir(ahead)
    ahead.set_defaults(run=run_forecast)
    heat = more.add_parser("what-if", help="how hot it would get; name one change")
    heat.add_argument("--zone", default="", metavar="NAME", help="a thermal zone (default: the first with a policy)")
    heat.add_argument("--load", type=float, metavar="WATTS", help="so much more load")
    heat.add_argument("--cap", type=float, metavar="WATTS", help="this cap, and all of it used")
    heat.add_argument("--ambient", type=float, metavar="KELVIN", help="air that is so much warmer")
    heat.add_argument("--lost-of-fans", type=int, metavar="N", help="one of N fans stops")
    heat.add_argument("--json", action="store_true")
    add_state_dir(heat)
    heat.set_defaults(run=run_what_if)
    told = more.add_parser("report", help="energy, cost, carbon, work per watt, and how well the capping goes")
    told.add_argument("--hours", type=float, default=24.0, help="so far back, up to 336 (default: 24)")
    told.add_argument("--json", action="store_true")
    add_state_dir(told)
    told.set_defaults(run=run_report)
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


def run_forecast(arguments: argparse.Namespace) -> int:
    found = ask(arguments, "energy/forecast", of=arguments.of, hours=arguments.hours)
    print(json.dumps(found, indent=1) if arguments.json else "\n".join(forecast_lines(found)))
    return 0 if found["points"] else EXIT_FAILED


def run_what_if(arguments: argparse.Namespace) -> int:
    changes = {
        "load_w": arguments.load,
        "cap_w": arguments.cap,
        "ambient_k": arguments.ambient,
        "lost_of_fans": arguments.lost_of_fans,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    found = ask(arguments, "energy/what-if", zone=arguments.zone, **given)
    print(json.dumps(found, indent=1) if arguments.json else "\n".join(what_if_lines(found)))
    return 0 if found["steady"] else EXIT_FAILED


def run_report(arguments: argparse.Namespace) -> int:
    found = ask(arguments, "energy/report", hours=arguments.hours)
    print(json.dumps(found, indent=1) if arguments.json else "\n".join(found["text"]))
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
