# SPDX-License-Identifier: Apache-2.0
"""`pgood setup` with a real GPIO chip and supplies behind a real /dev/i2c-N: found by looking and reading only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gpiod
import pytest
import smbus2

from agent.commission.setup.machine import Machine, look
from agent.commission.setup.supply_probe import probe
from agent.hardware.gpio import request_lines
from agent.hardware.gpio_error import GpioError
from agent.hardware.linux_smbus import LinuxSmbus
from agent.hardware.pmbus.formats import encode_linear11
from agent.hardware.pmbus.registers import Register
from agent.profile.load import load_profile, load_site, parse_profile
from tests.hardware.extra_chip import ExtraChip
from tests.lab.options import DEFAULT_LINES

if TYPE_CHECKING:
    from tests.hardware.gpio_sim import SimLine

PGOOD = str(Path(sys.executable).parent / "pgood")
FIRST, SECOND, NOBODY = 0x58, 0x59, 0x5A
PROFILE = """\
schema = 1
name = "lab"

[chips.header]
label = "somewhere-else"

[lines.power-button]
direction = "output"
class = "momentary"
chip = "header"
line = "POWER_BUTTON"
max_press_ms = 6000

[lines.power-good]
direction = "input"
chip = "header"
line = "POWER_GOOD"
source = "pwr_ok"

[[hosts]]
name = "0"
power_good = "power-good"
power_button = "power-button"
timing.force_off_ms = 6000
"""


class ReadingOnly(smbus2.SMBus):
    """The kernel's adapter; whatever would write ends the test."""

    def _refuse(self, *_arguments: Any, **_named: Any) -> Any:
        raise AssertionError("a probe must not write")

    write_quick = write_byte = write_byte_data = write_word_data = write_block_data = _refuse
    write_i2c_block_data = process_call = block_process_call = i2c_rdwr = _refuse


@pytest.fixture
def stub(i2c_bus: smbus2.SMBus) -> smbus2.SMBus:
    """A supply at the first address; the second chip answers EEh everywhere."""
    for register in range(256):
        i2c_bus.write_byte_data(FIRST, register, 0)
        i2c_bus.write_byte_data(SECOND, register, 0xEE)
    i2c_bus.write_byte_data(FIRST, Register.PMBUS_REVISION, 0x22)
    i2c_bus.write_word_data(FIRST, Register.MFR_POUT_MAX, encode_linear11(800))
    i2c_bus.write_block_data(FIRST, Register.MFR_ID, list(b"PGOOD"))
    i2c_bus.write_block_data(FIRST, Register.MFR_MODEL, list(b"CRPS-800"))
    return i2c_bus


def registers(bus: smbus2.SMBus) -> list[int]:
    """Everything that both chips hold."""
    return [bus.read_word_data(address, register) for address in (FIRST, SECOND) for register in range(256)]


def held(chip: str) -> list[bool]:
    """Which lines are in somebody's hand."""
    with gpiod.Chip(chip) as opened:
        return [opened.get_line_info(offset).used for offset in range(opened.get_info().num_lines)]


def label(chip: str) -> str:
    with gpiod.Chip(chip) as opened:
        return str(opened.get_info().label)


def test_the_chip_and_the_bus_are_found(gpiochip: str) -> None:
    found = look(Machine())
    chip = next(chip for chip in found.gpio.chips if chip.device == gpiochip)
    assert chip.lines == DEFAULT_LINES
    assert chip.label == label(gpiochip)
    assert int(os.environ["HWLAB_I2C"]) in [bus.number for bus in found.buses]
    assert not any(held(gpiochip))


def test_a_supply_is_found_by_reading(stub: smbus2.SMBus) -> None:
    before = registers(stub)
    port = LinuxSmbus(int(os.environ["HWLAB_I2C"]), ReadingOnly)
    found = probe(port, (FIRST, SECOND, NOBODY))
    port.close()
    (supply,) = found.supplies
    assert (supply.address, supply.mfr_id, supply.mfr_model, supply.rated_w) == (FIRST, "PGOOD", "CRPS-800", 800.0)
    assert found.troubles == ("0x59: something is there that is no PMBus supply (it answers 0xee)",)
    assert registers(stub) == before


