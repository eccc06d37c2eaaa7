# SPDX-License-Identifier: Apache-2.0
"""`pgood setup`: the guided first run. Looks, asks, shows what it will write, writes. It presses and drives nothing."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.board.board_id import fresh_id
from agent.cli.failure import Failure
from agent.cli.places import SYSTEM_SITE, SYSTEM_STATE, find_agent, run_state_dir
from agent.cli.terminal import Terminal
from agent.cli.user import SHOWN_ONCE, change_user
from agent.commission.setup.carry_out import carry_out
from agent.commission.setup.flags import Flags
from agent.commission.setup.guide import guide
from agent.commission.setup.interview import Interview, SetupError
from agent.commission.setup.machine import Machine
from agent.commission.setup.planned_file import service_owner
from agent.commission.setup.service_view import is_installed
from agent.control.client import AgentUnreachable, Refused, call
from agent.profile.load import find_profile, load_profile
from agent.store.user_request import UserRequest
from agent.store.users import USERS, UserFile, UsersError

if TYPE_CHECKING:
    import argparse

    from agent.commission.setup.ask_user import NewUser
    from agent.commission.setup.plan import Plan

INTERRUPTED = 130


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("setup", help="set this board up: a few questions, then the site file and the first user")
    add = parser.add_argument
    add("--site", type=Path, default=SYSTEM_SITE, metavar="FILE", help=f"site file to write (default: {SYSTEM_SITE})")
    add("--state-dir", "--state", type=Path, metavar="DIR", help="where the agent keeps its state")
    add("--profile", metavar="NAME|FILE", help="how the machine is wired to this board")
    add("--chip", metavar="LABEL", help="the GPIO chip with the profile's lines (labels: gpiodetect)")
    add("--bus", metavar="N", help="I2C bus with power supplies: N of /dev/i2c-N")
    add("--supply-address", metavar="ADDRS", help="addresses that may be read, such as 0x58,0x59 or 0x58-0x5f")
    add("--supply-rated-w", metavar="W", help="rated power of supplies that do not tell it")
    add("--ipmi", metavar="ADDR:PORT", help="where IPMI listens, such as 0.0.0.0:623, or 'none'")
    add("--node", metavar="NAME", help="name of the board in MQTT topics (default: made from the host name)")
    add("--user", metavar="NAME", help="IPMI user to make, or to give another password")
    add("--password-file", type=Path, metavar="FILE", help="file with that user's password")
    add("--mqtt", metavar="URL", help="MQTT broker, such as mqtts://broker.example, or 'none'")
    add("--mqtt-user", metavar="NAME", help="user at the broker")
    add(
        "--mqtt-password-file",
        type=Path,
        metavar="FILE",
        help="file with its password; it is copied beside the site file",
    )
    add("--mqtt-ca", metavar="FILE", help="CA certificate of the broker, where the system does not know it")
    add("--mqtt-untested", action="store_true", help="do not try the broker")
    add("--yes", "--no-input", dest="no_input", action="store_true", help="ask nothing, write at once")
    add("--dry-run", action="store_true", help="show what would be written, write nothing")
    parser.set_defaults(run=run)


class SetupTerminal(Terminal):
    """Also asks for passwords, which it does not show."""

    lost = "nobody answers any more: nothing was written (with --no-input nothing is asked)"

    def secret(self, question: str) -> str:
        while True:
            try:
                return getpass.getpass(f"{question} ")
            except EOFError as error:
                raise Failure(self.lost) from error
            except UnicodeDecodeError:
                self.say("  This is not UTF-8 text: is the terminal set to another encoding?")


def run(arguments: argparse.Namespace) -> int:
    return set_up(arguments, Machine())


def set_up(arguments: argparse.Namespace, machine: Machine) -> int:
    """`machine` is what is looked at. Raises Failure."""
    arguments.state_dir = (arguments.state_dir or run_state_dir()).absolute()  # never an agent found elsewhere
    flags = _flags(arguments)
    asks = not arguments.no_input
    if asks and not sys.stdin.isatty():
        raise Failure("setup asks questions, and this is no terminal: give the answers as flags, and --no-input")
    if not arguments.dry_run:
        for place in (flags.site_file.parent, flags.state_dir):
            _check_writable(place)
    terminal = SetupTerminal()
    interview = Interview(terminal, asks=asks)
    try:
        plan = guide(interview, flags, machine, _known_users(flags.state_dir), _board_id(flags.state_dir))
        terminal.say()
        if not _shown(plan, terminal):
            terminal.say("Nothing is to be changed.")
        elif arguments.dry_run:
            terminal.say("Dry run: nothing was written.")
            return 0
        elif not interview.agrees("Write this?", suggestion=True):
            raise Failure("nothing was written")
    except SetupError as error:
        raise Failure(str(error)) from error
    except KeyboardInterrupt as interrupt:
        terminal.say()
        raise Failure("stopped: nothing was written", INTERRUPTED) from interrupt
    try:
        carry_out(plan, flags.state_dir, service_owner(), lambda user: _make_user(arguments, user), terminal.say)
    except SetupError as error:
        raise Failure(str(error)) from error
    _tell_next(plan, flags, terminal)
    return 0


def _flags(arguments: argparse.Namespace) -> Flags:
    """Raises Failure for bytes that cannot be written into a file of text."""
    for name, value in vars(arguments).items():
        try:
            str(value).encode()
        except UnicodeEncodeError as error:
            raise Failure(f"--{name.replace('_', '-')}: {str(value)!r} is not UTF-8 text") from error
    return Flags(
        site_file=arguments.site.absolute(),
        state_dir=arguments.state_dir,
        profile=arguments.profile,
        chip=arguments.chip,
        bus=arguments.bus,
        supply_addresses=arguments.supply_address,
        supply_rated_w=arguments.supply_rated_w,
        ipmi=arguments.ipmi,
        node=arguments.node,
        user=arguments.user,
        password_file=arguments.password_file,
        mqtt=arguments.mqtt,
        mqtt_user=arguments.mqtt_user,
        mqtt_password_file=arguments.mqtt_password_file,
        mqtt_ca=arguments.mqtt_ca,
        mqtt_untested=arguments.mqtt_untested,
    )


def _check_writable(folder: Path) -> None:
    """Before the first question, not after the last. Raises Failure."""
    there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    if not os.access(there, os.W_OK | os.X_OK):
        raise Failure(
            f"{folder}: no permission to write there: run this with sudo, or choose other places (--site, --state-dir)"
        )


def _known_users(state_dir: Path) -> list[str]:
    """Names, from the agent if one runs. Raises Failure."""
    try:
        return [str(user["name"]) for user in call(find_agent(state_dir), "users")]
    except AgentUnreachable:
        pass
    except Refused as error:
        raise Failure(str(error)) from error
    try:
        return [user.name.decode("latin-1") for user in UserFile(state_dir / USERS).all() if user.name]
    except UsersError as error:
        raise Failure(str(error)) from error


def _board_id(state_dir: Path) -> str:
    """What the agent calls itself, or will at its first start."""
    try:
        named = [setting["value"] for setting in call(find_agent(state_dir), "config") if setting["key"] == "board.id"]
    except (AgentUnreachable, Refused):
        return fresh_id()
    return str(named[0]) if named and named[0] else fresh_id()


def _shown(plan: Plan, terminal: Terminal) -> bool:
    """Say what will be written; whether that is anything. Raises Failure."""
    changing = False
    if plan.user is not None:
        changing = True
        terminal.say(
            f"IPMI user {plan.user.name}: {'gets another password' if plan.user.known else 'is made, as administrator'}"
        )
    for file in plan.files:
        try:
            if file.changes():
                changing = True
                for line in file.difference():
                    terminal.say(line)
        except OSError as error:
            raise Failure(f"{file.path}: {error.strerror or error}") from error
    return changing


def _make_user(arguments: argparse.Namespace, user: NewUser) -> None:
    """Raises Failure."""
    request = UserRequest(
        "passwd" if user.known else "add", user.name, user.password, "" if user.known else "administrator"
    )
    change_user(arguments, request)
    print(f"user {user.name}: {'has another password' if user.known else 'made'}")
    if user.made_up:
        print(f"password {user.password}")
        print(SHOWN_ONCE)


def _tell_next(plan: Plan, flags: Flags, terminal: Terminal) -> None:
    profile = load_profile(find_profile(plan.profile))
    at_home = flags.site_file == SYSTEM_SITE and flags.state_dir == SYSTEM_STATE
    config = "" if flags.site_file == SYSTEM_SITE else f" --config {flags.site_file}"
    state = "" if flags.state_dir == SYSTEM_STATE else f" --state-dir {flags.state_dir}"
    start = "sudo systemctl restart pgood" if at_home and is_installed() else f"pgood run{config}{state}"
    steps = [(f"pgood check {plan.profile}", "what this profile means, in words"), (start, "start the agent")]
    if not profile.board.simulated:
        steps += [
            (f"pgood wire {host.name}{state}", f"check the wires of host {host.name} together with you, inputs first")
            for host in profile.hosts
        ]
        steps.append((f"pgood arm{state}", "let the agent drive its outputs; until then it only looks"))
    terminal.say()
    terminal.say("Next:")
    for command, what in steps:
        terminal.say(f"  {command}   # {what}")
