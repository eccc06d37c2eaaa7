# SPDX-License-Identifier: Apache-2.0
"""Chassis commands: power, identify, restore policy, boot options (IPMI 2.0 section 28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.board import ActionReply, ChassisAction, Privilege, RestorePolicy
from ipmi.boot_options import BootOptions
from ipmi.channel import LAN_CHANNEL
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import BMC_ADDRESS, NetFn

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.board import Chassis, FrontPanelButtons, ParameterStore
    from ipmi.dispatch import Answer
    from ipmi.request import Request

_DIAGNOSTIC_INTERRUPT = 0x04
_FRONT_PANEL_LOCKOUT = 0x02
_IDENTIFY_SUPPORTED = 0x40
_IDENTIFY_ON = 0x10
_DEFAULT_IDENTIFY_S = 15
_ALL_POLICIES = 0x07
_POLICY_UNCHANGED = 3
_MINUTES_PER_COUNT = 1
"""FreeIPMI divides by this number where it should multiply; one minute per count is right for everybody."""
_HOST_STARTS = (ChassisAction.ON, ChassisAction.CYCLE, ChassisAction.RESET)
_ANSWERS: dict[ActionReply, Answer] = {
    ActionReply.ACCEPTED: b"",
    ActionReply.BUSY: Completion.NODE_BUSY,
    ActionReply.NOT_IN_THIS_STATE: Completion.NOT_IN_PRESENT_STATE,
    ActionReply.REFUSED: Completion.NOT_IN_PRESENT_STATE,
}


class ChassisCommands:
    """The host behind this endpoint."""

    def __init__(self, chassis: Chassis, store: ParameterStore, clock: Callable[[], float]) -> None:
        self._chassis = chassis
        self._boot = BootOptions(store, clock)

    def commands(self) -> tuple[Command, ...]:
        user, operator = Privilege.USER, Privilege.OPERATOR
        chassis = NetFn.CHASSIS
        return (
            Command(chassis, 0x00, "Get Chassis Capabilities", user, self.capabilities, 0, 0),
            Command(chassis, 0x01, "Get Chassis Status", user, self.status, 0, 0),
            Command(chassis, 0x02, "Chassis Control", operator, self.control, 1, 1, once=True),
            Command(chassis, 0x04, "Chassis Identify", operator, self.identify, 0, 2),
            Command(chassis, 0x06, "Set Power Restore Policy", operator, self.set_policy, 1, 1),
            Command(chassis, 0x07, "Get System Restart Cause", user, self.restart_cause, 0, 0),
            Command(chassis, 0x08, "Set System Boot Options", operator, self.set_boot_option, 1, 17),
            Command(chassis, 0x09, "Get System Boot Options", operator, self.get_boot_option, 3, 3),
            Command(chassis, 0x0A, "Set Front Panel Button Enables", Privilege.ADMINISTRATOR, self.set_buttons, 1, 1),
            Command(chassis, 0x0F, "Get POH Counter", user, self.power_on_hours, 0, 0),
        )

    def capabilities(self, request: Request) -> Answer:
        lockout = _FRONT_PANEL_LOCKOUT if self._chassis.status().panel else 0
        return bytes((_DIAGNOSTIC_INTERRUPT | lockout, BMC_ADDRESS, BMC_ADDRESS, BMC_ADDRESS, BMC_ADDRESS))

    def status(self, request: Request) -> Answer:
        status = self._chassis.status()
        return bytes(
            (
                status.power_on | status.power_fault << 3 | status.control_fault << 4 | status.restore_policy << 5,
                status.last_event,
                status.intrusion
                | status.cooling_fault << 3
                | (_IDENTIFY_ON if status.identify_on else 0)
                | _IDENTIFY_SUPPORTED,
                _panel_byte(status.panel),
            )
        )

    async def control(self, request: Request) -> Answer:
        try:
            action = ChassisAction(request.data[0] & 0x0F)
        except ValueError:
            return Completion.INVALID_DATA
        reply = await self._chassis.control(action, request.caller.origin)
        if reply is ActionReply.ACCEPTED:
            self._boot.power_commanded(starts_host=action in _HOST_STARTS)
        return _ANSWERS[reply]

    async def identify(self, request: Request) -> Answer:
        seconds: int | None = request.data[0] if request.data else _DEFAULT_IDENTIFY_S
        if len(request.data) == 2 and request.data[1] & 1:
            seconds = None
        await self._chassis.identify(seconds)
        return b""

    async def set_policy(self, request: Request) -> Answer:
        policy = request.data[0] & 0x07
        if policy > _POLICY_UNCHANGED:
            return Completion.INVALID_DATA
        if policy != _POLICY_UNCHANGED:
            await self._chassis.set_restore_policy(RestorePolicy(policy))
        return bytes((_ALL_POLICIES,))

    async def set_buttons(self, request: Request) -> Answer:
        """Bits 0 and 1 disable power and reset; there are no diagnostic and standby buttons to disable (bits 2, 3)."""
        power, reset = bool(request.data[0] & 1), bool(request.data[0] & 2)
        if request.data[0] & 0x0C:
            return Completion.INVALID_DATA
        taken = await self._chassis.disable_buttons(power, reset)
        return b"" if taken else Completion.NOT_IN_PRESENT_STATE

    def restart_cause(self, request: Request) -> Answer:
        return bytes((self._chassis.restart_cause(), LAN_CHANNEL))

    async def set_boot_option(self, request: Request) -> Answer:
        return await self._boot.set(request.data[0] & 0x7F, bool(request.data[0] & 0x80), request.data[1:])

    def get_boot_option(self, request: Request) -> Answer:
        return self._boot.get(request.data[0] & 0x7F)

    def power_on_hours(self, request: Request) -> Answer:
        minutes = min(self._chassis.power_on_hours() * 60, 0xFFFFFFFF)
        return bytes((_MINUTES_PER_COUNT,)) + minutes.to_bytes(4, "little")


def _panel_byte(panel: FrontPanelButtons | None) -> int:
    """Byte 4 of Get Chassis Status (IPMI 2.0 table 28-3): which buttons are disabled, and which can be."""
    if panel is None:
        return 0
    return panel.power_disabled | panel.reset_disabled << 1 | panel.power_can << 4 | panel.reset_can << 5
