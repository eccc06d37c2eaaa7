# SPDX-License-Identifier: Apache-2.0
"""A board as files below a folder, with chips and a bus in memory: what `pgood setup` finds, without any hardware.

Run as a program it is `pgood setup` on such a board: python fake_board.py FOLDER setup --profile ...
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from agent.cli.failure import Failure
from agent.cli.main import parser
from agent.cli.setup import set_up
from agent.commission.setup.gpio_chips import GpioChip
from agent.commission.setup.machine import Machine
from agent.hardware.pmbus.formats import encode_linear11
from agent.hardware.pmbus.registers import Register

PI_4 = "Raspberry Pi 4 Model B Rev 1.4"
HEADER = tuple(f"GPIO{number}" for number in range(28))
LABELS = {
    "Raspberry Pi 5": "pinctrl-rp1",
    "Raspberry Pi 4": "pinctrl-bcm2711",
    "Raspberry Pi 3": "pinctrl-bcm2835",
    "Raspberry Pi Zero 2": "pinctrl-bcm2835",
}
SUPPLY = 0x58
WORDS = {Register.PMBUS_REVISION: 0x33, Register.MFR_POUT_MAX: encode_linear11(550)}
TEXTS = {Register.MFR_ID: b"PGOOD", Register.MFR_MODEL: b"CRPS-550\0\0"}
THING = 0x5B
"""Something that answers everything with FFh, as an EEPROM that was never written."""
OWNED = 0x5C
PLAIN = 0x60
"""A supply that says nothing but that it is one."""
EMPTY = 0x61
"""A memory full of zeros."""
WRITES = "writes"
"""A file that every write to the bus would leave a line in."""


def nobody() -> OSError:
    return OSError(errno.ENXIO, os.strerror(errno.ENXIO))


class FakeBus:
    """A supply, a thing that is none, and one that a kernel driver has. Implements agent.hardware.smbus.SmbusPort."""

    can_pec = False
    can_process_call = True

    def __init__(self, log: Path) -> None:
        self.asked: list[tuple[int, int]] = []
        self._log = log

    def _at(self, address: int, command: int) -> None:
        self.asked.append((address, command))
        if address == OWNED:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        if address not in (SUPPLY, THING, PLAIN, EMPTY) or (address == PLAIN and command != Register.PMBUS_REVISION):
            raise nobody()

    def read_byte(self, address: int) -> int:
        raise AssertionError("a byte without a register moves some devices on")

    def read_byte_data(self, address: int, command: int, pec: bool = False) -> int:
        return self.read_word_data(address, command, pec)

    def read_word_data(self, address: int, command: int, pec: bool = False) -> int:
        self._at(address, command)
        if address in (THING, EMPTY):
            return 0xFF if address == THING else 0
        if command not in WORDS:
            raise nobody()
        return WORDS[Register(command)]

    def read_block_data(self, address: int, command: int, pec: bool = False) -> bytes:
        self._at(address, command)
        if address in (THING, EMPTY) or command not in TEXTS:
            raise nobody()
        return TEXTS[Register(command)]

    def write_byte_data(self, address: int, command: int, value: int, pec: bool = False) -> None:
        with self._log.open("a") as log:
            log.write(f"{address:#04x} {command:#04x}\n")

    def write_word_data(self, address: int, command: int, value: int, pec: bool = False) -> None:
        self.write_byte_data(address, command, value)

    def block_process_call(self, address: int, command: int, data: bytes, pec: bool = False) -> bytes:
        self.write_byte_data(address, command, 0)
        raise nobody()

    def close(self) -> None:
        """Nothing to give back."""


def build(root: Path, model: str = PI_4, buses: tuple[int, ...] = (1,)) -> Path:
    """Files as the kernel has them; an empty model is a PC."""
    (root / "dev").mkdir(parents=True)
    if model:
        (root / "proc/device-tree").mkdir(parents=True)
        (root / "proc/device-tree/model").write_bytes(model.encode() + b"\0")
        (root / "dev/gpiochip0").touch()
        (root / "dev/gpiochip10").touch()
    for number in buses:
        (root / f"dev/i2c-{number}").touch()
        name = root / f"sys/bus/i2c/devices/i2c-{number}/name"
        name.parent.mkdir(parents=True)
        name.write_text(f"bcm2835 (i2c@7e80{number}000)\n")
    return root


def machine(root: Path) -> Machine:
    """What `set_up` looks at. The header is the second chip, as on a Pi 5 with an early kernel."""
    file = root / "proc/device-tree/model"
    model = file.read_text().rstrip("\0") if file.exists() else ""
    label = next((label for begin, label in LABELS.items() if model.startswith(begin)), "other")

    def read_chip(device: str) -> GpioChip:
        if device.endswith("gpiochip0"):
            return GpioChip(device, "raspberrypi-exp-gpio", ("BT_ON", "WL_ON"))
        return GpioChip(device, label, HEADER)

    return Machine(root, read_chip, lambda number: FakeBus(root / WRITES))


def main(root: Path, words: list[str]) -> int:
    try:
        return set_up(parser(words).parse_args(words), machine(root))
    except Failure as failure:
        print(f"pgood: {failure}", file=sys.stderr)
        return failure.code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
