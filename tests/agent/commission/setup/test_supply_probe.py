# SPDX-License-Identifier: Apache-2.0
"""Supplies are found by reading, at the agreed addresses only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.cli.failure import Failure
from agent.cli.main import parser
from agent.cli.setup import set_up
from agent.commission.setup.ask_supplies import parse_addresses
from agent.commission.setup.supply_probe import probe
from agent.hardware.pmbus.registers import Register
from agent.hardware.smbus import BusError
from tests.agent.commission.setup.fake_board import EMPTY, OWNED, SUPPLY, THING, FakeBus, build, machine

if TYPE_CHECKING:
    from pathlib import Path

ID_REGISTERS = {Register.PMBUS_REVISION, Register.MFR_ID, Register.MFR_MODEL, Register.MFR_POUT_MAX}


def test_a_supply_is_found_and_nothing_is_written(tmp_path: Path) -> None:
    bus = FakeBus(tmp_path / "writes")
    found = probe(bus, range(0x58, 0x60))
    (supply,) = found.supplies
    assert (supply.address, supply.mfr_id, supply.mfr_model, supply.rated_w) == (SUPPLY, "PGOOD", "CRPS-550", 550.0)
    assert not (tmp_path / "writes").exists()
    assert {address for address, _ in bus.asked} == set(range(0x58, 0x60))
    assert {command for _, command in bus.asked} <= ID_REGISTERS
    assert [command for address, command in bus.asked if address != SUPPLY] == [Register.PMBUS_REVISION] * 7


def test_what_is_no_supply_is_told(tmp_path: Path) -> None:
    found = probe(FakeBus(tmp_path / "writes"), (THING, OWNED, 0x5D, EMPTY))
    assert found.supplies == ()
    assert "0x5b: something is there that is no PMBus supply (it answers 0xff)" in found.troubles[0]
    assert "0x5c: a kernel driver owns it" in found.troubles[1]
    assert "0x61: something is there that is no PMBus supply (it answers 0x00)" in found.troubles[2]
    assert len(found.troubles) == 3


@pytest.mark.parametrize(
    ("text", "addresses"),
    [("0x58", (0x58,)), ("0x58-0x5A,0x40", (0x40, 0x58, 0x59, 0x5A)), (" 0x58, 0x58 ", (0x58,))],
)
def test_addresses(text: str, addresses: tuple[int, ...]) -> None:
    assert parse_addresses(text) == addresses


@pytest.mark.parametrize("text", ["", "58", "0x07", "0x78", "0x5a-0x58", "0x58;0x59", "0x58-", "0x100", "all"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address: write for example 0x58"):
        parse_addresses(text)


def test_a_bus_that_cannot_be_opened_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(number: int) -> FakeBus:
        raise BusError(f"no permission for /dev/i2c-{number}: add this user to the group i2c, or run as root")

    board = replace(machine(build(tmp_path / "pi")), open_bus=refuse)
    words = ["setup", "--no-input", "--dry-run", "--bus", "1", "--supply-address", "0x58"]
    words += ["--site", str(tmp_path / "pgood.toml"), "--state-dir", str(tmp_path / "state")]
    with pytest.raises(Failure, match="no supply answers on bus 1 at 0x58"):
        set_up(parser(words).parse_args(words), board)
    assert "no permission for /dev/i2c-1: add this user to the group i2c" in capsys.readouterr().out
