# SPDX-License-Identifier: Apache-2.0
"""How the board is called, and where its IPMI answers."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from agent.board.options import address

if TYPE_CHECKING:
    from agent.commission.setup.flags import Flags
    from agent.commission.setup.interview import Interview
    from agent.profile.schema import Profile
    from agent.profile.site import SiteIpmi

NONE = "none"
EVERYWHERE = "0.0.0.0:623"
MAX_PORT = 65_000
"""Further hosts have the ports above."""
BOARD_ID = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def ask_node(interview: Interview, flags: Flags, in_force: str, made: str) -> str:
    """The id that the site file states; empty = the agent makes one, which is `made`. Raises SetupError."""
    if flags.node is None and not interview.asks:
        return in_force

    def parse(text: str) -> str:
        if not BOARD_ID.fullmatch(text):
            raise ValueError(f"{text!r} is no id: letters, digits, '-' and '_', at most 64, a letter or digit first")
        return text

    if interview.asks and flags.node is None:
        interview.say()
        interview.say("The board's own name, in MQTT topics and in Home Assistant. It should stay the same for ever.")
    name = interview.answer("--node", flags.node, "Name of the board", in_force or made, parse)
    return in_force if flags.node is None and name == made else name


def ask_ipmi(interview: Interview, flags: Flags, in_force: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses of the first host; empty = IPMI answers nobody. Raises SetupError."""
    if flags.ipmi is None and not interview.asks:
        return in_force  # nobody agreed to more (safety rule 21)
    if interview.asks and flags.ipmi is None:
        interview.say()
        interview.say(
            "IPMI is how ipmitool and other machines reach this board, with a user and a password. UDP port 623 is"
        )
        interview.say(f"usual. {EVERYWHERE} answers on every network of this board, '{NONE}' answers nobody.")
    return interview.answer("--ipmi", flags.ipmi, "IPMI listens on", " ".join(in_force) or EVERYWHERE, _addresses)


def listeners(profile: Profile, first: tuple[str, ...], in_force: SiteIpmi) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Values of the site file by key: the first host listens there, each further one on the next port.

    What a person wrote for a further host stays, as long as the first host's addresses do.
    """
    values: dict[tuple[str, ...], tuple[str, ...]] = {("ipmi", "listen"): first}
    for number, host in enumerate(profile.hosts[1:], start=1):
        if first != in_force.listen or host.name not in in_force.hosts:
            values["ipmi", "hosts", host.name, "listen"] = tuple(_next_port(text, number) for text in first)
    return values


def _next_port(text: str, number: int) -> str:
    host, port = address(text)
    return f"[{host}]:{port + number}" if ":" in host else f"{host}:{port + number}"


def _addresses(text: str) -> tuple[str, ...]:
    words = text.replace(",", " ").split()
    if words == [NONE]:
        return ()
    if not words:
        raise ValueError(f"write HOST:PORT, or '{NONE}'")
    for word in words:
        host, port = address(word)
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise ValueError(f"{host!r} is no IP address: write for example {EVERYWHERE}, or '{NONE}'") from None
        if not 1 <= port <= MAX_PORT:
            raise ValueError(f"{word!r}: a port from 1 to {MAX_PORT}, usually 623")
    return tuple(words)
