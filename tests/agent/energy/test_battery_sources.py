# SPDX-License-Identifier: Apache-2.0
"""Batteries of the kernel and of NUT servers, and what they leave out, make up or fail to say."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.battery import BatteryReading, NoBatteryReading
from agent.energy.battery_sources import PowerSupplyBattery
from agent.energy.nut import NutBattery, NutError, NutOptions, parse, reading
from tests.agent.energy.nut_server import nut_server
from tests.agent.energy.sysfs_tree import FakeKernel, SysfsTree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    return SysfsTree(tmp_path / "sys")


def supply(tree: SysfsTree, name: str, **files: object) -> str:
    return tree.files(f"class/power_supply/{name}", files)


def laptop(tree: SysfsTree, name: str = "BAT0", **more: object) -> str:
    files = {
        "type": "Battery",
        "present": 1,
        "status": "Discharging",
        "capacity": 40,
        "energy_now": 20_000_000,
        "energy_full": 50_000_000,
        "power_now": 10_000_000,
    }
    return supply(tree, name, **{**files, **more})


def told(answer: BatteryReading | NoBatteryReading) -> BatteryReading:
    assert isinstance(answer, BatteryReading), answer
    return answer


def why(answer: BatteryReading | NoBatteryReading) -> str:
    assert isinstance(answer, NoBatteryReading), answer
    return answer.why


def read(tree: SysfsTree, device: str = "") -> BatteryReading | NoBatteryReading:
    return PowerSupplyBattery(FakeKernel(tree.root), device).read()


# ---------------------------------------------------------------------- the kernel


def test_a_laptop_on_battery_and_on_mains(tree: SysfsTree) -> None:
    laptop(tree)
    supply(tree, "AC", type="Mains", online=0)
    assert told(read(tree)) == BatteryReading(False, 0.4, 10.0, 50.0, None)
    tree.write("class/power_supply/AC/online", 1)
    assert told(read(tree)) == BatteryReading(True, 0.4, None, 50.0, None)


def test_a_hat_that_counts_charge_and_negative_current(tree: SysfsTree) -> None:
    supply(
        tree,
        "max17040",
        type="Battery",
        status="Discharging",
        charge_now=1_000_000,
        charge_full=4_000_000,
        voltage_now=4_000_000,
        current_now=-500_000,
        time_to_empty_now=7200,
    )
    found = told(read(tree))
    assert found.charge == pytest.approx(0.25)
    assert found.capacity_wh == pytest.approx(16)
    assert found.power_w == pytest.approx(2)
    assert found.runtime_s == 7200


def test_two_batteries_count_as_one(tree: SysfsTree) -> None:
    laptop(tree)
    laptop(tree, "BAT1", capacity=90, energy_now=9_000_000, energy_full=10_000_000, power_now=0, status="Full")
    assert told(read(tree)) == BatteryReading(False, 29 / 60, 10.0, 60.0, None)
    assert told(read(tree, "BAT0")).charge == 0.4
    tree.write("class/power_supply/BAT1/energy_now", -1)
    (tree.root / "class/power_supply/BAT1/energy_full").unlink()
    found = told(read(tree))
    assert (found.charge, found.capacity_wh) == (0.4, None)


def test_the_battery_of_a_mouse_is_not_that_of_the_machine(tree: SysfsTree) -> None:
    supply(tree, "hidpp_battery_0", type="Battery", scope="Device", status="Discharging", capacity=1)
    assert "no battery" in why(read(tree))
    supply(tree, "AC", type="Mains", online=1)
    assert "no battery" in why(read(tree))
    laptop(tree, present=0)
    assert "no battery" in why(read(tree))
    assert "BAT7" in why(read(tree, "BAT7"))


@pytest.mark.parametrize(
    ("status", "online", "on_mains"),
    [
        ("Discharging", None, False),
        ("Charging", None, True),
        ("Full", None, True),
        ("Not charging", None, True),
        ("Unknown", None, None),
        ("Unknown", 0, False),
        ("Unknown", 1, True),
        ("Discharging", 1, True),
        ("Not charging", 0, False),
        ("Charging", 0, True),
    ],
)
def test_who_says_whether_it_is_on_mains(
    tree: SysfsTree, status: str, online: int | None, on_mains: bool | None
) -> None:
    laptop(tree, status=status)
    if online is not None:
        supply(tree, "ucsi-source-psy-1", type="USB", online=online)
    found = read(tree)
    assert (found.on_mains if isinstance(found, BatteryReading) else None) is on_mains


def test_what_is_no_number_is_not_known(tree: SysfsTree) -> None:
    laptop(tree, capacity="much", energy_now="", energy_full=0, power_now=10**17)
    assert told(read(tree)) == BatteryReading(False)


def test_a_driver_that_lost_its_battery(tree: SysfsTree) -> None:
    folder = laptop(tree)
    kernel = FakeKernel(tree.root)
    kernel.not_read = {f"{folder}/{file}": errno.ENODEV for file in ("status", "capacity", "energy_now")}
    assert "neither" in why(PowerSupplyBattery(kernel).read())


# ---------------------------------------------------------------------- NUT

APC = (
    b"BEGIN LIST VAR apc\n"
    b'VAR apc battery.charge "87"\n'
    b'VAR apc battery.runtime "1250"\n'
    b'VAR apc ups.load "25"\n'
    b'VAR apc ups.realpower.nominal "400"\n'
    b'VAR apc ups.status "OB DISCHRG"\n'
    b'VAR apc ups.model "Back \\"UPS\\" \\\\ 700"\n'
    b"END LIST VAR apc\n"
)


def ask(port: int, timeout_s: float = 5.0) -> BatteryReading | NoBatteryReading:
    return NutBattery(NutOptions(ups="apc", host="127.0.0.1", port=port, timeout_s=timeout_s)).read()


@pytest.mark.parametrize("pieces", [[APC], [APC[:50], APC[50:51], APC[51:]], [APC, b"OK Goodbye\n"]])
def test_a_ups_on_battery(pieces: list[bytes]) -> None:
    with nut_server(pieces, pause_s=0.02) as (port, asked):
        assert told(ask(port)) == BatteryReading(False, 0.87, 100.0, None, 1250.0)
    assert asked == [b"LIST VAR apc\nLOGOUT\n"]


def test_escapes_are_taken_off() -> None:
    assert parse(APC.decode(), "apc", "here")["ups.model"] == 'Back "UPS" \\ 700'


@pytest.mark.parametrize(
    ("status", "on_mains"),
    [
        ("OL", True),
        ("OL CHRG", True),
        ("OB LB", False),
        ("OL OFF", True),
        ("", None),
        ("OL OB", None),
        ("BYPASS", None),
    ],
)
def test_what_the_status_says(status: str, on_mains: bool | None) -> None:
    found = reading({"ups.status": status, "battery.charge": "50"})
    assert (found.on_mains if isinstance(found, BatteryReading) else None) is on_mains


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"ERR UNKNOWN-UPS\n", "upsc -l"),
        (b"ERR DATA-STALE\n", "cable"),
        (b"ERR ACCESS-DENIED\n", "ACCESS-DENIED"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no whole list"),
        (APC[:-10], "no whole list"),
        (b"", "no whole list"),
        (b"\xff\xfe\x00", "no whole list"),
        (APC.replace(b'"87"', b"87"), "no variable"),
        (b"BEGIN LIST VAR apc\n" + b"x" * 100_000, "more than"),
        (b'BEGIN LIST VAR apc\nVAR apc battery.charge "87"\nEND LIST VAR apc\n', "does not say"),
    ],
)
def test_answers_that_tell_nothing(answer: bytes, reason: str) -> None:
    with nut_server([answer]) as (port, _):
        assert reason in why(ask(port))


def test_a_server_that_is_silent_or_slow_costs_its_time_out_and_no_more() -> None:
    """It is not the server that ends it: who hangs up has given no whole list."""
    for pieces, pause_s in (([], 0.0), ([bytes([byte]) for byte in APC], 0.05)):
        with nut_server(pieces, pause_s, hold_s=20) as (port, _):
            assert "does not answer" in why(ask(port, timeout_s=0.3))


def test_no_server_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "upsd" in why(ask(port))


@pytest.mark.parametrize(
    "bad",
    [
        {"ups": ""},
        {"ups": "apc\nSET VAR"},
        {"ups": "a b"},
        {"ups": "apc", "host": "h\n"},
        {"ups": "apc", "port": 0},
        {"ups": "apc", "timeout_s": 0},
        {"ups": "apc", "password": "x"},
    ],
)
def test_options_that_are_none(bad: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, NutOptions)


words = st.sampled_from(["BEGIN LIST VAR apc", "END LIST VAR apc", 'VAR apc ups.status "OB"', "VAR", '"', "\\"])


@settings(max_examples=100)
@given(st.lists(words | st.text(max_size=20), max_size=8), st.text(max_size=10))
def test_any_text_of_a_server_is_a_reading_or_a_reason(lines: list[str], charge: str) -> None:
    try:
        variables = parse("\n".join(lines), "apc", "here")
    except NutError:
        variables = {"ups.status": "OB"}
    reading({**variables, "battery.charge": charge, "battery.runtime": charge, "ups.load": charge})
