# SPDX-License-Identifier: Apache-2.0
"""A fake /sys in a folder, and a Sysfs that answers for it as kernels do: locks, clamps, modes, even for root."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from agent.energy.sysfs import Sysfs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

UW = 1_000_000
EMPTY_S = 5.0
"""An agent that was stopped between opening and writing has gone on by then."""


def put_whole(path: Path, data: bytes) -> None:
    """A kernel's file has the old value or the new one, whenever it is read and whoever is killed when."""
    whole = path.with_name(f"{path.name}.whole")
    whole.write_bytes(data)
    whole.replace(path)


class SysfsTree:
    """Builds the folder. Every method gives the path below the root that the code under test uses."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def write(self, file: str, value: object) -> str:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        put_whole(path, f"{value}\n".encode())
        return file

    def files(self, folder: str, values: Mapping[str, object]) -> str:
        for name, value in values.items():
            self.write(f"{folder}/{name}", value)
        return folder

    def read(self, file: str) -> str:
        return (self.root / file).read_text().strip()

    def number(self, file: str) -> int:
        """Waits while it is empty: unlike a kernel's, this file is emptied by whoever opens it to write."""
        until_s = time.monotonic() + EMPTY_S
        while not (text := self.read(file)) and time.monotonic() < until_s:
            time.sleep(0.001)
        return int(text)

    def everything(self) -> dict[str, str]:
        """The content of every file: two of these are equal when nothing has changed."""
        return {
            str(path.relative_to(self.root)): path.read_text()
            for path in self.root.rglob("*")
            if path.is_file() and path.suffix != ".whole"
        }

    # ------------------------------------------------------------------ powercap

    def control_type(self, name: str = "intel-rapl") -> str:
        return self.files(f"class/powercap/{name}", {"enabled": 1})

    def package(self, number: int, limit_w: float = 65, max_w: float | None = 65, *, kind: str = "intel-rapl") -> str:
        """As Intel's: long and short term, a short-term limit above the long one."""
        folder = self.files(
            f"class/powercap/{kind}:{number}",
            {
                "name": f"package-{number}",
                "enabled": 1,
                "energy_uj": 1_000_000,
                "max_energy_range_uj": 262_143_328_850,
                "constraint_0_name": "long_term",
                "constraint_0_power_limit_uw": round(limit_w * UW),
                "constraint_0_time_window_us": 27_983_872,
                "constraint_1_name": "short_term",
                "constraint_1_power_limit_uw": round(limit_w * 1.25 * UW),
                "constraint_1_time_window_us": 2_440,
                "constraint_1_max_power_uw": 0,
            },
        )
        if max_w is not None:
            self.write(f"{folder}/constraint_0_max_power_uw", round(max_w * UW))
        return folder

    def child(self, package: str, number: int, name: str) -> str:
        """The cores or the memory of a package: an energy counter and a limit that nobody is to touch."""
        folder = f"{package}:{number}"
        return self.files(
            folder,
            {
                "name": name,
                "enabled": 0,
                "energy_uj": 500_000,
                "max_energy_range_uj": 65_532_610_987,
                "constraint_0_name": "long_term",
                "constraint_0_power_limit_uw": 0,
            },
        )

    def amd_package(self, number: int) -> str:
        """AMD's count energy and take no limit."""
        values = {"name": f"package-{number}", "enabled": 1, "energy_uj": 7, "max_energy_range_uj": 65_532_610_987}
        return self.files(f"class/powercap/intel-rapl:{number}", values)

    # ------------------------------------------------------------------ cpufreq

    def policy(self, number: int, slowest_khz: int, fastest_khz: int, governor: str, **more: object) -> str:
        return self.files(
            f"devices/system/cpu/cpufreq/policy{number}",
            {
                "cpuinfo_min_freq": slowest_khz,
                "cpuinfo_max_freq": fastest_khz,
                "scaling_min_freq": slowest_khz,
                "scaling_max_freq": fastest_khz,
                "scaling_cur_freq": slowest_khz,
                "scaling_governor": governor,
                **more,
            },
        )

    def intel_pstate(self, processors: int = 2) -> list[str]:
        """In active mode: two governors, energy preferences, any frequency."""
        self.write("devices/system/cpu/intel_pstate/no_turbo", 0)
        more = {
            "scaling_driver": "intel_pstate",
            "scaling_available_governors": "performance powersave",
            "energy_performance_preference": "balance_performance",
            "energy_performance_available_preferences": "default performance balance_performance balance_power power",
        }
        return [self.policy(number, 400_000, 4_000_000, "powersave", **more) for number in range(processors)]

    def acpi_cpufreq(self, processors: int = 2) -> list[str]:
        """A table of frequencies, all the governors, a switch for boost."""
        self.write("devices/system/cpu/cpufreq/boost", 1)
        more = {
            "scaling_driver": "acpi-cpufreq",
            "scaling_available_governors": "conservative ondemand userspace powersave performance schedutil",
            "scaling_available_frequencies": "3400000 2800000 2200000 1600000",
        }
        return [self.policy(number, 1_600_000, 3_400_000, "ondemand", **more) for number in range(processors)]

    def raspberry_pi(self) -> str:
        """One policy for four cores."""
        return self.policy(
            0,
            600_000,
            1_800_000,
            "ondemand",
            scaling_driver="cpufreq-dt",
            affected_cpus="0 1 2 3",
            scaling_available_governors="conservative ondemand userspace powersave performance schedutil",
            scaling_available_frequencies=" ".join(str(khz) for khz in range(600_000, 1_800_001, 100_000)),
        )

    # ------------------------------------------------------------------ hwmon, thermal, processes

    def hwmon(self, number: int, name: str, **attributes: object) -> str:
        return self.files(f"class/hwmon/hwmon{number}", {"name": name, **attributes})

    def thermal_zone(self, number: int, kind: str, millicelsius: int, critical: int = 100_000) -> str:
        values = {"type": kind, "temp": millicelsius, "mode": "enabled", "trip_point_0_type": "critical"}
        return self.files(f"class/thermal/thermal_zone{number}", {**values, "trip_point_0_temp": critical})

    def get_throttled(self, text: str) -> str:
        """The Raspberry Pi kernel's file."""
        return self.write("devices/platform/soc/soc:firmware/get_throttled", text)

    def process(self, pid: int, command: str, *arguments: str) -> str:
        """In a tree that stands for / and not for /sys."""
        values = {"comm": command[:15], "cmdline": "\0".join((*arguments, ""))}
        return self.files(f"proc/{pid}", values)


