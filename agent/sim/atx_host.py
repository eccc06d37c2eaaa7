# SPDX-License-Identifier: Apache-2.0
"""A simulated ATX host: buttons in, power-good out, an operating system in between. Time is an argument."""

from __future__ import annotations

import enum
from dataclasses import dataclass

MS = 1_000_000


class Behaviour(enum.Enum):
    """What the operating system does with a short press of the power button."""

    NORMAL = "normal"
    HANG = "hang"
    IGNORE_SOFT_OFF = "ignore-soft-off"


class HostPhase(enum.Enum):
    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"


@dataclass(frozen=True, slots=True)
class HostDelays:
    """How long things take, in milliseconds; an ATX board with a quick operating system."""

    power_good_rises_ms: int = 350
    shutdown_ms: int = 2500
    override_ms: int = 4000
    """A press this long forces the host off, whatever runs on it."""
    button_debounce_ms: int = 16
    """Shorter presses are noise to the board's chipset."""


class AtxHost:
    """Mutable simulation of one host. Times are monotonic nanoseconds and never go back."""

    def __init__(self, delays: HostDelays | None = None) -> None:
        self._delays = delays or HostDelays()
        self.behaviour = Behaviour.NORMAL
        self.phase = HostPhase.OFF
        self.mains = True
        self.resets = 0
        self.presses = 0
        self._phase_ends_ns: int | None = None
        self._pressed_at_ns: int | None = None
        self._override_done = False
        self._reset_at_ns: int | None = None

    @property
    def power_good(self) -> bool:
        return self.phase in (HostPhase.RUNNING, HostPhase.SHUTTING_DOWN)

    @property
    def supplies_on(self) -> bool:
        """Whether the board holds PS_ON#, so that the supplies' main outputs are on."""
        return self.phase is not HostPhase.OFF

    def deadline_ns(self) -> int | None:
        """When `advance` is due next, or None."""
        due = [self._phase_ends_ns] if self._phase_ends_ns is not None else []
        if self._pressed_at_ns is not None and not self._override_done:
            due.append(self._pressed_at_ns + self._delays.override_ms * MS)
        return min(due, default=None)

    def advance(self, now_ns: int) -> None:
        """Let time pass."""
        if (
            self._pressed_at_ns is not None
            and not self._override_done
            and now_ns >= self._pressed_at_ns + self._delays.override_ms * MS
        ):
            self._override_done = True
            self._go(HostPhase.OFF, None)
        if self._phase_ends_ns is not None and now_ns >= self._phase_ends_ns:
            self._go(HostPhase.RUNNING if self.phase is HostPhase.STARTING else HostPhase.OFF, None)

    def power_button(self, active: bool, now_ns: int) -> None:
        self.advance(now_ns)
        if active:
            self.presses += 1
            self._pressed_at_ns, self._override_done = now_ns, False
            if self.phase is HostPhase.OFF and self.mains:
                self._override_done = True  # a press that starts the host does not stop it as well
                self._go(HostPhase.STARTING, now_ns + self._delays.power_good_rises_ms * MS)
            return
        pressed_at_ns, self._pressed_at_ns = self._pressed_at_ns, None
        if pressed_at_ns is None or self._override_done:
            return
        if now_ns - pressed_at_ns < self._delays.button_debounce_ms * MS:
            return
        if self.phase is HostPhase.RUNNING and self.behaviour is Behaviour.NORMAL:
            self._go(HostPhase.SHUTTING_DOWN, now_ns + self._delays.shutdown_ms * MS)

    def reset_button(self, active: bool, now_ns: int) -> None:
        self.advance(now_ns)
        if active:
            self._reset_at_ns = now_ns
        elif self._reset_at_ns is not None and self.phase is not HostPhase.OFF:
            self._reset_at_ns = None
            self.resets += 1
            self.behaviour = Behaviour.NORMAL if self.behaviour is Behaviour.HANG else self.behaviour
            if self.phase is HostPhase.SHUTTING_DOWN:
                self._go(HostPhase.RUNNING, None)

    def crash(self) -> None:
        """The host loses power by itself: a tripped regulator."""
        self._go(HostPhase.OFF, None)

    def set_mains(self, available: bool) -> None:
        """Whether any supply can feed the host; without, it goes off and stays off."""
        self.mains = available
        if not available:
            self._go(HostPhase.OFF, None)

    def _go(self, phase: HostPhase, ends_ns: int | None) -> None:
        self.phase, self._phase_ends_ns = phase, ends_ns
