# SPDX-License-Identifier: Apache-2.0
"""`pgood policies` and `pgood override`: what the power manager goes by, changed while it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agent.cli.ask import add_state_dir, request
from agent.cli.assignments import assignments
from agent.cli.failure import Failure

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("policies", help="show the policies, or change some: pgood policies safety.min_off_s=3")
    parser.add_argument("changes", nargs="*", metavar="KEY=VALUE", help="all of them are valid, or none is taken")
    parser.add_argument("--json", action="store_true")
    add_state_dir(parser)
    parser.set_defaults(run=run)
    override = verbs.add_parser("override", help="for a short time, let safety policies refuse nothing")
    override.add_argument("policies", nargs="*", metavar="POLICY", help="default: all that can be overridden")
    override.add_argument("--reason", help="for the record; needed")
    override.add_argument("--seconds", type=float, help="default: as long as emergency.override_s allows")
    override.add_argument("--end", action="store_true", help="end the override that is in force")
    add_state_dir(override)
    override.set_defaults(run=run_override)


def run(arguments: argparse.Namespace) -> int:
    if arguments.changes:
        document = request(arguments, "policies/update", **assignments(arguments.changes, "safety.min_off_s=3"))
    else:
        document = request(arguments, "policies/get")
    if arguments.json:
        print(json.dumps(document, indent=1))
    else:
        for key, value in _flat(document):
            print(f"{key:42} {json.dumps(value)}")
    return 0


def run_override(arguments: argparse.Namespace) -> int:
    if arguments.end:
        request(arguments, "safety/override/end")
        print("no override is in force")
        return 0
    if not arguments.reason:
        raise Failure("say why: pgood override --reason TEXT (it goes on record)")
    given: dict[str, object] = {"reason": arguments.reason}
    if arguments.policies:
        given["policies"] = arguments.policies
    if arguments.seconds is not None:
        given["seconds"] = arguments.seconds
    override = request(arguments, "safety/override", **given)
    print(f"for {override['left_s']:g} s nothing is refused by: {', '.join(override['policies'])}")
    return 0


def _flat(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