def test_a_whole_setup_leaves_lines_and_registers_alone(
    gpiochip: str, stub: smbus2.SMBus, world: dict[str, SimLine], tmp_path: Path
) -> None:
    (tmp_path / "lab.toml").write_text(PROFILE)
    (tmp_path / "password").write_text("secret")
    site, state = tmp_path / "etc/pgood.toml", tmp_path / "state"
    before = registers(stub)
    done = subprocess.run(
        [
            *(PGOOD, "setup", "--no-input", "--profile", tmp_path / "lab.toml", "--chip", label(gpiochip)),
            *("--bus", os.environ["HWLAB_I2C"], "--supply-address", "0x58-0x5f"),
            *("--user", "admin", "--password-file", tmp_path / "password"),
            *("--site", site, "--state-dir", state, "--ipmi", "127.0.0.1:6230"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"GPIO chip:  {label(gpiochip)} ({gpiochip}, 16 lines)" in done.stdout
    assert "Attention" not in done.stdout
    assert registers(stub) == before
    assert not any(held(gpiochip))
    assert not any(line.is_high() for line in world.values())
    assert not (state / "armed").exists()
    profile = load_profile(Path(load_site(site).board.profile))
    assert [(supply.address, supply.rated_w) for supply in profile.supplies] == [(FIRST, 800.0)]
    requested = request_lines(profile, armed=False, inherited={})
    assert set(requested.lines) == {"power-good"}
    requested.close()


def by_name_alone(text: str, wanted: str) -> Any:
    """The lab's profile without its chip."""
    return parse_profile(Path("lab.toml"), text.replace('chip = "header"\n', "").replace("POWER_GOOD", wanted))


def test_a_line_is_found_by_its_name_on_any_chip(gpiochip: str, world: dict[str, SimLine]) -> None:
    with ExtraChip("pgood-before", 4):
        requested = request_lines(by_name_alone(PROFILE, "POWER_GOOD"), armed=True, inherited={})
        try:
            assert [name for name, used in zip(DEFAULT_LINES, held(gpiochip), strict=True) if used] == [
                "POWER_BUTTON",
                "POWER_GOOD",
            ]
            assert not world["POWER_BUTTON"].is_high()
        finally:
            requested.close()


def test_a_name_that_no_chip_has_is_told(gpiochip: str) -> None:
    with pytest.raises(GpioError, match=r"lines.power-good: no GPIO chip has a line named 'NOTHING'; see: gpioinfo"):
        request_lines(by_name_alone(PROFILE, "NOTHING"), armed=True, inherited={})
    assert not any(held(gpiochip))


def test_a_name_that_two_chips_have_is_told(gpiochip: str) -> None:
    with (
        ExtraChip("pgood-twin", 2, first_name="POWER_GOOD"),
        pytest.raises(GpioError, match=r"lines.power-good: there are 2 lines named 'POWER_GOOD' .*: name the 'chip'"),
    ):
        request_lines(by_name_alone(PROFILE, "POWER_GOOD"), armed=True, inherited={})
    assert not any(held(gpiochip))


def test_a_chip_has_one_of_several_labels(gpiochip: str) -> None:
    text = PROFILE.replace('"somewhere-else"', f'["somewhere-else", "{label(gpiochip)}"]')
    requested = request_lines(parse_profile(Path("lab.toml"), text), armed=False, inherited={})
    assert set(requested.lines) == {"power-good"}
    requested.close()
    foreign = parse_profile(Path("lab.toml"), PROFILE.replace('"somewhere-else"', '["somewhere-else", "nowhere"]'))
    with pytest.raises(GpioError, match=r"no GPIO chip has the label 'somewhere-else' or 'nowhere'"):
        request_lines(foreign, armed=False, inherited={})
