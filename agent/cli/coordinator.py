# SPDX-License-Identifier: Apache-2.0
"""`pgood coordinator`: shares one power budget among many machines, and says why each has what it has."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.failure import EXIT_FAILED, Failure
from agent.cli.farm_text import farm_lines
from agent.cli.numbers import number
from agent.cli.places import SOCKET, coordinator_state_dir
from agent.control.client import AgentUnreachable, Refused, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.fleet.program.coordinator_file import BudgetFile

KINDS = ("over-consumption", "thermal", "grid", "cooling-failure")


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("coordinator", help="many machines: share one power budget, let sleep what nobody needs")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="groups, nodes and the broker (docs/fleet-budget.md)"
    )
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="of this coordinator, on the broker (default: made of host name, machine and state directory)",
    )
    _add_state_dir(parser)
    parser.add_argument("--verbose", "-v", action="store_true", help="log more")
    parser.set_defaults(run=run)
    more = parser.add_subparsers(metavar="WHAT", dest="what")
    why = more.add_parser("explain", help="why a node may draw what it may: which limit, which reading, which rule")
    why.add_argument("node", metavar="NODE")
    why.add_argument("--json", action="store_true")
    _add_state_dir(why)
    why.set_defaults(run=run_explain)
    check = more.add_parser("check", help="check the file of --config and say what it means, without starting")
    check.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS)
    check.set_defaults(run=run_check)
    emergency = more.add_parser("emergency", help="tell that less power may be drawn in a group, or may again")
    emergency.add_argument("kind", metavar="KIND", choices=KINDS, help=", ".join(KINDS))
    emergency.add_argument("group", metavar="GROUP")
    emergency.add_argument("present", metavar="on|off", choices=("on", "off"))
    emergency.add_argument("--share", type=_share, metavar="PART", help="of the limit that is left (0 to 1)")
    emergency.add_argument("--critical", action="store_true", help="cut below the base of nodes, to their least_w")
    emergency.add_argument(
        "--for", dest="for_s", type=_seconds, metavar="SECONDS", help="until then, unless it is told again"
    )
    _add_state_dir(emergency)
    emergency.set_defaults(run=run_emergency)
    now = more.add_parser("status", help="whether it leads, and what each group draws and may draw")
    now.add_argument("--json", action="store_true")
    _add_state_dir(now)
    now.set_defaults(run=run_status)
    farm = more.add_parser("farm", help="which machines should be awake, and why: what the last round decided")
    farm.add_argument("--json", action="store_true")
    _add_state_dir(farm)
    farm.set_defaults(run=run_farm)
    back = more.add_parser("release", help="hand a machine whose target a person has set back to the automation")
    back.add_argument("node", metavar="NODE")
    _add_state_dir(back)
    back.set_defaults(run=run_release)


def run(arguments: argparse.Namespace) -> int:
    if arguments.config is None:
        raise Failure("name the file with groups and nodes: pgood coordinator --config FILE (docs/fleet-budget.md)")
    import asyncio

    from agent.board.state_dir import StateDir, StateDirError
    from agent.board.version import VERSION
    from agent.fleet.node.topics import NAME
    from agent.fleet.program.coordinator_file import load_coordinator
    from agent.fleet.program.coordinator_service import CoordinatorService
    from agent.profile.problem import ConfigError

    if arguments.name is not None and not NAME.fullmatch(arguments.name):
        raise Failure(f"--name {arguments.name!r} is no name on a broker: letters, digits, - and _, 63 at most")
    _start_log(arguments.verbose)
    state_dir = _state_dir(arguments)
    try:
        file = load_coordinator(arguments.config, f"coordinator-{arguments.name or _name(state_dir)}")
        os.umask(0o027)  # the socket's directory: its group may enter
        state = StateDir(state_dir)
    except (ConfigError, StateDirError) as error:
        raise Failure(str(error)) from error
    try:
        asyncio.run(CoordinatorService(file, state_dir, VERSION).run(state_dir / SOCKET))
    except OSError as error:
        raise Failure(f"{state_dir / SOCKET}: {error.strerror or error}") from error
    finally:
        state.close()
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    if arguments.config is None:
        raise Failure("name the file: pgood coordinator check --config FILE (docs/fleet-budget.md)")
    from agent.fleet.program.coordinator_file import load_coordinator
    from agent.profile.problem import ConfigError

    try:
        file = load_coordinator(arguments.config, "coordinator-check")
    except ConfigError as error:
        raise Failure(str(error)) from error
    print(f"{arguments.config}: good (domain {file.domain})")
    if file.farm is not None:
        print(f"  a farm of {len(file.farm.nodes)} machines that may sleep")
    if file.budget is not None:
        for line in _meaning(file.budget):
            print(f"  {line}")
    return 0


def _meaning(budget: BudgetFile) -> Iterator[str]:
    """Of a file's groups, in words."""
    for name, group in budget.tree.groups.items():
        nodes = list(budget.tree.nodes_below(name))
        base_w, peak_w = sum(node.base_w for node in nodes), sum(node.peak_w for node in nodes)
        sums = f"{len(nodes)} nodes with bases of {base_w:.0f} W and peaks of {peak_w:.0f} W"
        yield f"{group.kind} {name}: {group.limit_w:.0f} W for {sums}"
    timing = budget.timing
    yield f"decides every {timing.cycle_s:g} s; leases last {timing.lease_s:g} s: the same in [fleet] of every node"
    if budget.parent is not None:
        place = budget.parent.place
        yield f"is the site {place.site} of {place.domain}, with {place.minimum_w:.0f} W without that one"


