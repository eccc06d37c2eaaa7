# SPDX-License-Identifier: Apache-2.0
"""`pgood health`: every present problem with its source; exit code 1 when there is one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir, request
from agent.cli.failure import EXIT_FAILED

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("health", help="what is wrong just now")
    parser.add_argument("--json", action="store_true")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    found = request(arguments, "health/check")
    if arguments.json:
        print(json.dumps(found, indent=1))
    elif found["healthy"]:
        print("healthy")
    else:
        for problem in found["problems"]:
            print(f"{problem['source']:20} {problem['reason']}")
    return 0 if found["healthy"] else EXIT_FAILED
