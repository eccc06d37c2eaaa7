# SPDX-License-Identifier: Apache-2.0
"""`pgood sim`: play with the world of a simulated board."""

from __future__ import annotations

import argparse

from agent.cli.ask import add_state_dir, ask
from agent.sim.words import WORDS


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    width = max(len(form) for form, _ in WORDS if len(form) < 60)
    listed = "\n".join(f"  {form:<{width}}  {meaning}" for form, meaning in WORDS)
    parser = verbs.add_parser(
        "sim",
        help="play with the world of a simulated board",
        usage="pgood sim WORD... [--state-dir DIR]\n       pgood sim play FILE",
        description="Let something happen to a simulated board (docs/simulation.md).",
        epilog=f"words:\n{listed}\n  play FILE  play a scenario file, step by step",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="+", metavar="WORD", help="what happens; see below")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    print(ask(arguments, "sim", words=arguments.words)["text"])
    return 0
