# SPDX-License-Identifier: Apache-2.0
"""Supplies as i2c-stub chips behind a real /dev/i2c-N: the driver on the kernel's SMBus calls, and against hwmon."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.hardware.hwmon_supply import hwmon_of, read_hwmon
from agent.hardware.linux_smbus import LinuxSmbus
from agent.hardware.pmbus.formats import encode_linear11
from agent.hardware.pmbus.registers import Register
from agent.hardware.pmbus.status import Fault
from agent.hardware.pmbus.supply import PmbusSupply
from agent.profile.schema import SupplyTable
from agent.psu.poller import SupplyPoller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smbus2 import SMBus

FIRST, SECOND = 0x58, 0x59
FAN_CONFIG_1_2, FAN_1_IN_RPM = 0x3A, 0xC0
"""The kernel looks here for which fans there are."""
SYS = Path("/sys")
WORDS: dict[Register, int] = {
    Register.STATUS_WORD: 0,
    Register.READ_VIN: encode_linear11(229.5),
    Register.READ_IIN: encode_linear11(0.625),
    Register.READ_PIN: encode_linear11(141.0),
    Register.READ_VOUT: 0x1833,
    Register.READ_IOUT: encode_linear11(10.5),
    Register.READ_POUT: encode_linear11(127.0),
    Register.READ_TEMPERATURE_1: encode_linear11(31.5),
    Register.READ_TEMPERATURE_2: encode_linear11(-4.25),
    Register.READ_FAN_SPEED_1: encode_linear11(4312),
    Register.MFR_POUT_MAX: encode_linear11(550),
    Register.POUT_OP_WARN_LIMIT: encode_linear11(600),
}
BYTES: dict[Register, int] = {Register.VOUT_MODE: 0x17, Register.COLD_REDUNDANCY: 0}
TEXTS = {Register.MFR_ID: b"PGOOD", Register.MFR_MODEL: b"CRPS-550", Register.MFR_SERIAL: b"S0001"}


@pytest.fixture
def number() -> int:
    return int(os.environ["HWLAB_I2C"])


@pytest.fixture
def stub(i2c_bus: SMBus) -> SMBus:
    """Both chips as supplies; a chip's registers that were never written read 0."""
    for address in (FIRST, SECOND):
        for register, word in WORDS.items():
            i2c_bus.write_word_data(address, register, word)
        for register, byte in BYTES.items():
            i2c_bus.write_byte_data(address, register, byte)
        i2c_bus.write_byte_data(address, FAN_CONFIG_1_2, FAN_1_IN_RPM)
        for register, text in TEXTS.items():
            i2c_bus.write_block_data(address, register, list(text))
    return i2c_bus


@pytest.fixture
def port(number: int) -> Iterator[LinuxSmbus]:
    opened = LinuxSmbus(number)
    yield opened
    opened.close()


@pytest.fixture
def kernel_driver(number: int, stub: SMBus) -> Iterator[Path]:
    """The kernel's pmbus driver bound to the first supply; its hwmon folder."""
    subprocess.run(["modprobe", "pmbus"], check=False)
    device = SYS / "bus" / "i2c" / "devices" / f"i2c-{number}"
    (device / "new_device").write_text(f"pmbus {FIRST:#04x}\n")
    deadline = time.monotonic() + 5
    while (folder := hwmon_of(SYS, number, FIRST)) is None:
        if time.monotonic() > deadline:
            (device / "delete_device").write_text(f"{FIRST:#04x}\n")
            pytest.skip("this kernel has no pmbus driver")
        time.sleep(0.05)
    yield folder
    (device / "delete_device").write_text(f"{FIRST:#04x}\n")


