# SPDX-License-Identifier: Apache-2.0
"""Fans on a fake sysfs tree: driven by zones, fail-safe when anything is lost, given back at the end."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import TYPE_CHECKING

import pytest

from agent.events.event import EventKind
from agent.hardware.hwmon import HwmonChip
from agent.hardware.port_thread import PortThread
from agent.power.gate import Policy
from agent.power.request import Action
from agent.profile.thermal_tables import CurveTable, FanTable, TripTable, ZoneTable
from agent.store.database import Database, StoreError
from agent.store.settings import Settings
from agent.thermal.cooling_gate import CoolingGate
from agent.thermal.fan_memory import FanMemory
from agent.thermal.fan_turning import SETTLE_NS
from agent.thermal.fans import Fans
from agent.thermal.reading import SensorReading
from agent.thermal.zones import ThermalZones
from tests.agent.hardware.fake_sysfs import FailingHwmon, FakeSysfs
from tests.agent.thermal.recorders import RecordedEmergency, RecordedEvents

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.hardware.hwmon import HwmonPort

CHIP = HwmonChip("nct6775")
ZONES = (
    ZoneTable(name="cpu", sensors=("cpu",), active=TripTable(celsius=70)),
    ZoneTable(name="disks", sensors=("disk",)),
)
CURVE = ((40.0, 30.0), (60.0, 60.0), (80.0, 100.0))
FRONT = FanTable(
    name="front", chip="nct6775", pwm=1, tach=1, curves=(CurveTable(zone="cpu", points=CURVE),), must_run=True
)
REAR = FanTable(name="rear", chip="nct6775", pwm=2, tach=2, curves=(CurveTable(zone="disks", points=CURVE),), host="0")
START_NS = 1_000_000_000_000


class Bench:
    """Zones and fans under a clock of our own."""

    def __init__(self, folder: Path, sysfs: FakeSysfs, armed: bool = True, boot: str = "boot-1") -> None:
        self.now_ns = START_NS
        self.folder = sysfs.root / "hwmon2"
        self.port = FailingHwmon(sysfs.root)
        self.thread: PortThread[HwmonPort] = PortThread("test-hwmon", self.port, "stuck")
        self.database = Database(folder / "state.db")
        self.memory = FanMemory(Settings(self.database), boot)
        self.events, self.powered = RecordedEvents(), True
        self.zones = ThermalZones(
            ZONES,
            {"cpu": "a", "disk": "b"},
            ("host/0",),
            RecordedEmergency,
            self.events,
            lambda zone: None,
            lambda: self.now_ns,
        )
        self.fans = Fans(
            (FRONT, REAR),
            {CHIP: self.thread},
            self.zones.all,
            self.memory,
            armed,
            lambda host: self.powered,
            self.events,
            lambda zone: None,
            lambda: self.now_ns,
        )
        self.gate = CoolingGate(self.zones, self.fans)

    async def step(self, cpu: float | None = 40.0, disk: float | None = 40.0, after_ns: int = 2_000_000_000) -> None:
        self.now_ns += after_ns
        values = {"cpu": cpu, "disk": disk}
        self.zones.look({name: SensorReading(value, self.now_ns, "silent") for name, value in values.items()})
        await self.fans.round()

    def pwm(self, number: int) -> tuple[int, int]:
        """Mode and duty in percent, as the chip has them."""
        return self._number(f"pwm{number}_enable"), round(self._number(f"pwm{number}") / 2.55)

    def _number(self, attribute: str) -> int:
        """The kernel's files are never empty; these are, while the fans' thread writes them."""
        while not (text := (self.folder / attribute).read_text()):
            pass
        return int(text)

    def turn(self, number: int, rpm: int) -> None:
        (self.folder / f"fan{number}_input").write_text(f"{rpm}\n")

    def close(self) -> None:
        self.thread.close()
        self.database.close()


@pytest.fixture
def sysfs(tmp_path: Path) -> FakeSysfs:
    made = FakeSysfs(tmp_path)
    made.plug(
        2, "nct6775", pwm1=90, pwm1_enable=5, fan1_input=1200, pwm2=120, pwm2_enable=1, fan2_input=900
    )  # fmt: skip
    return made


def play(
    folder: Path, sysfs: FakeSysfs, story: Callable[[Bench], Awaitable[None]], armed: bool = True, boot: str = "boot-1"
) -> Bench:
    async def run() -> Bench:
        bench = Bench(folder, sysfs, armed, boot)
        try:
            await story(bench)
        finally:
            bench.close()
        return bench

    return asyncio.run(run())


def test_fans_follow_their_zones_and_are_given_back(tmp_path: Path, sysfs: FakeSysfs) -> None:
    async def story(bench: Bench) -> None:
        await bench.step(60, 40)
        assert bench.pwm(1) == (1, 60)
        assert bench.pwm(2) == (1, 30)
        await bench.step(70, 80)  # above the active trip
        assert bench.pwm(1) == (1, 100)
        assert bench.pwm(2) == (1, 100)
        assert bench.fans.view("front").rpm == 1200
        bench.fans.start()
        await asyncio.sleep(0)
        await bench.fans.close()
        assert bench.pwm(1)[0] == 5
        assert bench.pwm(2) == (1, 47)
        assert bench.memory.found("front") is None

    play(tmp_path, sysfs, story)


def test_a_lost_input_is_fail_safe_within_two_polls(tmp_path: Path, sysfs: FakeSysfs) -> None:
    async def story(bench: Bench) -> None:
        await bench.step()
        assert bench.pwm(1) == (1, 30)
        await bench.step(None)
        await bench.step(None)
        assert bench.pwm(1) == (1, 100)
        assert bench.pwm(2) == (1, 30)  # of another zone
        assert bench.fans.view("front").fail_safe
        await bench.step()
        assert bench.pwm(1) == (1, 90)  # down by 5 % a second
        assert not bench.fans.view("front").fail_safe

    play(tmp_path, sysfs, story)


def test_an_unarmed_board_leaves_fans_alone(tmp_path: Path, sysfs: FakeSysfs) -> None:
    async def story(bench: Bench) -> None:
        for _ in range(3):
            await bench.step(None, None)
        assert bench.port.written == []
        assert bench.fans.view("front").rpm == 1200

    play(tmp_path, sysfs, story, armed=False)


def test_the_successor_of_a_killed_agent_gives_back_what_the_firmware_had(tmp_path: Path, sysfs: FakeSysfs) -> None:
    async def killed(bench: Bench) -> None:
        await bench.step(80, 80)

    async def successor(bench: Bench) -> None:
        await bench.step()
        bench.fans.start()
        await bench.fans.close()
        assert bench.pwm(1)[0] == 5
        assert bench.pwm(2) == (1, 47)

    play(tmp_path, sysfs, killed)
    play(tmp_path, sysfs, successor)


def test_what_another_boot_found_is_not_given_back(tmp_path: Path, sysfs: FakeSysfs) -> None:
    async def killed(bench: Bench) -> None:
        await bench.step()

    async def after_a_reboot(bench: Bench) -> None:
        (bench.folder / "pwm1_enable").write_text("2\n")
        await bench.step()
        found = bench.memory.found("front")
        assert found is not None
        assert found.enable == 2

    play(tmp_path, sysfs, killed)
    play(tmp_path, sysfs, after_a_reboot, boot="boot-2")


def test_nonsense_in_the_memory_is_ignored(tmp_path: Path, sysfs: FakeSysfs) -> None:
    database = Database(tmp_path / "state.db")
    for stored in ("x", 5, {"boot": "b"}, {"boot": "b", "fans": {"front": [1]}}, {"boot": "b", "fans": []}):
        settings = Settings(database)
        settings.put_now({"fans.found": stored})
        assert FanMemory(settings, "b").found("front") is None
    database.close()


@pytest.mark.parametrize("attribute", ["pwm1", "pwm1_enable", "fan1_input"])
def test_a_chip_that_fails_is_told_once_and_the_other_fan_goes_on(
    tmp_path: Path, sysfs: FakeSysfs, attribute: str
) -> None:
    async def story(bench: Bench) -> None:
        await bench.step()
        bench.port.failing = {attribute: errno.EIO}
        for _ in range(3):
            await bench.step(60, 60)
        assert bench.events.kinds().count(EventKind.FAN_FAILED) == 1
        assert os.strerror(errno.EIO) in bench.fans.view("front").why
        assert bench.pwm(2) == (1, 60)
        refusal = bench.gate.refusal("host/0", Action.ON)
        assert refusal is not None
        assert refusal.policy is Policy.COOLING
        bench.port.failing = {}
        await bench.step(60, 60)
        assert bench.events.kinds()[-1] is EventKind.FAN_WORKS
        assert bench.pwm(1) == (1, 60)
        assert bench.gate.refusal("host/0", Action.ON) is None

    play(tmp_path, sysfs, story)


def test_a_chip_that_vanishes_and_comes_back_elsewhere_is_driven_there(tmp_path: Path, sysfs: FakeSysfs) -> None:
    async def story(bench: Bench) -> None:
        await bench.step()
        (sysfs.root / "hwmon2").rename(tmp_path / "away")
        await bench.step(80, 80)
        assert "no chip nct6775" in bench.fans.view("front").why
        (tmp_path / "away").rename(sysfs.root / "hwmon7")
        bench.folder = sysfs.root / "hwmon7"
        await bench.step(80, 80)
        assert bench.pwm(1) == (1, 100)
        assert bench.fans.view("front").why == ""

    play(tmp_path, sysfs, story)


def test_a_stalled_fan_is_told_and_the_others_of_its_zone_run_at_fail_safe(tmp_path: Path, sysfs: FakeSysfs) -> None:
    async def story(bench: Bench) -> None:
        await bench.step()
        bench.turn(1, 0)
        await bench.step()
        await bench.step(after_ns=SETTLE_NS)
        stalls = [args for kind, _, args in bench.events.told if kind is EventKind.FAN_STALLED]
        assert stalls == [("front", "0", "300")]
        await bench.step()
        assert bench.pwm(1) == (1, 100)
        refusal = bench.gate.refusal("host/0", Action.ON)
        assert refusal is not None
        assert refusal.text == "cooling-running: fan front turns at 0 RPM, it needs 300; clear or replace the fan"
        assert bench.gate.refusal("host/0", Action.CYCLE) is None
        bench.turn(1, 1500)
        await bench.step()
        refusal = bench.gate.refusal("host/0", Action.ON)
        assert refusal is not None
        assert "front was stalled and turns again at 1500 RPM" in refusal.text
        assert refusal.clears_ns is not None
        assert refusal.clears_ns > bench.now_ns + SETTLE_NS
        await bench.step(after_ns=SETTLE_NS)
        assert bench.events.kinds()[-1] is EventKind.FAN_TURNS
        assert bench.gate.refusal("host/0", Action.ON) is None

    play(tmp_path, sysfs, story)


def test_a_fan_that_runs_on_the_power_of_a_host_may_stand_still_while_it_is_off(
    tmp_path: Path, sysfs: FakeSysfs
) -> None:
    async def story(bench: Bench) -> None:
        bench.powered = False
        bench.turn(2, 0)
        for _ in range(4):
            await bench.step()
        assert bench.events.told == []
        bench.powered = True
        for _ in range(4):
            await bench.step()
        assert bench.events.kinds() == [EventKind.FAN_STALLED]

    play(tmp_path, sysfs, story)


def test_a_full_disk_does_not_stop_the_cooling(
    tmp_path: Path, sysfs: FakeSysfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(values: object) -> None:
        raise StoreError("database or disk is full")

    async def story(bench: Bench) -> None:
        monkeypatch.setattr(bench.memory._store, "put", full)
        await bench.step(80, 80)
        assert bench.pwm(1) == (1, 100)
        bench.fans.start()
        await bench.fans.close()
        assert bench.pwm(1)[0] == 5

    play(tmp_path, sysfs, story)


def test_a_fault_of_our_own_leaves_the_fans_at_fail_safe(
    tmp_path: Path, sysfs: FakeSysfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(bench: Bench) -> None:
        await bench.step()
        assert bench.pwm(1) == (1, 30)

        async def broken() -> None:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr(bench.fans, "round", broken)
        bench.fans.start()
        async with asyncio.timeout(10):
            while bench.pwm(1) != (1, 100) or bench.pwm(2) != (1, 100):
                await asyncio.sleep(0.01)
        await bench.fans.close()

    play(tmp_path, sysfs, story)


def test_a_fan_that_cannot_be_given_back_is_left_at_fail_safe(tmp_path: Path, sysfs: FakeSysfs) -> None:
    async def story(bench: Bench) -> None:
        await bench.step()
        bench.port.stubborn = {"pwm1_enable"}
        bench.fans.start()
        await bench.fans.close()
        assert bench.pwm(1) == (1, 100)
        assert bench.pwm(2) == (1, 47)
        assert bench.memory.found("front") is not None

    play(tmp_path, sysfs, story)
