# SPDX-License-Identifier: Apache-2.0
"""`pgood events`: the latest events, and those to come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agent.cli.ask import add_state_dir, ask, ask_stream

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("events", help="show the latest events")
    parser.add_argument("--follow", "-f", action="store_true", help="go on with the events to come")
    parser.add_argument("--latest", type=int, default=20, metavar="N", help="how many old ones first (default: 20)")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--redfish", action="store_true", help="the event log as a Redfish service gives it (JSON)")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def readable(event: dict[str, Any]) -> str:
    """One event as a line: time, severity, kind, message."""
    return f"{event['time'][11:23]}  {event['severity']:<8}  {event['kind']:<28}  {event['message']}"


def run(arguments: argparse.Namespace) -> int:
    if arguments.redfish:
        print(json.dumps(ask(arguments, "log", latest=arguments.latest), indent=4))
        return 0
    for event in ask_stream(arguments, "events", latest=arguments.latest, follow=arguments.follow):
        print(json.dumps(event) if arguments.json else readable(event), flush=arguments.follow)
    return 0
