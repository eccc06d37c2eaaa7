# SPDX-License-Identifier: Apache-2.0
"""One host as an IPMI chassis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.power.front_panel import PanelButton
from agent.power.host import PANEL_ON, PANEL_RESET
from agent.power.request import Action, HostState, Request, Verdict
from agent.power.restoration import ORIGIN
from agent.power.restore import Restore
from ipmi.board import (
    ActionReply,
    ChassisAction,
    ChassisStatus,
    FrontPanelButtons,
    LastPowerEvent,
    RestartCause,
    RestorePolicy,
    WatchdogAction,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.power.front_panel import FrontPanel
    from agent.power.host import Host
    from agent.power.hours import PowerOnHours
    from agent.power.identify import IdentifyLed
    from agent.power.manager import PowerManager
    from agent.power.restoration import Restoration
    from agent.power.restore import RestorePolicy as StoredRestorePolicy

ACTIONS: dict[ChassisAction, Action] = {
    ChassisAction.FORCE_OFF: Action.FORCE_OFF,
    ChassisAction.ON: Action.ON,
    ChassisAction.CYCLE: Action.CYCLE,
    ChassisAction.RESET: Action.RESET,
    ChassisAction.NMI: Action.NMI,
    ChassisAction.SOFT_OFF: Action.SOFT_OFF,
}

REPLIES: dict[Verdict, ActionReply] = {
    Verdict.ACCEPTED: ActionReply.ACCEPTED,
    Verdict.DONE: ActionReply.ACCEPTED,
    Verdict.BUSY: ActionReply.BUSY,
    Verdict.NOT_IN_THIS_STATE: ActionReply.NOT_IN_THIS_STATE,
}

WATCHDOG_ORIGIN = "ipmi:watchdog"
WATCHDOG_ACTIONS: dict[WatchdogAction, Action] = {
    WatchdogAction.RESET: Action.RESET,
    WatchdogAction.POWER_OFF: Action.FORCE_OFF,
    WatchdogAction.CYCLE: Action.CYCLE,
}

POLICIES = {
    Restore.OFF: RestorePolicy.ALWAYS_OFF,
    Restore.PREVIOUS: RestorePolicy.PREVIOUS,
    Restore.ON: RestorePolicy.ALWAYS_ON,
}
RESTORE = {policy: restore for restore, policy in POLICIES.items()}
RESTART_CAUSES = {
    WATCHDOG_ORIGIN: RestartCause.WATCHDOG,
    f"{ORIGIN}:on": RestartCause.POLICY_ALWAYS_ON,
    f"{ORIGIN}:previous": RestartCause.POLICY_PREVIOUS,
    PANEL_ON: RestartCause.POWER_BUTTON,
    PANEL_RESET: RestartCause.RESET_BUTTON,
    "": RestartCause.UNKNOWN,
}


class HostChassis:
    """Implements ipmi.board.Chassis."""

    def __init__(
        self,
        host: Host,
        manager: PowerManager,
        panel: FrontPanel,
        hours: PowerOnHours,
        led: IdentifyLed,
        policy: StoredRestorePolicy,
        restore: Restoration,
        emit: Callable[..., object],
    ) -> None:
        self._emit = emit
        self._host = host
        self._manager = manager
        self._panel = panel
        self._hours = hours
        self._led = led
        self._policy = policy
        self._restore = restore

    def status(self) -> ChassisStatus:
        view = self._host.view()
        fault = view.state is HostState.FAULT or (view.state is HostState.UNKNOWN and bool(view.reason))
        last_event = LastPowerEvent.NONE
        if view.powered and view.last_on_by.startswith("ipmi:"):
            last_event |= LastPowerEvent.ON_BY_IPMI
        if self._restore.mains_failed(self._host.name):
            last_event |= LastPowerEvent.AC_FAILED
        return ChassisStatus(
            power_on=view.powered,
            restore_policy=POLICIES[self._policy.current],
            last_event=last_event,
            control_fault=fault,
            identify_on=self._led.lit,
            panel=self._buttons(),
        )

    def _buttons(self) -> FrontPanelButtons | None:
        panel = self._panel
        if not panel.can_mask:
            return None
        return FrontPanelButtons(
            power_can=PanelButton.POWER in panel.buttons,
            reset_can=PanelButton.RESET in panel.buttons,
            power_disabled=PanelButton.POWER in panel.masked,
            reset_disabled=PanelButton.RESET in panel.masked,
        )

    async def disable_buttons(self, power: bool, reset: bool) -> bool:
        wanted = {button for button, off in ((PanelButton.POWER, power), (PanelButton.RESET, reset)) if off}
        if not self._panel.can_mask or not wanted <= self._panel.buttons:
            return False
        await self._panel.mask(wanted)
        return True

    def restart_cause(self) -> RestartCause:
        return RESTART_CAUSES.get(self._host.view().last_on_by, RestartCause.CHASSIS_CONTROL)

    def power_on_hours(self) -> int:
        return self._hours.hours()

    async def control(self, action: ChassisAction, origin: str) -> ActionReply:
        reply, _ = self._manager.ask(self._host.name, Request(ACTIONS[action], origin))
        return REPLIES.get(reply.verdict, ActionReply.REFUSED)

    async def identify(self, seconds: int | None) -> None:
        self._led.light(seconds)

    async def set_restore_policy(self, policy: RestorePolicy) -> None:
        await self._policy.set(RESTORE[policy])

    async def watchdog_expired(self, action: WatchdogAction) -> None:
        self._emit(EventKind.HOST_WATCHDOG, self._host.source, self._host.name, action.name.lower())
        if action in WATCHDOG_ACTIONS:
            self._manager.ask(self._host.name, Request(WATCHDOG_ACTIONS[action], WATCHDOG_ORIGIN))

    async def watchdog_warned(self) -> None:
        self._manager.ask(self._host.name, Request(Action.NMI, WATCHDOG_ORIGIN))
