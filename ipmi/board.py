# SPDX-License-Identifier: Apache-2.0
"""What the IPMI server needs from a board: small typed interfaces that the application implements.

Threads: every method is called on the server's asyncio loop. Plain methods answer from memory and never block;
coroutine methods may take time (they act, or store something) and run off the receive path.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class ChassisAction(enum.IntEnum):
    """Chassis Control actions (IPMI 2.0 section 28.3); the value is the byte on the wire."""

    FORCE_OFF = 0
    ON = 1
    CYCLE = 2
    RESET = 3
    NMI = 4
    SOFT_OFF = 5


class ActionReply(enum.Enum):
    """How a request to act was received; the outcome itself is told later by state and events."""

    ACCEPTED = enum.auto()
    BUSY = enum.auto()
    NOT_IN_THIS_STATE = enum.auto()
    REFUSED = enum.auto()


class RestorePolicy(enum.IntEnum):
    """What to do after mains returns (IPMI 2.0 section 28.8)."""

    ALWAYS_OFF = 0
    PREVIOUS = 1
    ALWAYS_ON = 2


class RestartCause(enum.IntEnum):
    """Why the host last started (IPMI 2.0 table 28-11)."""

    UNKNOWN = 0
    CHASSIS_CONTROL = 1
    RESET_BUTTON = 2
    POWER_BUTTON = 3
    WATCHDOG = 4
    OEM = 5
    POLICY_ALWAYS_ON = 6
    POLICY_PREVIOUS = 7


class LastPowerEvent(enum.IntFlag):
    """Why power last went down or came up (byte 2 of Get Chassis Status)."""

    NONE = 0
    AC_FAILED = 1
    OVERLOAD = 2
    INTERLOCK = 4
    FAULT = 8
    ON_BY_IPMI = 16


@dataclass(frozen=True, slots=True)
class ChassisStatus:
    """One consistent picture of the chassis for Get Chassis Status."""

    power_on: bool
    restore_policy: RestorePolicy
    last_event: LastPowerEvent = LastPowerEvent.NONE
    power_fault: bool = False
    control_fault: bool = False
    cooling_fault: bool = False
    intrusion: bool = False
    identify_on: bool = False


class Chassis(Protocol):
    """The host behind this IPMI endpoint."""

    def status(self) -> ChassisStatus: ...

    def restart_cause(self) -> RestartCause: ...

    def power_on_hours(self) -> int:
        """Whole hours with power-good on, over the life of the board."""
        ...

    async def control(self, action: ChassisAction, origin: str) -> ActionReply:
        """Start an action; returns once it is accepted or refused, before its outcome is known.

        `origin` names who asked, for the audit trail: `ipmi:USER@ADDRESS`.
        """
        ...

    async def identify(self, seconds: int | None) -> None:
        """Light the identify LED for `seconds` (0 = off now, None = until told otherwise)."""
        ...

    async def set_restore_policy(self, policy: RestorePolicy) -> None: ...


class SensorKind(enum.Enum):
    """What a sensor measures: the sensor type code and unit code of its SDR follow from it."""

    TEMPERATURE = (0x01, 1)
    VOLTAGE = (0x02, 4)
    CURRENT = (0x03, 5)
    FAN = (0x04, 18)
    POWER = (0x0B, 6)

    @property
    def type_code(self) -> int:
        return self.value[0]

    @property
    def unit_code(self) -> int:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits of an analog sensor in its own unit; None = the sensor has no such limit."""

    lower_non_recoverable: float | None = None
    lower_critical: float | None = None
    lower_non_critical: float | None = None
    upper_non_critical: float | None = None
    upper_critical: float | None = None
    upper_non_recoverable: float | None = None


@dataclass(frozen=True, slots=True)
class AnalogSensor:
    """A sensor with a number (full sensor record). `minimum`/`maximum` bound what its 8-bit raw value must span."""

    number: int
    name: str
    kind: SensorKind
    minimum: float
    maximum: float
    entity_id: int
    entity_instance: int
    thresholds: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True, slots=True)
class DiscreteSensor:
    """A sensor with named states (compact record), such as power-unit redundancy or supply status."""

    number: int
    name: str
    sensor_type: int
    reading_type: int
    offsets: int
    """Bit mask of the state offsets that this sensor can show."""
    entity_id: int
    entity_instance: int


Sensor = AnalogSensor | DiscreteSensor


class Sensors(Protocol):
    """The sensors of the board. The list is constant while the server runs."""

    def sensors(self) -> Sequence[Sensor]: ...

    def reading(self, number: int) -> float | None:
        """Value of an analog sensor in its unit, or None when unavailable."""
        ...

    def states(self, number: int) -> int | None:
        """Asserted state offsets (bit mask) of a discrete sensor, or None when unavailable."""
        ...

    def repository_changed_at(self) -> int:
        """Seconds (UTC) at which the list of sensors last changed: clients cache by it."""
        ...


