# SPDX-License-Identifier: Apache-2.0
"""The host behind an IPMI endpoint: its state, and the ways to switch it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol


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
class FrontPanelButtons:
    """Which buttons at the machine can be disabled, and which are."""

    power_can: bool = False
    reset_can: bool = False
    power_disabled: bool = False
    reset_disabled: bool = False


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
    panel: FrontPanelButtons | None = None
    """None: this board cannot keep the panel's buttons from the host."""


class WatchdogAction(enum.IntEnum):
    """What happens to the host when its watchdog runs out (IPMI 2.0 section 27.6); the value is on the wire."""

    NONE = 0
    RESET = 1
    POWER_OFF = 2
    CYCLE = 3


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

    async def disable_buttons(self, power: bool, reset: bool) -> bool:
        """Keep exactly these buttons of the front panel from the host; False when the board cannot."""
        ...

    async def set_restore_policy(self, policy: RestorePolicy) -> None: ...

    async def watchdog_expired(self, action: WatchdogAction) -> None:
        """The host's watchdog ran out: act, and tell it."""
        ...

    async def watchdog_warned(self) -> None:
        """The pre-timeout of the watchdog has come: give the host its diagnostic interrupt."""
        ...
