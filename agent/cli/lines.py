# SPDX-License-Identifier: Apache-2.0
"""`pgood lines`: run a rail sequence, reset an interlock that has fired, start the engine's statistics anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir, ask
from agent.cli.failure import EXIT_FAILED

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("lines", help="run a rail sequence, reset an interlock")
    what = parser.add_subparsers(metavar="WHAT", required=True)
    sequence = what.add_parser("run", help="run a rail sequence of the profile and wait for its end")
    sequence.add_argument("name", metavar="SEQUENCE")
    sequence.set_defaults(run=_run_sequence)
    reset = what.add_parser("reset", help="free the lines that an interlock has latched, and let it act anew")
    reset.add_argument("name", metavar="INTERLOCK")
    reset.set_defaults(run=_reset_interlock)
    statistics = what.add_parser("reset-statistics", help="start the line engine's statistics anew")
    statistics.set_defaults(run=_reset_statistics)
    for verb in (sequence, reset, statistics):
        add_state_dir(verb)


def _run_sequence(arguments: argparse.Namespace) -> int:
    result = ask(arguments, "sequence", name=arguments.name)
    print(result["text"])
    return 0 if result["good"] else EXIT_FAILED


def _reset_interlock(arguments: argparse.Namespace) -> int:
    print(ask(arguments, "reset-interlock", name=arguments.name)["text"])
    return 0


def _reset_statistics(arguments: argparse.Namespace) -> int:
    print(ask(arguments, "reset-statistics")["text"])
    return 0
