# SPDX-License-Identifier: Apache-2.0
"""A small but real board in memory: state changes by what clients do, and every action is counted."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ipmi import board as b

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GUID = bytes(range(0x10, 0x20))
PASSWORD = b"correct horse 17"


class MemoryChassis:
    """A host that obeys at once, refuses like hardware does, and can be made slow."""

    def __init__(self) -> None:
        self.power_on = False
        self.policy = b.RestorePolicy.ALWAYS_OFF
        self.actions: list[tuple[b.ChassisAction, str]] = []
        self.identified: list[int | None] = []
        self.panel: b.FrontPanelButtons | None = None
        self.delay_s = 0.0
        self.busy = False
        self.watchdog: list[b.WatchdogAction | None] = []

    def status(self) -> b.ChassisStatus:
        lit = bool(self.identified) and self.identified[-1] != 0
        return b.ChassisStatus(self.power_on, self.policy, identify_on=lit, panel=self.panel)

    def restart_cause(self) -> b.RestartCause:
        return b.RestartCause.CHASSIS_CONTROL if self.actions else b.RestartCause.UNKNOWN

    def power_on_hours(self) -> int:
        return 1234

    async def control(self, action: b.ChassisAction, origin: str) -> b.ActionReply:
        if self.busy:
            return b.ActionReply.BUSY
        needs_on = (b.ChassisAction.CYCLE, b.ChassisAction.RESET, b.ChassisAction.NMI)
        if action in needs_on and not self.power_on:
            return b.ActionReply.NOT_IN_THIS_STATE
        self.actions.append((action, origin))
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if action is b.ChassisAction.ON:
            self.power_on = True
        elif action in (b.ChassisAction.FORCE_OFF, b.ChassisAction.SOFT_OFF):
            self.power_on = False
        return b.ActionReply.ACCEPTED

    async def identify(self, seconds: int | None) -> None:
        self.identified.append(seconds)

    async def disable_buttons(self, power: bool, reset: bool) -> bool:
        if self.panel is None:
            return False
        self.panel = b.FrontPanelButtons(True, True, power, reset)
        return True

    async def set_restore_policy(self, policy: b.RestorePolicy) -> None:
        self.policy = policy

    async def watchdog_expired(self, action: b.WatchdogAction) -> None:
        self.watchdog.append(action)

    async def watchdog_warned(self) -> None:
        self.watchdog.append(None)

    def count(self, action: b.ChassisAction) -> int:
        return sum(1 for done, _ in self.actions if done is action)


SENSORS: tuple[b.Sensor, ...] = (
    b.AnalogSensor(
        1, "Inlet Temp", b.SensorKind.TEMPERATURE, -20, 100, 0x37, 1,
        b.Thresholds(None, None, 0, 40, 45, 50), hysteresis=2.0, settable=True,
    ),
    b.AnalogSensor(2, "CPU Temp", b.SensorKind.TEMPERATURE, 0, 125, 0x03, 1, b.Thresholds(upper_critical=95)),
    b.AnalogSensor(3, "P12V", b.SensorKind.VOLTAGE, 0, 15, 0x14, 1, b.Thresholds(None, 10.8, 11.0, 13.0, 13.2, None)),
    b.AnalogSensor(4, "PSU1 Power In", b.SensorKind.POWER, 0, 1600, 0x0A, 1),
    b.AnalogSensor(5, "PSU1 Fan", b.SensorKind.FAN, 0, 25000, 0x0A, 1, b.Thresholds(lower_critical=1000)),
    b.AnalogSensor(6, "PSU2 Iout", b.SensorKind.CURRENT, 0, 80, 0x0A, 2),
    b.DiscreteSensor(16, "PSU1 Status", 0x08, 0x6F, 0x00CF, 0x0A, 1),
    b.DiscreteSensor(17, "PSU Redundancy", 0x09, 0x0B, 0x00FF, 0x15, 1),
    b.EventOnlySensor(18, "Crit Interrupt", 0x13, 0x6F, 0x07, 1),
)  # fmt: skip


class MemorySensors:
    def __init__(self) -> None:
        self.values: dict[int, float | None] = {1: 24.0, 2: 51.5, 3: 12.06, 4: 312.0, 5: 9800.0, 6: None}
        self.offsets: dict[int, int | None] = {16: 0x01, 17: 0x01}
        self.limits = {sensor.number: sensor.thresholds for sensor in SENSORS if isinstance(sensor, b.AnalogSensor)}
        self.spans = {1: b.Hysteresis(2.0, 2.0)}
        self.enables: dict[int, b.EventEnables] = {}
        self.events: dict[int, b.EventStatus] = {1: b.EventStatus(0x80, 0x01)}
        self.rearmed: list[int] = []

    def sensors(self) -> Sequence[b.Sensor]:
        return SENSORS

    def reading(self, number: int) -> float | None:
        return self.values[number]

    def states(self, number: int) -> int | None:
        return self.offsets[number]

    def repository_changed_at(self) -> int:
        return 1_700_000_000

    def thresholds(self, number: int) -> b.Thresholds:
        return self.limits[number]

    def hysteresis(self, number: int) -> b.Hysteresis:
        return self.spans.get(number, b.Hysteresis(0.0, 0.0))

    def event_enables(self, number: int) -> b.EventEnables | None:
        return self.enables.get(number)

    def event_status(self, number: int) -> b.EventStatus | None:
        return self.events.get(number)

    async def set_thresholds(self, number: int, thresholds: b.Thresholds) -> None:
        self.limits[number] = thresholds

    async def set_hysteresis(self, number: int, hysteresis: b.Hysteresis) -> None:
        self.spans[number] = hysteresis

    async def set_event_enables(self, number: int, enables: b.EventEnables) -> None:
        self.enables[number] = enables

    def rearm(self, number: int) -> None:
        self.rearmed.append(number)


class MemoryEventLog:
    def __init__(self, clock: MemoryClock, capacity: int = 64) -> None:
        self._clock = clock
        self._capacity = capacity
        self._records: dict[int, bytes] = {}
        self._next = 1
        self._added_at = self._erased_at = 0
        self.clears = 0

    def info(self) -> b.SelInfo:
        free = (self._capacity - len(self._records)) * 16
        return b.SelInfo(len(self._records), free, self._added_at, self._erased_at, overflow=False)

    def record_ids(self) -> Sequence[int]:
        return list(self._records)

    def record(self, record_id: int) -> bytes | None:
        return self._records.get(record_id)

    async def add(self, record: bytes) -> int | None:
        if len(self._records) >= self._capacity:
            return None
        record_id, self._next = self._next, self._next + 1
        stamp = self._clock.now().to_bytes(4, "little")
        self._records[record_id] = record_id.to_bytes(2, "little") + record[2:3] + stamp + record[7:]
        self._added_at = self._clock.now()
        return record_id

    async def delete(self, record_id: int) -> bool:
        return self._records.pop(record_id, None) is not None

    async def clear(self) -> None:
        self.clears += 1
        self._records.clear()
        self._erased_at = self._clock.now()


class MemoryClock:
    def __init__(self) -> None:
        self._ahead = 0
        self.settable = True
        self.offset: int | None = 0

    def now(self) -> int:
        return int(time.time()) + self._ahead

    async def set(self, seconds: int) -> bool:
        if self.settable:
            self._ahead = seconds - int(time.time())
        return self.settable

    def utc_offset_min(self) -> int | None:
        return self.offset

    async def set_utc_offset(self, minutes: int | None) -> None:
        self.offset = minutes


FRU = b.FruContent(
    b.ChassisInfo(0x17, "CH-100", "C0001"),
    b.BoardInfo("pgood tests", "Memory board", "B0001", "MB-1", 1_700_000_040),
    b.ProductInfo("pgood tests", "Memory machine", "MM-1", "A", "P0001", "rack 7"),
)


class MemoryInventory:
    def __init__(self) -> None:
        self.images: dict[int, bytes] = {}

    def fru(self, fru_id: int) -> b.FruContent | None:
        return FRU if fru_id in (0, 1) else None

    def devices(self) -> Sequence[b.FruDevice]:
        return (b.FruDevice(1, "PSU1 FRU", 0x0A, 1),)

    def written(self, fru_id: int) -> bytes | None:
        return self.images.get(fru_id)

    async def write(self, fru_id: int, image: bytes) -> bool:
        if fru_id == 0:
            self.images[0] = image
        return fru_id == 0


class MemoryUsers:
    def __init__(self) -> None:
        self.users = [
            b.User(2, b"admin", PASSWORD, b.Privilege.ADMINISTRATOR),
            b.User(3, b"oper", PASSWORD, b.Privilege.OPERATOR),
            b.User(4, b"guest", PASSWORD, b.Privilege.USER),
            b.User(5, b"gone", PASSWORD, b.Privilege.ADMINISTRATOR, enabled=False),
        ]

    def by_name(self, name: bytes) -> b.User | None:
        return next((user for user in self.users if user.name == name), None)

    def all(self) -> Sequence[b.User]:
        return self.users

    async def change(self, user_id: int, change: b.UserChange, origin: str) -> b.UserReply:
        old = next((user for user in self.users if user.user_id == user_id), None)
        user = old or b.User(user_id, b"", b"", b.Privilege.NO_ACCESS, enabled=False)
        if change.name is not None and self.by_name(change.name) not in (None, old):
            return b.UserReply.INVALID
        fields = {name: value for name in change.__slots__ if (value := getattr(change, name)) is not None}
        self.users = [other for other in self.users if other is not old]
        if change.name != b"":
            self.users.append(replace(user, **fields))
        return b.UserReply.DONE


class MemoryRedundancy:
    def __init__(self, supplies: int = 2) -> None:
        self.supplies = supplies
        self.reachable = True
        self.applied: list[tuple[b.RedundancySettings, str]] = []
        self.current = b.RedundancySettings(
            True, True, b.RankAlgorithm.BMC_SPECIFIC, tuple(range(1, supplies + 1)), 604_800
        )

    def supply_count(self) -> int:
        return self.supplies

    def settings(self) -> b.RedundancySettings | None:
        return self.current if self.reachable else None

    def effective_ranks(self) -> tuple[int, ...]:
        return self.current.ranks if self.current.enabled else (0,) * self.supplies

    def in_progress(self) -> bool:
        return False

    async def apply(self, settings: b.RedundancySettings, origin: str) -> bool:
        self.applied.append((settings, origin))
        self.current = replace(settings)
        return True


class MemoryParameters:
    def __init__(self) -> None:
        self.parameters: dict[int, bytes] = {}

    def get(self, parameter: int) -> bytes | None:
        return self.parameters.get(parameter)

    async def set(self, parameter: int, data: bytes) -> None:
        self.parameters[parameter] = data


class MemoryMeter:
    def __init__(self) -> None:
        self.measured: b.PowerReading | None = b.PowerReading(312.4, 100, 400, 250.6, 60_000)
        self.asked: list[int | None] = []

    def reading(self, period_s: int | None) -> b.PowerReading | None:
        self.asked.append(period_s)
        return self.measured


class MemoryPowerLimit:
    least_correction_ms = 3000

    def __init__(self) -> None:
        self.kept: b.PowerLimitSetting | None = None
        self.on = False
        self.works = True

    def setting(self) -> b.PowerLimitSetting | None:
        return self.kept

    def active(self) -> bool:
        return self.on

    async def set(self, setting: b.PowerLimitSetting, origin: str) -> bool:
        self.kept = setting
        return self.works

    async def activate(self, active: bool, origin: str) -> bool:
        self.on = active
        return self.works


class MemoryConsole:
    """A console that remembers what it was told, and says what a test makes it say."""

    def __init__(self) -> None:
        self.reader: b.ConsoleReader | None = None
        self.written = b""
        self.breaks = 0
        self.paused = False
        self.takes = 1_000_000

    def attach(self, reader: b.ConsoleReader) -> Callable[[], None]:
        if self.reader is not None:
            raise b.ConsoleBusy
        self.reader = reader
        return self._detach

    def _detach(self) -> None:
        self.reader = None

    def write(self, data: bytes) -> int:
        taken = data[: self.takes]
        self.written += taken
        return len(taken)

    def send_break(self) -> None:
        self.breaks += 1

    def pause(self, paused: bool) -> None:
        self.paused = paused


class MemoryNetwork:
    def lan(self) -> b.LanSettings:
        return b.LanSettings(
            bytes((192, 0, 2, 17)), bytes((255, 255, 255, 0)), bytes((192, 0, 2, 1)), bytes.fromhex("0200c0000211")
        )


class MemoryBoard:
    """The parts, each with its own type so that tests can reach into them, and the Board made of them."""

    def __init__(self) -> None:
        self.chassis = MemoryChassis()
        self.sensors = MemorySensors()
        self.clock = MemoryClock()
        self.event_log = MemoryEventLog(self.clock)
        self.inventory = MemoryInventory()
        self.users = MemoryUsers()
        self.redundancy = MemoryRedundancy()
        self.boot_options = MemoryParameters()
        self.system_info = MemoryParameters()
        self.dcmi = MemoryParameters()
        self.sol = MemoryParameters()
        self.meter = MemoryMeter()
        self.limit: MemoryPowerLimit | None = MemoryPowerLimit()
        self.console = MemoryConsole()
        self.identity = b.Identity(GUID, 0x20, 1, 0, 1, 0x00B0B0, 0x4711, "memory-board")

    def board(self) -> b.Board:
        return b.Board(
            self.identity,
            self.chassis,
            self.sensors,
            self.event_log,
            self.clock,
            self.inventory,
            self.users,
            self.redundancy,
            self.boot_options,
            self.system_info,
            self.dcmi,
            self.sol,
            MemoryNetwork(),
            self.meter,
            self.limit,
            self.console,
        )
