# SPDX-License-Identifier: Apache-2.0
"""A supply that a kernel driver owns, read through hwmon: its numbers, no fault bits beyond alarms, never a write."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from agent.hardware.pmbus.readings import SupplyReadings
from agent.hardware.pmbus.registers import Register
from agent.hardware.pmbus.status import Status, StatusWord

if TYPE_CHECKING:
    from pathlib import Path

ALARMS: tuple[tuple[str, StatusWord, Register, int], ...] = (
    ("in{vin}_lcrit_alarm", StatusWord.INPUT, Register.STATUS_INPUT, 0x10),
    ("in{vin}_min_alarm", StatusWord.INPUT, Register.STATUS_INPUT, 0x20),
    ("in{vin}_crit_alarm", StatusWord.INPUT, Register.STATUS_INPUT, 0x80),
    ("in{vout}_crit_alarm", StatusWord.VOUT, Register.STATUS_VOUT, 0x80),
    ("in{vout}_lcrit_alarm", StatusWord.VOUT, Register.STATUS_VOUT, 0x10),
    ("curr{iout}_crit_alarm", StatusWord.IOUT, Register.STATUS_IOUT, 0x80),
    ("temp1_crit_alarm", StatusWord.TEMPERATURE, Register.STATUS_TEMPERATURE, 0x80),
    ("temp1_max_alarm", StatusWord.TEMPERATURE, Register.STATUS_TEMPERATURE, 0x40),
    ("fan1_fault", StatusWord.FANS, Register.STATUS_FANS_1_2, 0x80),
)
"""File, bit of STATUS_WORD, register and its bit. The kernel's alarms are read and cleared by the kernel."""


def hwmon_of(sys_root: Path, bus: int, address: int) -> Path | None:
    """The hwmon folder of the driver that owns an address; None when there is none (`sys_root` is /sys)."""
    device = sys_root / "bus" / "i2c" / "devices" / f"{bus}-{address:04x}"
    return next(iter(sorted(device.glob("hwmon/hwmon*"))), None)


def read_hwmon(folder: Path) -> SupplyReadings:
    """The readings as the kernel has them. Raises OSError when the supply does not answer the kernel either."""
    labels = _labels(folder)
    vin, vout = labels.get("vin"), labels.get("vout1")
    status = _status(folder, {key: number for key, number in (("vin", vin), ("vout", vout)) if number} | labels)
    readings = SupplyReadings(
        mono_ns=time.monotonic_ns(),
        status=status,
        vin_v=_value(folder, f"in{vin}_input", 1e3) if vin else None,
        iin_a=_value(folder, f"curr{labels['iin']}_input", 1e3) if "iin" in labels else None,
        pin_w=_value(folder, f"power{labels['pin']}_input", 1e6) if "pin" in labels else None,
        vout_v=_value(folder, f"in{vout}_input", 1e3) if vout else None,
        iout_a=_value(folder, f"curr{labels['iout1']}_input", 1e3) if "iout1" in labels else None,
        pout_w=_value(folder, f"power{labels['pout1']}_input", 1e6) if "pout1" in labels else None,
        temperatures_c=tuple(_value(folder, f"temp{n}_input", 1e3) for n in (1, 2, 3) if _has(folder, f"temp{n}")),
        fans_rpm=tuple(_value(folder, f"fan{n}_input", 1.0) for n in (1, 2, 3, 4) if _has(folder, f"fan{n}")),
    )
    if readings.vin_v is None and readings.vout_v is None and readings.pout_w is None:
        raise OSError(errno.EIO, "the kernel's driver has no reading")
    return readings


def _labels(folder: Path) -> dict[str, str]:
    """Which channel is which: the pmbus drivers name them vin, vout1, iin, iout1, pin, pout1."""
    found = {}
    for file in folder.glob("*_label"):
        kind = file.name.removesuffix("_label")
        found[file.read_text(encoding="ascii", errors="replace").strip()] = kind.lstrip("abcdefghijklmnopqrstuvwxyz")
    return found


def _status(folder: Path, labels: dict[str, str]) -> Status:
    word, details = StatusWord(0), dict[Register, int]()
    numbers = {"vin": labels.get("vin", ""), "vout": labels.get("vout1", ""), "iout": labels.get("iout1", "")}
    for name, bit, register, value in ALARMS:
        if _value(folder, name.format(**numbers), 1.0):
            word |= bit
            details[register] = details.get(register, 0) | value
    return Status(word, tuple(details.items()))


def _has(folder: Path, channel: str) -> bool:
    return (folder / f"{channel}_input").exists()


def _value(folder: Path, name: str, divisor: float) -> float | None:
    try:
        return int((folder / name).read_text(encoding="ascii")) / divisor
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise OSError(errno.EIO, f"{name}: {error}") from error
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP):
            return None
        raise OSError(error.errno or errno.EIO, os.strerror(error.errno or errno.EIO)) from error
