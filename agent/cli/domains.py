# SPDX-License-Identifier: Apache-2.0
"""`pgood domains`: power domains, what they need, and switching one that is no host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agent.cli.ask import add_state_dir, follow, request
from agent.cli.failure import Failure

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("domains", help="list power domains, or switch a chassis or auxiliary one")
    parser.add_argument("action", nargs="?", choices=("list", "on", "off"), default="list")
    parser.add_argument("domain", nargs="?", metavar="NAME", help="which one to switch")
    parser.add_argument("--json", action="store_true", help="the list as JSON")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.action != "list":
        if arguments.domain is None:
            raise Failure(f"which one? write: pgood domains {arguments.action} NAME (`pgood domains` lists them)")
        return follow(arguments, f"domains/power/{arguments.action}", domain=arguments.domain)
    domains = request(arguments, "domains/list")["domains"]
    if arguments.json:
        print(json.dumps(domains, indent=1))
        return 0
    for domain in domains[1:]:
        print(_line(domain))
    return 0


def _line(domain: dict[str, Any]) -> str:
    needs = f"  needs {', '.join(domain['needs'])}" if domain["needs"] else ""
    watts = f"  up to {domain['watts']:g} W" if domain["watts"] else ""
    running = f"  operation {domain['operation']}" if domain["operation"] else ""
    return f"{domain['name']:20} {domain['state']:13}{needs}{watts}{running}"