def run_emergency(arguments: argparse.Namespace) -> int:
    present = arguments.present == "on"
    given = {name: getattr(arguments, name) for name in ("share", "for_s") if getattr(arguments, name) is not None}
    found = _ask(
        arguments,
        "emergency",
        kind=arguments.kind,
        group=arguments.group,
        present=present,
        critical=arguments.critical,
        **given,
    )
    what = f"{arguments.kind} in {arguments.group}"
    if present:
        print(f"{what}: in force")
    elif found["was_running"]:
        print(f"{what}: its cause is away; it ends in a minute")
    else:
        print(f"{what}: there is none (pgood coordinator status names those that are)")
    if not found["told"]:
        print("the broker was not reached: only this coordinator knows of it")
    return 0


def run_explain(arguments: argparse.Namespace) -> int:
    found = _ask(arguments, "explain", node=arguments.node)
    print(json.dumps(found, indent=1) if arguments.json else found["text"])
    return 0


def run_status(arguments: argparse.Namespace) -> int:
    found = _ask(arguments, "status")
    if arguments.json:
        print(json.dumps(found, indent=1))
        return 0
    leads = f"leads with term {found['term']}" if found["leads"] else "does not lead"
    print(f"domain {found['domain']}: {leads}; {found['broker']}")
    if found["farm_leads"] is not None:
        print(f"  farm: {'leads' if found['farm_leads'] else 'does not lead'} (pgood coordinator farm)")
    if found["trouble"]:
        print(f"  trouble: {found['trouble']}")
    for group in found["groups"]:
        print(f"  {group['group']:20} {_group(group)}")
    for line in _sites(found):
        print(line)
    for line in _emergencies(found):
        print(line)
    for alarm in found["alarms"]:
        print(f"alarm: {alarm}")
    for name, count in found["refused"].items():
        print(f"refused: {count} {name}")
    if found["malformed_claims"]:
        print(f"refused: {found['malformed_claims']} malformed claims of the lead")
    return 0


def _group(group: dict[str, Any]) -> str:
    """Only the one that leads knows more than the file."""
    limit_w, allowed_w = group["limit_w"], group["allowed_w"]
    if allowed_w is None:
        return f"{limit_w:.0f} W"
    less = f" (its limit is {limit_w:.0f} W)" if allowed_w < limit_w else ""
    return f"{group['watts']:.0f} W drawn, {group['counted_w']:.0f} W counted of {allowed_w:.0f} W{less}"