@dataclass(frozen=True, slots=True)
class SelInfo:
    entries: int
    free_bytes: int
    added_at: int
    erased_at: int
    overflow: bool


class EventLog(Protocol):
    """The system event log: 16-byte records, kept by the application."""

    def info(self) -> SelInfo: ...

    def record_ids(self) -> Sequence[int]:
        """Ids of all records, oldest first."""
        ...

    def record(self, record_id: int) -> bytes | None:
        """The 16 bytes of a record (its id in bytes 0-1), or None."""
        ...

    async def add(self, record: bytes) -> int | None:
        """Append a record (bytes 0-1 are ignored, the log gives the id); None when the log is full."""
        ...

    async def delete(self, record_id: int) -> bool: ...

    async def clear(self) -> None: ...


class Clock(Protocol):
    """The clock behind SEL time."""

    def now(self) -> int:
        """Seconds since 1970 (UTC)."""
        ...

    async def set(self, seconds: int) -> bool:
        """Set the SEL clock; False when the board does not allow that."""
        ...


@dataclass(frozen=True, slots=True)
class ChassisInfo:
    chassis_type: int = 0x17
    part_number: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class BoardInfo:
    manufacturer: str = ""
    product: str = ""
    serial: str = ""
    part_number: str = ""
    manufactured_at: int = 0
    """Seconds since 1970, 0 = not stated."""


@dataclass(frozen=True, slots=True)
class ProductInfo:
    manufacturer: str = ""
    name: str = ""
    part_number: str = ""
    version: str = ""
    serial: str = ""
    asset_tag: str = ""


@dataclass(frozen=True, slots=True)
class FruContent:
    """What the FRU area says, before it is encoded."""

    chassis: ChassisInfo
    board: BoardInfo
    product: ProductInfo


class Inventory(Protocol):
    def fru(self, fru_id: int) -> FruContent | None: ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this controller is (Get Device ID and the GUIDs)."""

    guid: bytes
    """16 bytes in wire order, constant over the life of the board."""
    device_id: int
    device_revision: int
    firmware_major: int
    firmware_minor: int
    manufacturer_id: int
    product_id: int
    name: str


class Privilege(enum.IntEnum):
    CALLBACK = 1
    USER = 2
    OPERATOR = 3
    ADMINISTRATOR = 4


@dataclass(frozen=True, slots=True)
class User:
    user_id: int
    name: bytes
    password: bytes = field(repr=False)
    privilege: Privilege
    enabled: bool = True


class Users(Protocol):
    def by_name(self, name: bytes) -> User | None: ...

    def all(self) -> Sequence[User]: ...


class RankAlgorithm(enum.IntEnum):
    """Who decides the rank order (OEM cold redundancy selector 03h)."""

    BMC_SPECIFIC = 0
    USER_SPECIFIC = 1


MIN_ROTATION_PERIOD_S = 86_400
MAX_ROTATION_PERIOD_S = 16_070_400


@dataclass(frozen=True, slots=True)
class RedundancySettings:
    """The configured cold-redundancy behaviour. `ranks[i]` is the rank of slot i+1, 0 = never standby."""

    enabled: bool
    rotation: bool
    algorithm: RankAlgorithm
    ranks: tuple[int, ...]
    period_s: int


class Redundancy(Protocol):
    """Cold redundancy of the power supplies."""

    def supply_count(self) -> int:
        """Number of supply slots; 0 = this board has none."""
        ...

    def settings(self) -> RedundancySettings | None:
        """What is configured; None when the service cannot be reached (answered with CEh)."""
        ...

    def effective_ranks(self) -> tuple[int, ...]:
        """Rank in force per slot: 0 for absent, failed or never-standby slots, all 0 when off."""
        ...

    def in_progress(self) -> bool:
        """True while roles are being changed on the bus."""
        ...

    async def apply(self, settings: RedundancySettings, origin: str) -> bool:
        """Store and put in force complete, already validated settings; False when they could not be stored."""
        ...


class BootOptionStore(Protocol):
    """Where boot options live; parameters are the raw bytes of Set System Boot Options."""

    def get(self, parameter: int) -> bytes | None: ...

    async def set(self, parameter: int, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class LanSettings:
    """How the interface that carries IPMI is set up; all addresses in wire order."""

    address: bytes = bytes(4)
    netmask: bytes = bytes(4)
    gateway: bytes = bytes(4)
    mac: bytes = bytes(6)
    from_dhcp: bool = False


class Network(Protocol):
    """The network interface of the board, for Get LAN Configuration Parameters."""

    def lan(self) -> LanSettings: ...


@dataclass(frozen=True, slots=True)
class Board:
    """Everything behind one IPMI endpoint."""

    identity: Identity
    chassis: Chassis
    sensors: Sensors
    event_log: EventLog
    clock: Clock
    inventory: Inventory
    users: Users
    redundancy: Redundancy
    boot_options: BootOptionStore
    network: Network | None = None
    """None = the LAN parameters show no addresses."""
