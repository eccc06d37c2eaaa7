# SPDX-License-Identifier: Apache-2.0
"""`pgood config`: the settings in force and where each comes from; those that can be changed while the agent runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir, ask, request
from agent.cli.assignments import assignments

if TYPE_CHECKING:
    import argparse

EXAMPLE = "hosts.0.timing.power_on_timeout_ms=8000"


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("config", help="show the settings in force, or change some")
    inner = parser.add_subparsers(metavar="show|set", required=True)
    show = inner.add_parser("show", help="every setting that can come from more than one place")
    show.add_argument("--origin", action="store_true", help="say where each value comes from")
    add_state_dir(show)
    show.set_defaults(run=run)
    change = inner.add_parser("set", help=f"change some, for example {EXAMPLE}; null gives one back to the files")
    change.add_argument("changes", nargs="+", metavar="KEY=VALUE", help="all of them are valid, or none is taken")
    add_state_dir(change)
    change.set_defaults(run=run_set)


def run(arguments: argparse.Namespace) -> int:
    settings = ask(arguments, "config")
    width = max(len(setting["key"]) for setting in settings)
    for setting in settings:
        line = f"{setting['key']:<{width}} = {json.dumps(setting['value'])}"
        print(f"{line}  ({setting['origin']})" if arguments.origin else line)
    return 0


def run_set(arguments: argparse.Namespace) -> int:
    """Show what the changed settings are now."""
    settings = request(arguments, "config/update", **assignments(arguments.changes, EXAMPLE))["settings"]
    for word in arguments.changes:
        key = word.partition("=")[0]
        print(f"{key} = {json.dumps(settings[key]['value'])}  ({settings[key]['origin']})")
    return 0
