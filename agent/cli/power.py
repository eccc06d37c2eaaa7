# SPDX-License-Identifier: Apache-2.0
"""`pgood power`: act on a host and wait for the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir, ask
from agent.cli.failure import EXIT_FAILED, EXIT_USAGE
from agent.power.request import Action

if TYPE_CHECKING:
    import argparse

WORDS = {**{action.value: action for action in Action}, "off": Action.SOFT_OFF, "soft": Action.SOFT_OFF}
"""`off` is soft here (safety rule 18): a forced one must be asked for by its name."""


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("power", help="switch a host and wait for the outcome")
    parser.add_argument("action", choices=sorted(WORDS), metavar="|".join(action.value for action in Action))
    parser.add_argument("host", nargs="?", metavar="HOST", help="name of the host (default: the first)")
    parser.add_argument("--force", action="store_true", help="insist although the power-good sense is unverified")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    action = WORDS[arguments.action]
    result = ask(arguments, "power", action=action.value, host=arguments.host, force=arguments.force)
    text = f"host {result['host']}: {result['state']}"
    if result["good"]:
        print(f"{text} ({result['reason']})" if result["reason"] else text)
        return 0
    print(f"{text}: {action.value} {result['verdict']}: {result['reason']}")
    return EXIT_USAGE if result["verdict"] == "not-armed" else EXIT_FAILED
