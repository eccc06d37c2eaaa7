# SPDX-License-Identifier: Apache-2.0
"""`pgood sim`: play with the world of a simulated board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir, ask

if TYPE_CHECKING:
    import argparse

HELP = """\
pgood sim supply NAME remove|insert|ac-off|ac-on|fail|repair
pgood sim host NAME hang|crash|ignore-soft-off|normal
pgood sim sensor NAME VALUE|auto
pgood sim fan NAME stall|normal
pgood sim load WATTS
"""


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("sim", help="play with the world of a simulated board", usage=HELP)
    parser.add_argument("words", nargs="+", help="what happens")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    print(ask(arguments, "sim", words=arguments.words)["text"])
    return 0
