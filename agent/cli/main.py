# SPDX-License-Identifier: Apache-2.0
"""The entry point: builds the argument parser from the verbs and turns failures into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from agent import late_modules
from agent.cli.failure import EXIT_USAGE, Failure
from agent.service.journal import prefixed

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "demo": "agent.cli.demo",
    "run": "agent.cli.run",
    "setup": "agent.cli.setup",
    "check": "agent.cli.check",
    "wire": "agent.cli.wire",
    "arm": "agent.cli.arm",
    "disarm": "agent.cli.arm",
    "user": "agent.cli.user",
    "status": "agent.cli.status",
    "events": "agent.cli.events",
    "trends": "agent.cli.trends",
    "energy": "agent.cli.energy",
    "when": "agent.cli.when",
    "power": "agent.cli.power",
    "chassis": "agent.cli.chassis",
    "emergency-off": "agent.cli.chassis",
    "domains": "agent.cli.domains",
    "operations": "agent.cli.operations",
    "audit": "agent.cli.operations",
    "policies": "agent.cli.policies",
    "override": "agent.cli.policies",
    "health": "agent.cli.health",
    "metrics": "agent.cli.metrics",
    "lines": "agent.cli.lines",
    "adapters": "agent.cli.adapters",
    "call": "agent.cli.call",
    "sim": "agent.cli.sim",
    "config": "agent.cli.config",
    "fleet": "agent.cli.fleet",
    "coordinator": "agent.cli.coordinator",
}
"""Module of each verb. Only the one that is used is imported: most verbs are short, and importing the agent is not."""


def parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="pgood", description="A baseboard management controller that is a program.", allow_abbrev=False
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    verbs = top.add_subparsers(metavar="VERB", dest="verb")
    wanted = [VERBS[argv[0]]] if argv and argv[0] in VERBS else dict.fromkeys(VERBS.values())
    for module in wanted:
        import_module(module).add_to(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    late_modules.delay()
    argv = sys.argv[1:] if argv is None else argv
    arguments = parser(argv).parse_args(argv)
    if arguments.version:
        from agent.board.version import VERSION

        print(f"pgood {VERSION}")
        return 0
    if arguments.verb is None:
        parser(argv).print_help(sys.stderr)
        return EXIT_USAGE
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
        return int(code)
    except Failure as failure:
        print(prefixed(f"pgood: {failure}"), file=sys.stderr)
        return failure.code
    except BrokenPipeError:  # `pgood events | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
