# SPDX-License-Identifier: Apache-2.0
"""The command lines that OpenStack's ironic runs, word for word in their options."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client


@pytest.fixture
def ironic(demo: Demo, tmp_path: Path) -> Ironic:
    return Ironic(demo, tmp_path)


class Ironic:
    """Builds `ipmitool` calls as ironic does: the password from a file, five-second base time-out, retries."""

    def __init__(self, demo: Demo, tmp_path: Path) -> None:
        self.demo = demo
        self.file = tmp_path / "password"
        self.file.write_text(demo.ready["ipmi"]["password"])

    def __call__(self, *words: str, suite: str = "17", code: int = 0) -> str:
        ipmi = self.demo.ready["ipmi"]
        options = ["-I", "lanplus", "-H", ipmi["host"], "-L", "ADMINISTRATOR", "-p", str(ipmi["port"])]
        options += ["-U", ipmi["user"], "-C", suite, "-v", "-R", "12", "-N", "5", "-f", str(self.file)]
        deadline = time.monotonic() + PATIENCE_S
        while True:
            done = self.demo.run(["ipmitool", *options, *words])
            shown = done.stdout + done.stderr
            if "Node busy" not in shown:
                break
            assert time.monotonic() < deadline, shown  # ironic, too, tries again for a while
            time.sleep(0.2)
        assert done.returncode == code, shown
        return shown

    def power(self, wanted: str, within_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + within_s
        while f"Chassis Power is {wanted}" not in (shown := self("power", "status")):
            assert time.monotonic() < deadline, shown
            time.sleep(0.2)


def test_power(ironic: Ironic) -> None:
    ironic("power", "on")
    ironic.power("on")
    ironic("power", "diag")
    ironic("power", "soft")
    ironic.power("off")
    ironic("power", "on")
    ironic.power("on")
    ironic("power", "off")
    ironic.power("off")


@pytest.mark.parametrize(
    ("flags", "device", "shown"),
    [("0xa0", "0x04", "Force PXE"), ("0xe0", "0x08", "Force Boot from default Hard-Drive")],
)
def test_uefi_boot_device(ironic: Ironic, flags: str, device: str, shown: str) -> None:
    """Raw, because ipmitool's own verb forgets the persistence of UEFI boots."""
    ironic("raw", "0x00", "0x08", "0x03", "0x08")
    ironic("raw", "0x00", "0x08", "0x05", flags, device, "0x00", "0x00", "0x00")
    answer = ironic("chassis", "bootparam", "get", "5")
    assert f"Boot Device Selector : {shown}" in answer
    assert "BIOS EFI boot" in answer
    assert ("Options apply to all future boots" in answer) == (flags == "0xe0")
    assert "Boot parameter 5 is valid/unlocked" in answer


@pytest.mark.parametrize("device", ["pxe", "disk", "cdrom", "bios", "safe"])
def test_bios_boot_device(ironic: Ironic, device: str) -> None:
    ironic("raw", "0x00", "0x08", "0x03", "0x08")
    ironic("chassis", "bootdev", device, "options=persistent")
    assert "Options apply to all future boots" in ironic("chassis", "bootparam", "get", "5")


def test_inspection(ironic: Ironic) -> None:
    assert "Manufacturer ID" in ironic("mc", "info")
    assert "CPU Temp" in ironic("sdr")
    assert "PSU1 Input W" in ironic("sdr", "-v")
    ironic("sdr", "dump", str(ironic.file.parent / "sdr.bin"))
    assert "Entity ID" in ironic("-S", str(ironic.file.parent / "sdr.bin"), "sdr", "elist", "-v")
    ironic("bmc", "reset", "warm")
    ironic("bmc", "reset", "cold")
    assert "Force Encryption" in ironic("sol", "info")


def test_suites_are_stepped_down(ironic: Ironic) -> None:
    """It reads this text in the error output and goes on to the next suite of its list."""
    text = ironic("power", "status", suite="16", code=1)
    assert "no matching cipher suite" in text.lower()
    ironic("power", "status", suite="3")
