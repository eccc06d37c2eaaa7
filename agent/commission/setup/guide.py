# SPDX-License-Identifier: Apache-2.0
"""The order of the questions: from what is found to a plan. Writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.commission.setup.ask_broker import ask_broker
from agent.commission.setup.ask_profile import ask_profile
from agent.commission.setup.ask_site import ask_ipmi, ask_node
from agent.commission.setup.ask_supplies import ask_supplies
from agent.commission.setup.ask_user import ask_user
from agent.commission.setup.interview import SetupError
from agent.commission.setup.machine import look
from agent.commission.setup.plan import Answers, make_plan
from agent.profile.decode import read_text
from agent.profile.load import parse_site
from agent.profile.problem import ConfigError
from agent.profile.site import Site

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from agent.commission.setup.flags import Flags
    from agent.commission.setup.interview import Interview
    from agent.commission.setup.machine import Machine
    from agent.commission.setup.plan import Plan


def guide(interview: Interview, flags: Flags, machine: Machine, users: Collection[str], board_id: str) -> Plan:
    """`users`: names of those there are; `board_id`: what the board is called without a name. Raises SetupError."""
    found = look(machine)
    for line in found.told():
        interview.say(line)
    try:
        text = read_text(flags.site_file) if flags.site_file.exists() else ""
        site = parse_site(flags.site_file, text) if text else Site()
    except (ConfigError, OSError) as error:
        raise SetupError(
            f"{error}\n(setup changes only a site file that is right: repair it, or move it away)"
        ) from error
    source = ask_profile(interview, flags, found, _in_force(site, flags.site_file))
    source = ask_supplies(interview, flags, machine, found, source)
    node = ask_node(interview, flags, site.board.id or "", board_id)
    ipmi = ask_ipmi(interview, flags, site.ipmi.listen)
    user = ask_user(interview, flags, users)
    broker = ask_broker(interview, flags, site.mqtt, f"{site.mqtt.base.strip('/')}/{node or board_id}")
    return make_plan(Answers(source, node, ipmi, user, broker), flags.site_file, text, site)


def _in_force(site: Site, site_file: Path) -> str:
    """The profile that the site file names: a relative path begins beside that file."""
    named = site.board.profile
    beside = site_file.parent / named
    return str(beside) if named and beside.is_file() else named
