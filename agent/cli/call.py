# SPDX-License-Identifier: Apache-2.0
"""`pgood call`: any method of the request interface (docs/mqtt.md), answers as JSON lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir, ask_stream
from agent.cli.failure import EXIT_FAILED, Failure

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("call", help="call a method of the request interface, for example hosts/status")
    parser.add_argument("method", metavar="METHOD", help="its name; methods/list names all")
    parser.add_argument("arguments", nargs="?", default="{}", metavar="JSON", help="its arguments, a JSON object")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    try:
        given = json.loads(arguments.arguments)
    except json.JSONDecodeError as error:
        raise Failure(f"the arguments are no JSON: {error}") from error
    if not isinstance(given, dict):
        raise Failure('the arguments are a JSON object, for example \'{"host": "0"}\'')
    good = False
    for answer in ask_stream(arguments, "call", name=arguments.method, given=given):
        print(json.dumps(answer), flush=True)
        good = bool(answer["ok"])
    return 0 if good else EXIT_FAILED
