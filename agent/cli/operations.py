# SPDX-License-Identifier: Apache-2.0
"""`pgood operations` and `pgood audit`: who asked for what, when, step by step, and how it ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agent.cli.ask import add_state_dir, request

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("operations", help="power operations: running ones and history; abort one")
    parser.add_argument("id", nargs="?", metavar="ID", help="one of them, with its steps")
    parser.add_argument("--active", action="store_true", help="only those that still run")
    parser.add_argument("--abort", action="store_true", help="let the operation ID begin nothing more")
    parser.add_argument("--latest", type=int, default=20, metavar="N")
    parser.add_argument("--json", action="store_true")
    add_state_dir(parser)
    parser.set_defaults(run=run)
    audit = verbs.add_parser("audit", help="the audit trail: every request, allowed or refused, and its result")
    audit.add_argument("--latest", type=int, default=20, metavar="N")
    audit.add_argument("--json", action="store_true")
    add_state_dir(audit)
    audit.set_defaults(run=run_audit)


def run(arguments: argparse.Namespace) -> int:
    if arguments.abort:
        request(arguments, "operations/abort", id=arguments.id or "")
        print("aborted: nothing more will be begun")
        return 0
    given: dict[str, object] = {"active": arguments.active, "latest": arguments.latest}
    found = request(arguments, "operations/list", **given, **({"id": arguments.id} if arguments.id else {}))
    if arguments.json:
        print(json.dumps(found["operations"], indent=1))
        return 0
    for operation in found["operations"]:
        print(_line(operation))
        if arguments.id:
            for step in operation["steps"]:
                print(f"{step['at_ms'] / 1000:10.1f} s  {step['text']}")
    return 0


def _line(operation: dict[str, Any]) -> str:
    reason = f"  ({operation['reason']})" if operation["reason"] else ""
    targets = ", ".join(operation["targets"])
    return (
        f"{operation['began']}  {operation['id']:14} {operation['what']:18} {targets:20} {operation['origin']:20}"
        f" {operation['state']} after {operation['elapsed_ms'] / 1000:.1f} s{reason}"
    )


def run_audit(arguments: argparse.Namespace) -> int:
    lines = request(arguments, "audit/list", latest=arguments.latest)["lines"]
    for line in lines:
        if arguments.json:
            print(json.dumps(line))
            continue
        reason = f": {line['reason']}" if line["reason"] else ""
        operation = f" [{line['operation']}]" if line["operation"] else ""
        targets = ", ".join(line["targets"])
        print(f"{line['time']}  {line['who']:20} {line['what']} {targets} {line['verdict']}{reason}{operation}")
    return 0