def _emergencies(found: dict[str, Any]) -> Iterator[str]:
    for one in found["emergencies"]:
        left = f"{one['share']:.0%} of the limit is left"
        cause = "" if one["present"] else ", its cause is away"
        answered = "" if one["response_s"] is None else f", all caps kept after {one['response_s']:.1f} s"
        yield f"emergency: {one['kind']} in {one['group']} for {one['since_s']:.0f} s: {left}{cause}{answered}"
    for one in found["ended"]:
        yield f"ended: {one['kind']} in {one['group']}, {one['ended_s_ago']:.0f} s ago, after {one['lasted_s']:.0f} s"


def _sites(found: dict[str, Any]) -> Iterator[str]:
    """What a parent gives, and where load that may run anywhere is to run."""
    if (parent := found.get("parent")) is not None:
        given = f"{parent['limit_w']:.0f} W now, {parent['minimum_w']:.0f} W without it"
        yield f"parent {parent['domain']}: gives {given}; {parent['deferred_w']:.0f} W that may run anywhere run here"
        for name, count in parent["refused"].items():
            yield f"refused of the parent: {count} {name}"
    if (deferrable := found.get("deferrable")) is not None:
        placed = deferrable["placed_w"]
        yield f"load that may run anywhere: {deferrable['load_w']:.0f} W"
        for site, watts in sorted((placed or {}).items()):
            yield f"  {site:20} {watts:.0f} W"
        if placed is not None:
            yield f"  {'waits':20} {deferrable['waits_w']:.0f} W"


def run_farm(arguments: argparse.Namespace) -> int:
    found = _ask(arguments, "farm")
    if arguments.json:
        print(json.dumps(found, indent=1))
        return 0
    print("\n".join(farm_lines(found)))
    return 0


def run_release(arguments: argparse.Namespace) -> int:
    print(_ask(arguments, "farm-release", node=arguments.node)["text"])
    return 0


def _ask(arguments: argparse.Namespace, method: str, **given: object) -> Any:
    """Raises Failure."""
    socket = _state_dir(arguments) / SOCKET
    try:
        return call(socket, method, **given)
    except AgentUnreachable as error:
        if not isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError):
            raise Failure(str(error)) from error
        cure = "start one (pgood coordinator --config FILE), or name its directory with --state-dir"
        raise Failure(f"no coordinator runs with the state directory {socket.parent}: {cure}") from error
    except Refused as error:
        raise Failure(str(error), EXIT_FAILED) from error


def _share(text: str) -> float:
    """Raises ArgumentTypeError."""
    if not 0 < (share := number(text)) <= 1:
        raise argparse.ArgumentTypeError(f"is a part of the limit, above 0 and up to 1 (here: {text})")
    return share


def _seconds(text: str) -> float:
    """Raises ArgumentTypeError."""
    if not 0 < (seconds := number(text)) <= 86_400:
        raise argparse.ArgumentTypeError(f"are seconds, up to a day (here: {text})")
    return seconds


def _add_state_dir(parser: argparse.ArgumentParser) -> None:
    """Taken before and after WHAT: what is not given must not hide what was."""
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="the coordinator's directory (default: for root /var/lib/pgood/coordinator)",
    )


def _state_dir(arguments: argparse.Namespace) -> Path:
    given: Path | None = getattr(arguments, "state_dir", None)
    return given or coordinator_state_dir()


def _start_log(verbose: bool) -> None:
    import logging
    import sys

    from agent.service.journal import JournalHandler, stderr_is_journal

    to_journal = stderr_is_journal()
    logging.basicConfig(
        handlers=[JournalHandler() if to_journal else logging.StreamHandler(sys.stderr)],
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(message)s" if to_journal else "%(asctime)s %(levelname)s %(message)s",
    )


def _name(state_dir: Path) -> str:
    import socket

    from agent.board.board_id import machine_id
    from agent.fleet.program.coordinator_name import coordinator_name

    return coordinator_name(socket.gethostname(), machine_id(), state_dir)
