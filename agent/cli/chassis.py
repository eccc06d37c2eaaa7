# SPDX-License-Identifier: Apache-2.0
"""`pgood chassis` and `pgood emergency-off`: everything on, off in order, or off at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir, follow

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    chassis = verbs.add_parser("chassis", help="switch everything on, or off in reverse order, and wait")
    chassis.add_argument("action", choices=("on", "off"))
    chassis.add_argument("--now", action="store_true", help="off: cut hosts instead of asking them to shut down")
    chassis.add_argument("--force", action="store_true", help="insist although a power-good sense is unverified")
    add_state_dir(chassis)
    chassis.set_defaults(run=run)
    emergency = verbs.add_parser("emergency-off", help="cut every host at once, past every check and queue")
    emergency.add_argument("--reason", default="asked for", help="for the record")
    add_state_dir(emergency)
    emergency.set_defaults(run=run_emergency)


def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "on":
        return follow(arguments, "chassis/power/on", force=arguments.force)
    mode = "force" if arguments.now else "soft"
    return follow(arguments, "chassis/power/off", mode=mode, force=arguments.force)


def run_emergency(arguments: argparse.Namespace) -> int:
    return follow(arguments, "system/emergency/off", reason=arguments.reason)
