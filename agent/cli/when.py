# SPDX-License-Identifier: Apache-2.0
"""`pgood when`: the best time for a job that can wait, and why."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir
from agent.cli.energy import ask
from agent.cli.failure import EXIT_FAILED

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("when", help="when to run a job that can wait")
    parser.add_argument("--duration", required=True, metavar="TIME", help="how long it runs: 2h, 90m, 1h30m")
    parser.add_argument("--before", required=True, metavar="TIME", help="when it must be done: 06:00, 12h, an ISO time")
    parser.add_argument("--signal", default="", metavar="NAME", help="what to save (default: a price, else carbon)")
    parser.add_argument(
        "--min-saving", type=float, metavar="PERCENT", help="start now if waiting saves less (default: 5)"
    )
    parser.add_argument("--json", action="store_true")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    given = {"duration": arguments.duration, "before": arguments.before, "signal": arguments.signal}
    if arguments.min_saving is not None:
        given["min_saving_percent"] = arguments.min_saving
    found = ask(arguments, "energy/when", **given)
    window = found["window"]
    if arguments.json:
        print(json.dumps(found, indent=1))
    elif window is None:
        print(f"no time is best: {found['why']}")
    else:
        start, end = (datetime.fromisoformat(window[key]).astimezone() for key in ("start", "end"))
        now = "now, " if not window["saving"] else ""
        print(f"{now}{start:%a %H:%M} to {end:%a %H:%M} ({found['signal']}, {found['unit']}): {found['why']}")
    return 0 if window else EXIT_FAILED