def test_identity_and_readings(port: LinuxSmbus, stub: SMBus) -> None:
    supply = PmbusSupply(FIRST)
    identity = supply.identity(port)
    assert (identity.mfr_id, identity.mfr_model, identity.serial) == ("PGOOD", "CRPS-550", "S0001")
    assert identity.rated_w == 550.0
    readings = supply.readings(port)
    assert (readings.vin_v, readings.iin_a, readings.pin_w) == (229.5, 0.625, 141.0)
    assert (readings.iout_a, readings.pout_w) == (10.5, 127.0)
    assert readings.vout_v == pytest.approx(12.1, abs=0.001)
    assert readings.temperatures_c[:2] == (31.5, -4.25)
    assert readings.fans_rpm[0] == 4312
    assert (readings.delivers, readings.failures) == (True, frozenset())


def test_status_registers_are_read_when_their_bit_is_set(port: LinuxSmbus, stub: SMBus) -> None:
    stub.write_word_data(FIRST, Register.STATUS_WORD, 0x2404)
    stub.write_byte_data(FIRST, Register.STATUS_INPUT, 0x21)
    stub.write_byte_data(FIRST, Register.STATUS_TEMPERATURE, 0x40)
    stub.write_byte_data(FIRST, Register.STATUS_FANS_1_2, 0x80)
    status = PmbusSupply(FIRST).status(port)
    assert status.faults == {
        Fault.VIN_UV_WARNING,
        Fault.PIN_OP_WARNING,
        Fault.OVER_TEMPERATURE_WARNING,
        Fault.FAN_1,
    }
    assert stub.read_word_data(FIRST, Register.STATUS_WORD) == 0x2404  # nobody's faults were cleared


def test_role_and_limit_are_written_and_read_back(port: LinuxSmbus, stub: SMBus) -> None:
    supply = PmbusSupply(SECOND)
    for role in (2, 0):
        supply.write_role(port, role)
        assert supply.role(port) == stub.read_byte_data(SECOND, Register.COLD_REDUNDANCY) == role
    assert supply.limit_power(port, 400.0)
    assert stub.read_word_data(SECOND, Register.POUT_OP_WARN_LIMIT) == encode_linear11(400.0)


def test_nobody_at_an_address_is_absent(number: int, port: LinuxSmbus, stub: SMBus) -> None:
    table = SupplyTable(name="3", bus="main", address=0x5A, rated_w=550)
    poll = SupplyPoller(table, number, SYS).poll(port, True)
    assert poll is not None
    assert poll.readings is None
    assert poll.absent
    silent = SupplyTable(name="3", bus="main", address=0x5A, rated_w=550, eeprom=SECOND)
    poll = SupplyPoller(silent, number, SYS).poll(port, True)
    assert poll is not None
    assert not poll.absent  # its inventory memory answers


def test_decoding_agrees_with_the_kernels_driver(
    number: int, stub: SMBus, port: LinuxSmbus, kernel_driver: Path
) -> None:
    """The same registers, decoded twice: the second chip by this driver, the first by the kernel's."""
    ours, kernels = PmbusSupply(SECOND).readings(port), read_hwmon(kernel_driver)
    for quantity in ("vin_v", "iin_a", "pin_w", "vout_v", "iout_a", "pout_w"):
        assert getattr(ours, quantity) == pytest.approx(getattr(kernels, quantity), abs=0.001), quantity
    assert ours.temperatures_c[:2] == pytest.approx(kernels.temperatures_c[:2], abs=0.001)
    assert ours.fans_rpm[0] == kernels.fans_rpm[0]


def test_an_address_that_the_kernel_owns_is_read_through_hwmon_and_never_written(
    number: int, stub: SMBus, port: LinuxSmbus, kernel_driver: Path
) -> None:
    supply = PmbusSupply(FIRST)
    for work in (lambda: supply.readings(port), lambda: supply.write_role(port, 2)):
        with pytest.raises(OSError, match="busy") as error:
            work()
        assert error.value.errno == errno.EBUSY
    table = SupplyTable(name="1", bus="main", address=FIRST, rated_w=550, cold_redundancy=True)
    poll = SupplyPoller(table, number, SYS).poll(port, True)
    assert poll is not None
    assert poll.readings is not None
    assert poll.readings.vin_v == pytest.approx(229.5)
