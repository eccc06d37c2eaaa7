# SPDX-License-Identifier: Apache-2.0
"""Networks of machines on one computer: a bridge per segment, and each machine in a network namespace of its own.

The namespaces live as long as a process in each; nothing is left when those are gone. Broadcasts stay in their segment.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CARD = Path(__file__).with_name("wake_card.py")
ETHTOOL = """\
#!/bin/sh
printf 'Settings for eth0:\\n\\tSupports Wake-on: pumbg\\n\\tWake-on: g\\n\\tLink detected: yes\\n'
"""
"""Cards between namespaces cannot be woken; this says what a real one would."""


class Place:
    """A network namespace, with a view of the file system of its own."""

    def __init__(self, start: Sequence[str]) -> None:
        self._keeper = subprocess.Popen([*start, "sleep", "infinity"], stderr=subprocess.DEVNULL)
        self._processes: list[subprocess.Popen[bytes]] = []
        self.enter: list[str] = []
        """What comes before a command that is to run there."""

    @property
    def pid(self) -> int:
        return self._keeper.pid

    def ready(self, user: bool) -> bool:
        """Whether it is there, as soon as that is known: what makes it becomes `sleep` when it is made."""
        while self._keeper.poll() is None:
            if Path(f"/proc/{self.pid}/comm").read_text() == "sleep\n":
                as_root = ["-U", "--preserve-credentials"] if user else []
                self.enter = ["nsenter", "-t", str(self.pid), *as_root, "-n", "-m", "-r", "--"]
                return True
            time.sleep(0.01)
        return False

    def run(self, *command: str, given: str | None = None) -> None:
        done = subprocess.run([*self.enter, *command], capture_output=True, text=True, input=given, timeout=30)
        assert done.returncode == 0, (command, done.stderr)

    def start(
        self, command: Sequence[str], told: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """What it prints goes to the end of `told`."""
        with told.open("ab") as out:
            process = subprocess.Popen([*self.enter, *command], stdout=out, stderr=out, env=environment)
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in (*self._processes, self._keeper):
            process.kill()
            process.wait()


class Segments:
    """The place in the middle, which every segment reaches by its bridge and which forwards nothing."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """Skips the test where namespaces cannot be made."""
        missing = [program for program in ("ip", "unshare", "nsenter") if shutil.which(program) is None]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")
        self._folder = folder
        self._user = False
        self.middle = Place(["unshare", "-n", "-m"])
        if not self.middle.ready(user=False):
            self._user = True
            self.middle = Place(["unshare", "-U", "-r", "-n", "-m"])
            if not self.middle.ready(user=True):
                pytest.skip("network namespaces are not permitted here")
        self._numbers = {name: number for number, name in enumerate(names, start=1)}
        self._machines: dict[str, list[Place]] = {name: [] for name in names}
        self.middle.run("ip", "link", "set", "lo", "up")
        for name, number in self._numbers.items():
            self._ip("link", "add", f"b-{name}", "type", "bridge")
            self._ip("addr", "add", f"{self.address(name)}/24", "dev", f"b-{name}")
            self._ip("link", "set", f"b-{name}", "up", "address", f"02:00:00:{number:02x}:00:01")

    def address(self, segment: str, host: int = 1) -> str:
        """1 is the middle."""
        return f"10.77.{self._numbers[segment]}.{host}"

    def machine(self, segment: str, name: str) -> tuple[Place, str, str]:
        """A new machine on the segment's bridge; with its IP address and that of its card `eth0`."""
        place = Place([*self.middle.enter, "unshare", "-n", "-m"])
        assert place.ready(self._user)
        self._machines[segment].append(place)
        host = 1 + len(self._machines[segment])
        mac = f"02:00:00:{self._numbers[segment]:02x}:00:{host:02x}"
        self._ip("link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", str(place.pid))
        self._ip("link", "set", f"v-{name}", "master", f"b-{segment}", "up")
        place.run("ip", "link", "set", "lo", "up")
        place.run("ip", "link", "set", "eth0", "up", "address", mac)
        place.run("ip", "addr", "add", f"{self.address(segment, host)}/24", "dev", "eth0")
        place.run("ip", "route", "add", "default", "via", self.address(segment))
        self._wired(place, name, mac)
        return place, self.address(segment, host), mac

    def close(self) -> None:
        for places in self._machines.values():
            for place in places:
                place.close()
        self.middle.close()

    def _ip(self, *words: str) -> None:
        self.middle.run("ip", *words)

    def _wired(self, place: Place, name: str, mac: str) -> None:
        """`eth0` looks like a card of the machine, which a card between namespaces does not."""
        card = self._folder / f"{name}-net" / "eth0"
        (card / "device").mkdir(parents=True)
        (card / "type").write_text("1\n")
        (card / "address").write_text(f"{mac}\n")
        place.run("mount", "--bind", str(card.parent), "/sys/class/net")


class WakeCard:
    """What a machine's card hears on UDP port 9, awake or not."""

    def __init__(self, place: Place, told: Path) -> None:
        self._told = told
        place.start([sys.executable, str(CARD)], told)
        until(lambda: told.read_text().startswith("watching"), told.read_text)

    @property
    def heard(self) -> list[tuple[str, bytes]]:
        """Sender and content of each, in order."""
        whole, _, _ = self._told.read_text().rpartition("\n")
        lines = [line.split() for line in whole.splitlines()[1:]]
        return [(sender, bytes.fromhex(data)) for sender, data in lines]
