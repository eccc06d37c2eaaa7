# SPDX-License-Identifier: Apache-2.0
"""What real ethtools printed, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.node.wake_ability import Card, WakeMode, arm_command, judge, parse, physical_cards

RECORDED = Path(__file__).parent / "ethtool"
MAC = "02:11:22:33:44:55"
OPEN = frozenset(WakeMode) - {WakeMode.SECURE_ON}
PASSWORD = bytes.fromhex("0a0b0c0d0e0f")
SECURED = "Settings for eth0:\n\tSupports Wake-on: gs\n\tWake-on: gs\n{}\tLink detected: yes\n"
TOLD = "\tSecureOn password: 0a:0b:0c:0d:0e:0f\n"


def card(file: str, name: str, mac: str = MAC) -> Card:
    return parse((RECORDED / f"{file}.txt").read_text(encoding="ascii"), name, mac)


@pytest.mark.parametrize(
    ("file", "name", "letters", "armed", "link", "proven", "arm"),
    [
        ("igc-no-link", "enp2s0", "pumbg", "g", False, False, None),
        ("e1000e-not-armed", "eth0", "pumbg", "", True, False, "g"),
        ("r8168-armed", "eth2", "pumbg", "g", True, True, None),
        ("ixgbe-unsupported", "eno1", "", "", False, False, None),
        ("bcmgenet-secure-on", "gphy", "gsf", "", True, False, "g"),
        ("no-permission", "enp0s3", None, None, True, False, None),
        ("virtio", "enp0s3", None, None, True, False, None),
        ("lo", "lo", None, None, True, False, None),
        ("no-such-card", "nope", None, None, None, False, None),
    ],
)
def test_recorded(
    file: str, name: str, letters: str | None, armed: str | None, link: bool | None, proven: bool, arm: str | None
) -> None:
    def modes(text: str | None) -> frozenset[WakeMode] | None:
        return None if text is None else frozenset(WakeMode(letter) for letter in text)

    found = card(file, name)
    password = bytes(6) if "secure-on" in file else None
    assert found == Card(name, modes(letters), modes(armed), link, MAC, password=password)
    assert found.proven is proven
    assert arm_command(found) == (None if arm is None else ("ethtool", "-s", name, "wol", arm))


def test_what_was_armed_before_stays_armed() -> None:
    text = "Settings for eth0:\n\tSupports Wake-on: pumbg\n\tWake-on: ub\n\tLink detected: yes\n"
    assert arm_command(parse(text, "eth0")) == ("ethtool", "-s", "eth0", "wol", "ubg")


def test_a_text_about_another_card_says_nothing() -> None:
    assert card("r8168-armed", "eth0") == Card("eth0", mac=MAC)


def test_the_line_of_what_it_supports_is_not_the_line_of_what_it_does() -> None:
    assert parse("Settings for a:\n\tSupports Wake-on: g\n", "a").armed is None


def test_several_cards_one_proven_is_enough() -> None:
    """Two cards are no error: whichever can wake the machine does."""
    found = judge([card("ixgbe-unsupported", "eno1"), card("r8168-armed", "eth2")])
    assert (found.macs, found.why) == ((MAC,), "")
    both = judge([card("r8168-armed", "eth2"), Card("b", frozenset(WakeMode), OPEN, True, "02:00:00:00:00:09")])
    assert both.macs == (MAC, "02:00:00:00:00:09")


@pytest.mark.parametrize(
    ("cards", "wanted", "why"),
    [
        ([], "", "no wired network card"),
        ([card("igc-no-link", "enp2s0")], "", "no link"),
        ([card("e1000e-not-armed", "eth0")], "", "ethtool -s eth0 wol g"),
        ([card("ixgbe-unsupported", "eno1")], "", "does not support"),
        ([card("virtio", "enp0s3")], "", "does not say"),
        ([card("r8168-armed", "eth2", mac="")], "", "no address"),
        ([card("r8168-armed", "eth2")], "eth9", "no network card 'eth9'"),
        ([card("r8168-armed", "eth2"), card("virtio", "enp0s3")], "enp0s3", "does not say"),
    ],
)
def test_why_it_cannot_be_woken(cards: list[Card], wanted: str, why: str) -> None:
    found = judge(cards, wanted)
    assert found.macs == ()
    assert why in found.why


@pytest.mark.parametrize(
    ("line", "given", "why"),
    [
        ("", b"", "give fleet.secure_on_file"),
        (TOLD, b"", "give fleet.secure_on_file"),
        ("", PASSWORD, ""),
        (TOLD, PASSWORD, ""),
        (TOLD, bytes(6), "has another SecureOn password"),
    ],
)
def test_a_card_that_wants_a_password(line: str, given: bytes, why: str) -> None:
    asked = parse(SECURED.format(line), "eth0", MAC)
    found = judge([asked], secure_on=given)
    assert bool(found.macs) is not bool(why)
    assert why in found.why
    assert "0a:0b" not in found.why + repr(asked)


@given(st.text(), st.text(max_size=8))
def test_any_text_is_survived_and_proves_nothing(text: str, name: str) -> None:
    assert not parse(text, name, MAC).proven or "Wake-on" in text


def test_physical_cards(tmp_path: Path) -> None:
    def make(name: str, kind: str, address: str, *more: str) -> None:
        for part in more:
            (tmp_path / name / part).mkdir(parents=True)
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "type").write_text(kind + "\n")
        (tmp_path / name / "address").write_text(address + "\n")

    make("eth0", "1", "AA:BB:CC:00:00:02", "device")
    make("eth1", "1", "00:00:00:00:00:00", "device")
    make("wlan0", "1", "aa:bb:cc:00:00:04", "device", "wireless")
    make("br0", "1", "aa:bb:cc:00:00:02")
    make("ib0", "32", "80:00:02:08", "device")
    make("lo", "772", "00:00:00:00:00:00")
    assert physical_cards(tmp_path) == (("eth0", "aa:bb:cc:00:00:02"), ("eth1", ""))
    assert physical_cards(tmp_path / "none") == ()