class FakeKernel(Sysfs):
    """Sysfs over a tree with a kernel's manners. The keys are paths below the root."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.not_opened: dict[str, int] = {}
        """Files that cannot be opened for writing, with the errno."""
        self.not_read: dict[str, int] = {}
        """Files that cannot be opened for reading, with the errno."""
        self.not_taken: dict[str, int] = {}
        """Files whose write fails, with the errno: what a lock of the firmware does."""
        self.clamped: dict[str, tuple[int, int]] = {}
        """Files that keep the nearest value of a range."""
        self.stubborn: set[str] = set()
        """Files that take every value and keep their own."""
        self.written: list[tuple[str, str]] = []

    def _open(self, file: str, flags: int) -> int:
        failing = self.not_opened if flags & os.O_WRONLY else self.not_read
        if file in failing:
            raise OSError(failing[file], os.strerror(failing[file]))
        return super()._open(file, flags & ~os.O_TRUNC)

    def _put(self, file: str, descriptor: int, data: bytes) -> None:
        if file in self.not_taken:
            raise OSError(self.not_taken[file], os.strerror(self.not_taken[file]))
        self.written.append((file, data.decode().strip()))
        self._check(file, data.decode().strip())
        if file in self.stubborn:
            return
        if file in self.clamped:
            least, most = self.clamped[file]
            data = f"{min(max(int(data), least), most)}\n".encode()
        put_whole(self.root / file, data)

    def _check(self, file: str, text: str) -> None:
        """What cpufreq says no to: a least above the highest, a governor that the driver does not have."""
        folder, _, name = file.rpartition("/")
        refused = False
        if name == "scaling_max_freq":
            refused = int(text) < int((self.root / folder / "scaling_min_freq").read_text())
        elif name == "scaling_min_freq":
            refused = int(text) > int((self.root / folder / "scaling_max_freq").read_text())
        elif name == "scaling_governor":
            refused = text not in (self.root / folder / "scaling_available_governors").read_text().split()
        elif name == "energy_performance_preference":
            performance = (self.root / folder / "scaling_governor").read_text().strip() == "performance"
            refused = performance and text != "performance"
        if refused:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


LOCKED = errno.EACCES
"""What the RAPL driver answers for a limit that the firmware has locked."""
