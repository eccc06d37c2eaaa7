# SPDX-License-Identifier: Apache-2.0
"""The entry point: builds the argument parser from the verbs and turns failures into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from agent.cli import arm, check, config, demo, events, power, run, sim, status, user
from agent.cli.failure import EXIT_USAGE, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = (demo, run, check, status, events, power, sim, config, user, arm)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="pgood", description="A baseboard management controller that is a program.", allow_abbrev=False
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    verbs = top.add_subparsers(metavar="VERB", dest="verb")
    for verb in VERBS:
        verb.add_to(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    if arguments.version:
        from agent.board.version import VERSION

        print(f"pgood {VERSION}")
        return 0
    if arguments.verb is None:
        parser().print_help(sys.stderr)
        return EXIT_USAGE
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
        return int(code)
    except Failure as failure:
        print(f"pgood: {failure}", file=sys.stderr)
        return failure.code
    except BrokenPipeError:  # `pgood events | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
