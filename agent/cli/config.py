# SPDX-License-Identifier: Apache-2.0
"""`pgood config show`: the settings in force, and where each comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.cli.ask import add_state_dir, ask

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("config", help="show the settings in force")
    inner = parser.add_subparsers(metavar="show", required=True)
    show = inner.add_parser("show", help="every setting that can come from more than one place")
    show.add_argument("--origin", action="store_true", help="say where each value comes from")
    add_state_dir(show)
    show.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    settings = ask(arguments, "config")
    width = max(len(setting["key"]) for setting in settings)
    for setting in settings:
        line = f"{setting['key']:<{width}} = {json.dumps(setting['value'])}"
        print(f"{line}  ({setting['origin']})" if arguments.origin else line)
    return 0
