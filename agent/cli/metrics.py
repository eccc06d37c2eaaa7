# SPDX-License-Identifier: Apache-2.0
"""`pgood metrics`: how well power operations go; or everything, as Prometheus reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir, request

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("metrics", help="success rate, durations and failure modes of power operations")
    parser.add_argument("--prometheus", action="store_true", help="every metric, in the text format of Prometheus")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    found = request(arguments, "metrics/get", prometheus=arguments.prometheus)
    print(found["text"] if arguments.prometheus else json.dumps(found["operations"], indent=1))
    return 0
