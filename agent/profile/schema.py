# SPDX-License-Identifier: Apache-2.0
"""The firmware profile: hardware of one board type, shareable, without site data (keys: docs/profiles.md)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agent.power.timing import MAX_FORCE_OFF_MS, MAX_PRESS_MS
from agent.profile.adapter_tables import AdapterTable, ControlsTable
from agent.profile.base import Name, Table
from agent.profile.domain_tables import DomainTable
from agent.profile.rules import EngineTable, InterlockTable, SequenceTable, WatchTable
from agent.profile.thermal_tables import ChipName, FanTable, HwmonAttribute, Quantity, ZoneTable

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
"""A sensor's name in its SDR holds 16 characters."""
PressMs = Annotated[int, msgspec.Meta(ge=1, le=MAX_PRESS_MS)]
HoldMs = Annotated[int, msgspec.Meta(ge=1, le=MAX_FORCE_OFF_MS)]
DurationMs = Annotated[int, msgspec.Meta(ge=1, le=3_600_000)]
DebounceMs = Annotated[float, msgspec.Meta(ge=0, le=60_000)]
BlinkMs = Annotated[float, msgspec.Meta(ge=200, le=5000)]
PollUs = Annotated[int, msgspec.Meta(ge=100, le=1_000_000)]
I2cAddress = Annotated[int, msgspec.Meta(ge=0x08, le=0x77)]
Watts = Annotated[float, msgspec.Meta(gt=0, le=100_000)]


class BoardTable(Table, frozen=True):
    manufacturer: str = "pgood"
    product: str = "pgood board"
    part_number: str = ""
    simulated: bool = False
    """True: lines in memory and simulated buses; `pgood sim` works; no device node is opened."""


class IdentityTable(Table, frozen=True):
    """What Get Device ID answers."""

    manufacturer_id: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFF)] = 0
    product_id: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)] = 0
    device_id: Annotated[int, msgspec.Meta(ge=0, le=0xFF)] = 0x20
    device_revision: Annotated[int, msgspec.Meta(ge=0, le=0x0F)] = 1


class ChipTable(Table, frozen=True):
    """A GPIO chip, by device path or by the label that the kernel gives it."""

    device: str = ""
    label: str | tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ""
    """Several, where boards of one shape have different chips: the chip is the one that has any of them."""
    slow: bool = False
    """True: using a line sleeps (an expander on I2C or USB); the engine gives the chip a thread of its own."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that the chip may have."""
        return (self.label,) if isinstance(self.label, str) else self.label


class LineTable(Table, frozen=True):
    """One line of a chip, by kernel line name or by offset."""

    direction: Literal["input", "output"]
    chip: str = ""
    line: str = ""
    offset: Annotated[int, msgspec.Meta(ge=0, le=1023)] | None = None
    active_low: bool = False
    bias: Literal["as-is", "disabled", "pull-up", "pull-down"] = "as-is"
    class_: Literal["momentary", "maintained"] | None = msgspec.field(default=None, name="class")
    drive: Literal["push-pull", "open-drain", "open-source"] | None = None
    max_press_ms: HoldMs | None = None
    rise_ms: DebounceMs | None = None
    fall_ms: DebounceMs | None = None
    source: Literal["pwr_ok", "rail", "led"] | None = None
    blink_max_ms: BlinkMs | None = None
    """Of an LED: the longest blink period to expect."""
    poll_us: PollUs | None = None
    """The line reports no edges: read it this often."""
    debounce: Literal["engine", "kernel"] | None = None


class TimingTable(Table, frozen=True):
    power_press_ms: PressMs = 200
    reset_press_ms: PressMs = 500
    nmi_press_ms: PressMs = 200
    force_off_ms: HoldMs = 15_000
    power_on_timeout_ms: DurationMs = 10_000
    soft_off_timeout_ms: DurationMs = 300_000
    cycle_off_ms: DurationMs = 5000
    reset_check_ms: DurationMs = 500
    stable_ms: DurationMs = 100
    off_settle_ms: DurationMs = 500


class ConsoleTable(Table, frozen=True):
    """Where a host's serial console is."""

    kind: Literal["serial", "pty", "command", "simulated"]
    device: str = ""
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600] = 115200
    rtscts: bool = False
    command: tuple[str, ...] = ()


class HostTable(Table, frozen=True):
    name: Name
    power_good: str = ""
    """Required, unless `controls` names another sense."""
    power_button: str = ""
    reset_button: str = ""
    nmi_button: str = ""
    identify_led: str = ""
    front_power_button: str = ""
    """An input line that is active while the power button at the machine's front is pressed."""
    front_reset_button: str = ""
    front_panel: Literal["watch", "pass"] = "watch"
    """Whether the panel's buttons lead past this board to the mainboard, or only to this board."""
    timing: TimingTable = TimingTable()
    console: ConsoleTable | None = None
    controls: ControlsTable | None = None
    """Without: everything by the lines above."""


class BusTable(Table, frozen=True):
    """An I2C bus, by number (/dev/i2c-N)."""

    number: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None


