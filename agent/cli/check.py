# SPDX-License-Identifier: Apache-2.0
"""`pgood check FILE`: is this profile right, and what does it mean? Opens no device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.board.emergency_rules import emergency_rules
from agent.cli.failure import Failure
from agent.profile.explain import explain
from agent.profile.load import find_profile, load_profile
from agent.profile.problem import ConfigError

if TYPE_CHECKING:
    import argparse


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "check", help="check a profile and say in words what it means, without touching any device"
    )
    parser.add_argument("profile", metavar="FILE|NAME")
    parser.add_argument("--quiet", "-q", action="store_true", help="say only whether it is right")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    try:
        profile = load_profile(find_profile(arguments.profile))
    except ConfigError as error:
        raise Failure(str(error)) from error
    hosts, supplies, lines = len(profile.hosts), len(profile.supplies), len(profile.lines)
    print(f"{profile.name}: good ({lines} lines, {hosts} hosts, {supplies} supplies, {len(profile.sensors)} sensors)")
    if not arguments.quiet:
        at_once = [rule.domain for rule in emergency_rules(profile)]
        print("\n".join(explain(profile, at_once)))
    return 0
