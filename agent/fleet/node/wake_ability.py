# SPDX-License-Identifier: Apache-2.0
"""Whether a magic packet would wake this machine: what `ethtool` says of its network cards, judged.

Proven is a card that is armed for magic packets and has a link now. What is not said counts as no.
Source: ethtool(8), the letters of `wol`.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.fleet.node.secure_on import parse_password

if TYPE_CHECKING:
    from collections.abc import Sequence

NET = Path("/sys/class/net")
MAX_LINES = 1000
ETHERNET = "1"
"""The kernel's ARPHRD_ETHER in `type`."""
NO_MAC = "00:00:00:00:00:00"

_NAME = re.compile(r"Settings for (?P<name>\S{1,64}):")
_FIELD = re.compile(r"\s*(?P<key>Supports Wake-on|Wake-on|SecureOn password|Link detected): *(?P<value>[^\r\n]*)")


class WakeMode(enum.Enum):
    """What wakes a card. The value is ethtool's letter."""

    PHY = "p"
    UNICAST = "u"
    MULTICAST = "m"
    BROADCAST = "b"
    ARP = "a"
    MAGIC = "g"
    SECURE_ON = "s"
    FILTER = "f"


@dataclass(frozen=True, slots=True)
class Card:
    """One network card as ethtool describes it. None = it did not say."""

    name: str
    supports: frozenset[WakeMode] | None = None
    armed: frozenset[WakeMode] | None = None
    link: bool | None = None
    mac: str = ""
    answered: bool = True
    """ethtool ran and said something."""
    password: bytes | None = field(default=None, repr=False)
    """Its SecureOn password, where ethtool tells that: only root is told."""

    @property
    def can(self) -> bool:
        return self.supports is not None and WakeMode.MAGIC in self.supports

    @property
    def proven(self) -> bool:
        """Armed for magic packets, linked, and with an address to send them to."""
        return (
            self.can
            and self.armed is not None
            and WakeMode.MAGIC in self.armed
            and self.link is True
            and bool(self.mac)
        )

    def deaf(self, secure_on: bytes) -> str:
        """Why it would not hear packets with this password behind them; empty = it would, for all that is known."""
        if self.armed is None or WakeMode.SECURE_ON not in self.armed:
            return ""
        if not secure_on:
            return f"{self.name} wakes only with a SecureOn password: give fleet.secure_on_file"
        if self.password is not None and self.password != secure_on:
            return f"{self.name} has another SecureOn password than fleet.secure_on_file says"
        return ""


def parse(output: str, name: str, mac: str = "") -> Card:
    """What `ethtool NAME` printed. A text about another card, or about none, says nothing."""
    supports: frozenset[WakeMode] | None = None
    armed: frozenset[WakeMode] | None = None
    link: bool | None = None
    password: bytes | None = None
    named = False
    for line in output.splitlines()[:MAX_LINES]:
        header = _NAME.fullmatch(line.strip())
        if header:
            named = header["name"] == name
            continue
        told = _FIELD.fullmatch(line) if named else None
        if told is None:
            continue
        match told["key"]:
            case "Supports Wake-on":
                supports = _modes(told["value"])
            case "Wake-on":
                armed = _modes(told["value"])
            case "SecureOn password":
                password = parse_password(told["value"].strip())
            case _:
                link = {"yes": True, "no": False}.get(told["value"].strip())
    return Card(name, supports, armed, link, mac, password=password)


def _modes(text: str) -> frozenset[WakeMode] | None:
    """`pumbg`; `d` alone is none. None for what ethtool does not write."""
    letters = text.strip()
    if letters == "d":
        return frozenset()
    known = {mode.value: mode for mode in WakeMode}
    if not letters or any(letter not in known for letter in letters):
        return None
    return frozenset(known[letter] for letter in letters)


def probe_command(name: str) -> tuple[str, ...]:
    return ("ethtool", name)


def arm_command(card: Card) -> tuple[str, ...] | None:
    """How the card is armed; None if it is already, or cannot be. Other ways to wake it that were set stay set."""
    if not card.can or (card.armed is not None and WakeMode.MAGIC in card.armed):
        return None
    modes = {WakeMode.MAGIC} | ((card.armed or frozenset()) & (card.supports or frozenset()))
    letters = "".join(mode.value for mode in WakeMode if mode in modes)
    return ("ethtool", "-s", card.name, "wol", letters)


@dataclass(frozen=True, slots=True)
class WakeAbility:
    """`macs` wake the machine. `why` says why there are none; empty otherwise."""

    macs: tuple[str, ...]
    why: str


def judge(cards: Sequence[Card], wanted: str = "", secure_on: bytes = b"") -> WakeAbility:
    """Over every physical card, or the one that the settings name. One proven card is enough.

    `secure_on`: the password behind the packets of this segment; empty = there is none.
    """
    if wanted and wanted not in {card.name for card in cards}:
        return WakeAbility((), f"there is no network card {wanted!r}")
    asked = [card for card in cards if not wanted or card.name == wanted]
    proven = tuple(dict.fromkeys(card.mac for card in asked if card.proven and not card.deaf(secure_on)))
    if proven:
        return WakeAbility(proven, "")
    if not asked:
        return WakeAbility((), "there is no wired network card")
    return WakeAbility((), "; ".join(_lacks(card) or card.deaf(secure_on) for card in asked[:4]))


def _lacks(card: Card) -> str:
    if not card.answered:
        return f"ethtool is not installed, or fails for {card.name}"
    if card.supports is None:
        return (
            f"ethtool does not say whether {card.name} supports wake-on-LAN: it tells only root, and not of every card"
        )
    if not card.can:
        return f"{card.name} does not support magic packets"
    if card.armed is None or WakeMode.MAGIC not in card.armed:
        return f"{card.name} is not armed for magic packets: ethtool -s {card.name} wol g"
    if card.link is not True:
        return f"{card.name} has no link"
    return "" if card.mac else f"{card.name} has no address of its own"


def physical_cards(root: Path = NET) -> tuple[tuple[str, str], ...]:
    """Names and addresses of the wired cards of this machine. Bridges, tunnels and radios are none; blocks shortly."""
    found = []
    for card in sorted(root.glob("*")):
        radio = (card / "wireless").exists() or (card / "phy80211").exists()
        if radio or not (card / "device").exists() or _read(card / "type") != ETHERNET:
            continue
        mac = _read(card / "address").lower()
        found.append((card.name, mac if _is_own(mac) else ""))
    return tuple(found)


def _is_own(mac: str) -> bool:
    """An address that one card has: not of many, not empty."""
    return re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", mac) is not None and mac != NO_MAC and not int(mac[:2], 16) & 1


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
