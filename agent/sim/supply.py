# SPDX-License-Identifier: Apache-2.0
"""A simulated CRPS supply: its state, and what may happen to it. Its registers are in supply_registers.py."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

NOMINAL_MAINS_V = 230.0
BROWN_OUT_V = 60.0
VIN_MIN_V = 90.0
SAMPLES_PER_S = 10


class Happening(enum.Enum):
    """What a person or a fault does to a supply, by its word for `pgood sim supply NAME ...`."""

    REMOVE = "remove"
    INSERT = "insert"
    SWAP = "swap"
    FOREIGN = "foreign"
    AC_OFF = "ac-off"
    AC_ON = "ac-on"
    BROWN_OUT = "brown-out"
    FAIL = "fail"
    REPAIR = "repair"
    FAN_FAIL = "fan-fail"
    MUTE = "mute"
    UNMUTE = "unmute"
    ROLE_STUCK = "role-stuck"
    OTHER_MODE = "other-mode"
    CUT_CR_BUS = "cut-cr-bus"
    CUT_SHARE = "cut-share"


@dataclass
class CrpsSupply:
    """State of one slot. `output_w` and `main_on` are set by the share bus; everything else by the outside world."""

    address: int
    rated_w: float
    serial: str
    mfr_id: str
    mfr_model: str
    present: bool = True
    mains_v: float = NOMINAL_MAINS_V
    failed: bool = False
    fan_failed: bool = False
    muted: bool = False
    """Its controller hangs: it delivers, but does not answer."""
    operation: int = 0x80
    """OPERATION: bit 7 = the main output may be on."""
    role: int = 0
    role_stuck: bool = False
    """Writes to D0h are acknowledged and forgotten."""
    cr_bus_cut: bool = False
    """It sees no CR_BUS, so it never sleeps."""
    share_cut: bool = False
    """It is awake and carries nothing."""
    awake: bool = True
    """False while a cold standby supply sleeps."""
    main_on: bool = False
    output_w: float = 0.0
    latched_input: bool = False
    """STATUS_INPUT keeps a lost input after it is back, as real supplies do, until the supply is pulled."""
    written: dict[int, int] = field(default_factory=dict)
    """Words that were written: limits."""
    in_ws: float = 0.0
    out_ws: float = 0.0
    samples: float = 0.0
    generation: int = 0

    @property
    def mains(self) -> bool:
        return self.mains_v >= VIN_MIN_V

    @property
    def healthy(self) -> bool:
        return self.present and self.mains and not self.failed

    @property
    def operated(self) -> bool:
        return bool(self.operation & 0x80)

    @property
    def delivers(self) -> bool:
        return self.healthy and self.main_on and self.awake and self.operated

    @property
    def input_w(self) -> float:
        """What it draws: a fixed loss, a proportional one, and copper losses with the square of the load."""
        if not self.healthy:
            return 0.0
        if not (self.main_on and self.awake):
            return 2.5
        return self.output_w * 1.03 + 6.0 + 4e-5 * self.output_w**2

    def power_up(self) -> None:
        """Mains or insertion: a supply forgets its role and starts as standard redundant."""
        self.role, self.awake, self.operation = 0, True, 0x80

    def advance(self, elapsed_s: float) -> None:
        """The energy counters go on."""
        self.samples += elapsed_s * SAMPLES_PER_S
        self.in_ws += self.input_w * elapsed_s * SAMPLES_PER_S
        self.out_ws += self.output_w * elapsed_s * SAMPLES_PER_S

    def happen(self, happening: Happening) -> None:
        match happening:
            case Happening.REMOVE:
                self.present = False
            case Happening.INSERT:
                self._plug_in()
            case Happening.SWAP:
                self.generation += 1
                self.serial = f"{self.serial.split('-')[0]}-{self.generation}"
                self._plug_in()
            case Happening.FOREIGN:
                self.mfr_model = "OTHER-900"
                self._plug_in()
            case Happening.AC_OFF:
                self.mains_v, self.latched_input = 0.0, True
            case Happening.BROWN_OUT:
                self.mains_v, self.latched_input = BROWN_OUT_V, True
            case Happening.AC_ON:
                if not self.mains:
                    self.power_up()
                self.mains_v = NOMINAL_MAINS_V
            case Happening.FAIL:
                self.failed = True
            case Happening.REPAIR:
                self.failed = self.fan_failed = self.role_stuck = self.cr_bus_cut = self.share_cut = False
            case Happening.FAN_FAIL:
                self.fan_failed = True
            case Happening.MUTE | Happening.UNMUTE:
                self.muted = happening is Happening.MUTE
            case Happening.ROLE_STUCK:
                self.role_stuck = True
            case Happening.OTHER_MODE:
                self.role = 0x10
            case Happening.CUT_CR_BUS:
                self.cr_bus_cut = True
            case Happening.CUT_SHARE:
                self.share_cut = True

    def _plug_in(self) -> None:
        if not self.present:
            self.latched_input = not self.mains
            self.written.clear()
        self.present = True
        self.power_up()
