# SPDX-License-Identifier: Apache-2.0
"""What the IPMI server needs from a board: small typed interfaces that the application implements.

Threads: every method is called on the server's asyncio loop. Plain methods answer from memory and never block;
coroutine methods may take time (they act, or store something) and run off the receive path.
"""

from __future__ import annotations

from dataclasses import dataclass

from ipmi.board.chassis import (
    ActionReply,
    Chassis,
    ChassisAction,
    ChassisStatus,
    FrontPanelButtons,
    LastPowerEvent,
    RestartCause,
    RestorePolicy,
    WatchdogAction,
)
from ipmi.board.console import Console, ConsoleBusy, ConsoleReader
from ipmi.board.identity import Identity
from ipmi.board.network import LanSettings, Network
from ipmi.board.power import PowerLimit, PowerLimitSetting, PowerMeter, PowerReading
from ipmi.board.redundancy import (
    MAX_ROTATION_PERIOD_S,
    MIN_ROTATION_PERIOD_S,
    RankAlgorithm,
    Redundancy,
    RedundancySettings,
)
from ipmi.board.sensors import (
    AnalogSensor,
    DiscreteSensor,
    EventEnables,
    EventOnlySensor,
    EventStatus,
    Hysteresis,
    Sensor,
    SensorKind,
    Sensors,
    Thresholds,
)
from ipmi.board.storage import (
    BoardInfo,
    ChassisInfo,
    Clock,
    EventLog,
    FruContent,
    FruDevice,
    Inventory,
    ParameterStore,
    ProductInfo,
    SelInfo,
)
from ipmi.board.users import MAX_NAME, MAX_PASSWORD, MAX_USERS, Privilege, User, UserChange, UserReply, Users

__all__ = [
    "ActionReply",
    "AnalogSensor",
    "Board",
    "BoardInfo",
    "Chassis",
    "ChassisAction",
    "ChassisInfo",
    "ChassisStatus",
    "FrontPanelButtons",
    "Clock",
    "Console",
    "ConsoleBusy",
    "ConsoleReader",
    "DiscreteSensor",
    "EventEnables",
    "EventLog",
    "EventOnlySensor",
    "EventStatus",
    "FruContent",
    "FruDevice",
    "Hysteresis",
    "Identity",
    "Inventory",
    "LanSettings",
    "LastPowerEvent",
    "MAX_NAME",
    "MAX_PASSWORD",
    "MAX_ROTATION_PERIOD_S",
    "MAX_USERS",
    "MIN_ROTATION_PERIOD_S",
    "Network",
    "ParameterStore",
    "PowerLimit",
    "PowerLimitSetting",
    "PowerMeter",
    "PowerReading",
    "Privilege",
    "ProductInfo",
    "RankAlgorithm",
    "Redundancy",
    "RedundancySettings",
    "RestartCause",
    "RestorePolicy",
    "SelInfo",
    "Sensor",
    "SensorKind",
    "Sensors",
    "Thresholds",
    "User",
    "UserChange",
    "UserReply",
    "Users",
    "WatchdogAction",
]


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
    boot_options: ParameterStore
    system_info: ParameterStore
    """System Info Parameters that clients have set: the texts, without their encoding."""
    dcmi: ParameterStore
    """DCMI texts that clients have set."""
    sol: ParameterStore
    """SOL configuration parameters that clients have set."""
    network: Network | None = None
    """None = the LAN parameters show no addresses."""
    power_meter: PowerMeter | None = None
    """None = DCMI has no power reading."""
    power_limit: PowerLimit | None = None
    """None = DCMI has no power limit."""
    console: Console | None = None
    """None = no serial over LAN."""