class SupplyTable(Table, frozen=True):
    """One supply slot. The order of the tables is the order of the slots."""

    name: Name
    bus: str
    address: I2cAddress
    rated_w: Watts
    cold_redundancy: bool = False
    """Whether register D0h of this supply is the CRPS cold-redundancy role (safety rule 15)."""
    mfr_id: str = ""
    mfr_model: str = ""
    """What MFR_ID and MFR_MODEL must read before D0h is written."""
    model_stated: str = ""
    """The user's word for the model, where the supply does not tell it."""
    presence_line: str = ""
    """An input line that is active while a supply is in the slot."""
    eeprom: I2cAddress | None = None
    """Inventory memory beside the supply: it answers while the supply is in the slot."""
    gap_us: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None
    """Rest between two transactions; what the model needs, unless given."""
    pec: Literal["auto", "on", "off"] | None = None
    pages: Annotated[int, msgspec.Meta(ge=1, le=4)] | None = None


class SensorTable(Table, frozen=True):
    """One sensor. `adapter` says where it is read, and which of the keys below belong to it."""

    name: Name
    label: Label
    adapter: Literal["lm75", "hwmon", "pmbus", "ipmi"]
    quantity: Quantity = Quantity.TEMPERATURE
    bus: str = ""
    address: I2cAddress | None = None
    chip: ChipName | Literal[""] = ""
    """hwmon: the kernel's name of the chip."""
    device: str = ""
    """hwmon: the device below the chip (`1-0048`), where two chips have the same name."""
    attribute: HwmonAttribute | Literal[""] = ""
    channel: str = ""
    """hwmon: the label of the channel, instead of the attribute."""
    supply: str = ""
    """pmbus: the slot."""
    number: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None
    """pmbus: which temperature of the supply; the first, unless given."""
    bmc: str = ""
    remote_sensor: str = ""
    """ipmi: the name that the remote BMC gives it."""
    minimum: float = -40.0
    maximum: float = 125.0
    entity: Annotated[int, msgspec.Meta(ge=0, le=0xFF)] = 0x07
    lower_critical: float | None = None
    lower_warning: float | None = None
    upper_warning: float | None = None
    upper_critical: float | None = None
    hysteresis: Annotated[float, msgspec.Meta(ge=0, le=100)] = 1.0
    """How far a reading must come back from a limit before it counts as within."""


class RedundancyTable(Table, frozen=True):
    """Defaults of cold redundancy; what a user changes at run time wins over them."""

    enabled: bool = False
    rotation: bool = True
    period_s: Annotated[int, msgspec.Meta(ge=86_400, le=16_070_400)] = 604_800
    redundant_count: Annotated[int, msgspec.Meta(ge=1, le=8)] = 2
    """So many healthy supplies make the set redundant."""
    settle_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 5000
    """All supplies stay active so long before roles are given."""
    expected_supplies: Annotated[int, msgspec.Meta(ge=1, le=8)] | None = None
    """So many supplies make the set complete; every slot, unless given."""


class MainsTable(Table, frozen=True):
    """Where the loss of mains is seen; without a line, at the inputs of the supplies."""

    line: str = ""
    """An input line that is active while mains is there: an UPS contact, a relay, a supply's AC-OK."""


ReadingFilter = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9_-]+|\+)(/([A-Za-z0-9_-]+|\+))*$", max_length=128)]
"""A reading's place in the telemetry, `supplies/1/pin_w`; `+` stands for any name: `supplies/+/pin_w`."""


class TelemetryRule(Table, frozen=True):
    """When a change of a reading is worth a message. The first rule that fits counts."""

    reading: ReadingFilter
    deadband: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """A smaller change than this is none."""
    every_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    """This reading alone causes a message at most so often."""


class TelemetryTable(Table, frozen=True):
    interval_s: Annotated[float, msgspec.Meta(ge=0.5, le=3600)] = 5.0
    """How often the readings are looked at."""
    heartbeat_s: Annotated[float, msgspec.Meta(ge=0.5, le=3600)] | None = None
    """Without a change a message is sent only so often; unless given, every time."""
    rules: tuple[TelemetryRule, ...] = ()


class Profile(Table, frozen=True):
    """A whole profile."""

    schema: Literal[1]
    name: Name
    description: str = ""
    board: BoardTable = BoardTable()
    identity: IdentityTable = IdentityTable()
    chips: dict[Name, ChipTable] = msgspec.field(default_factory=dict)
    lines: dict[Name, LineTable] = msgspec.field(default_factory=dict)
    hosts: tuple[HostTable, ...] = ()
    buses: dict[Name, BusTable] = msgspec.field(default_factory=dict)
    supplies: tuple[SupplyTable, ...] = ()
    sensors: tuple[SensorTable, ...] = ()
    domains: tuple[DomainTable, ...] = ()
    redundancy: RedundancyTable = RedundancyTable()
    mains: MainsTable = MainsTable()
    telemetry: TelemetryTable = TelemetryTable()
    interlocks: tuple[InterlockTable, ...] = ()
    sequences: tuple[SequenceTable, ...] = ()
    watches: tuple[WatchTable, ...] = ()
    zones: tuple[ZoneTable, ...] = ()
    fans: tuple[FanTable, ...] = ()
    adapters: dict[Name, AdapterTable] = msgspec.field(default_factory=dict)
    engine: EngineTable | None = None
    """None: what a real board needs, and nothing special on a simulated one."""
