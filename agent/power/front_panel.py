# SPDX-License-Identifier: Apache-2.0
"""The buttons at the machine itself: watched, passed on, or masked. The decision is pure.

Wired past the board (`watch`), a press reaches the mainboard whatever we think of it; it is an event, and it explains
why the host went on or off. Wired to the board (`pass`), a press is a request like any other, which a mask keeps away.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.power.effects import PowerGood
from agent.power.host import PANEL_ON, PANEL_RESET
from agent.power.request import Action, Request

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection

    from agent.power.host import Host
    from agent.power.manager import PowerManager
    from agent.store.settings import Settings

HELD_S = 4.0
"""A press of the power button that lasts so long means off at once, as mainboards have it (ACPI override)."""
MIN_PRESS_S = 0.03
"""A shorter one is a knock against the case."""


class PanelButton(enum.Enum):
    """The value names it in masks and events."""

    POWER = "power"
    RESET = "reset"


class Wiring(enum.Enum):
    """Where the panel's buttons lead; the value is the word of the profile."""

    WATCH = "watch"
    PASS = "pass"


@dataclass(frozen=True, slots=True)
class Press:
    """A press that has ended, or has lasted for `HELD_S` and goes on."""

    button: PanelButton
    seconds: float
    held: bool


def meant(press: Press, power_good: PowerGood | None) -> Action | None:
    """What a press asks for, as a mainboard would take it; None = nothing."""
    if press.button is PanelButton.RESET:
        return Action.RESET if power_good is PowerGood.ON and not press.held else None
    if press.held:
        return Action.FORCE_OFF if power_good in (PowerGood.ON, PowerGood.SLEEPING) else None
    if power_good is PowerGood.ON:
        return Action.SOFT_OFF
    return Action.ON if power_good in (PowerGood.OFF, PowerGood.SLEEPING) else None


class FrontPanel:
    """The panel of one host. Used on the loop's thread."""

    def __init__(
        self,
        host: Host,
        wiring: Wiring,
        buttons: Collection[PanelButton],
        manager: PowerManager,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        emit: Callable[..., object],
    ) -> None:
        self.wiring = wiring
        self.buttons = frozenset(buttons)
        self._host = host
        self._manager = manager
        self._settings = settings
        self._loop = loop
        self._emit = emit
        self._key = f"front_panel.{host.name}.masked"
        self._pressed_s: dict[PanelButton, float] = {}
        self._timers: dict[PanelButton, asyncio.TimerHandle] = {}

    @property
    def can_mask(self) -> bool:
        """A button that is wired past the board cannot be kept from the mainboard."""
        return self.wiring is Wiring.PASS and bool(self.buttons)

    @property
    def masked(self) -> frozenset[PanelButton]:
        """Presses of these are told and not passed on."""
        stored = self._settings.get(self._key, [])
        return frozenset(PanelButton(name) for name in stored) if self.can_mask else frozenset()

    async def mask(self, buttons: Collection[PanelButton]) -> None:
        """Exactly these, over restarts too. Raises StoreError."""
        await self._settings.put({self._key: sorted(button.value for button in buttons)})

    def changed(self, button: PanelButton, pressed: bool) -> None:
        """The button's line has settled."""
        now_s = self._loop.time()
        if pressed:
            self._pressed_s[button] = now_s
            self._timers[button] = self._loop.call_later(HELD_S, self._held, button)
        elif (since_s := self._pressed_s.pop(button, None)) is not None:
            self._timers.pop(button).cancel()
            if since_s >= 0 and now_s - since_s >= MIN_PRESS_S:
                self._ended(Press(button, now_s - since_s, held=False))

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _held(self, button: PanelButton) -> None:
        self._pressed_s[button] = -1.0  # its end means nothing any more
        self._ended(Press(button, HELD_S, held=True))

    def _ended(self, press: Press) -> None:
        action = meant(press, self._host.power_good)
        masked = press.button in self.masked
        kind = EventKind.HOST_BUTTON_MASKED if masked else EventKind.HOST_BUTTON_PRESSED
        self._emit(kind, self._host.source, self._host.name, press.button.value, f"{press.seconds * 1000:.0f}")
        if masked or action is None:
            return
        request = Request(action, PANEL_RESET if press.button is PanelButton.RESET else PANEL_ON)
        if self.wiring is Wiring.PASS:
            self._manager.ask(self._host.name, request)
        else:
            self._host.panel_pressed(request)
