# SPDX-License-Identifier: Apache-2.0
"""A simulated ATX host: buttons in, power-good out, an operating system in between. Time is an argument."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from agent.sim.button import Button
from agent.sim.sense import PowerGoodSense

MS = 1_000_000
IDLE_LOAD_W = 120.0
INRUSH_W = 60.0
INRUSH_MS = 1000
"""Fans and capacitors: what a host draws besides its load for the first second of its start."""


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
    SLEEPING = "sleeping"
    """Suspended to memory: main power is off, the power LED blinks."""


@dataclass(frozen=True, slots=True)
class HostDelays:
    """How long things take, in milliseconds; an ATX board with a quick operating system."""

    power_good_rises_ms: int = 350
    shutdown_ms: int = 2500
    override_ms: int = 4000
    """A press this long forces the host off, whatever runs on it."""
    button_debounce_ms: int = 16
    """Shorter presses are noise to the board's chipset."""
    ac_restore_ms: int = 1000
    """A firmware that starts the host when standby power returns waits this long."""


POWERED = (HostPhase.RUNNING, HostPhase.SHUTTING_DOWN)


@dataclass
class AtxHost:
    """Mutable simulation of one host. Times are monotonic nanoseconds and never go back.

    Only plain public fields: the whole host can be written to a file and read back (agent.sim.snapshot).
    """

    delays: HostDelays = HostDelays()
    behaviour: Behaviour = Behaviour.NORMAL
    phase: HostPhase = HostPhase.OFF
    standby: bool = True
    """Whether anything feeds the host; without, it is off and cannot start."""
    restores_on_ac: bool = False
    """The firmware starts the host when standby power returns."""
    load_w: float = IDLE_LOAD_W
    """What it draws while it runs."""
    resets: int = 0
    presses: int = 0
    """By the board."""
    button: Button = field(default_factory=Button)
    sense: PowerGoodSense = field(default_factory=PowerGoodSense)
    phase_ends_ns: int | None = None
    pressed_at_ns: int | None = None
    override_done: bool = False
    reset_at_ns: int | None = None
    started_ns: int = 0
    restore_at_ns: int | None = None

    @property
    def power_good(self) -> bool:
        """The truth; what the line shows is `power_good_line`."""
        return self.phase in POWERED

    @property
    def supplies_on(self) -> bool:
        """Whether the board holds PS_ON#, so that the supplies' main outputs are on."""
        return self.phase not in (HostPhase.OFF, HostPhase.SLEEPING)

    def power_good_line(self, now_ns: int) -> bool:
        """The level of the power-good input at this instant."""
        return self.sense.level(self.power_good, self.phase is HostPhase.SLEEPING, now_ns)

    def drawn_w(self, now_ns: int) -> float:
        """What it takes from the supplies at this instant."""
        inrush_w = INRUSH_W if self.supplies_on and now_ns < self.started_ns + INRUSH_MS * MS else 0.0
        return inrush_w + (self.load_w if self.power_good else 0.0)

    # ------------------------------------------------------------------ time

    def deadline_ns(self, now_ns: int) -> int | None:
        """When `advance` is due next, or the line changes by itself; or None."""
        change_ns = self.sense.deadline_ns(self.phase is HostPhase.SLEEPING, now_ns)
        return min((due for due in (self._due_ns(), change_ns) if due is not None), default=None)

    def _override_at_ns(self) -> int | None:
        if self.pressed_at_ns is None or self.override_done:
            return None
        return self.pressed_at_ns + self.delays.override_ms * MS

    def _due_ns(self) -> int | None:
        dues = (self.button.finger_until_ns, self._override_at_ns(), self.phase_ends_ns, self.restore_at_ns)
        return min((due for due in dues if due is not None), default=None)

    def advance(self, now_ns: int) -> None:
        """Let time pass: everything that is due happens, in its order and at its own time."""
        while (due_ns := self._due_ns()) is not None and due_ns <= now_ns:
            if due_ns == self.button.finger_until_ns:
                self.button.finger_until_ns = None
                self._feel_button(due_ns)
            elif due_ns == self._override_at_ns():
                self.override_done = True
                self._go(HostPhase.OFF, None)
            elif due_ns == self.phase_ends_ns:
                self._go(HostPhase.RUNNING if self.phase is HostPhase.STARTING else HostPhase.OFF, None)
            else:
                self.restore_at_ns = None
                self.wake(due_ns)

    # ------------------------------------------------------------------ buttons

    def power_button(self, active: bool, now_ns: int) -> None:
        """The board's output changed."""
        self.advance(now_ns)
        self.presses += active and not self.button.driven
        self.button.driven = active
        self._feel_button(now_ns)

    def finger(self, width_ms: int, now_ns: int) -> None:
        """A person presses the button at the host."""
        self.advance(now_ns)
        self.button.finger_until_ns = now_ns + width_ms * MS
        self._feel_button(now_ns)

    def break_button(self, now_ns: int, *, dead: bool = False, stuck: bool = False) -> None:
        """Give the button a fault, or with neither repair it."""
        self.advance(now_ns)
        self.button.dead, self.button.stuck = dead, stuck
        self._feel_button(now_ns)

    def _feel_button(self, now_ns: int) -> None:
        if self.button.pressed == (self.pressed_at_ns is not None):
            return
        if self.button.pressed:
            self._pressed(now_ns)
        else:
            self._released(now_ns)

    def _pressed(self, now_ns: int) -> None:
        self.pressed_at_ns, self.override_done = now_ns, False
        if self.phase is HostPhase.OFF and self.standby:
            self.override_done = True  # a press that starts the host does not stop it as well
            self._start(now_ns)
        elif self.phase is HostPhase.SLEEPING:
            self._start(now_ns)

    def _released(self, now_ns: int) -> None:
        pressed_at_ns, self.pressed_at_ns = self.pressed_at_ns, None
        if pressed_at_ns is None or self.override_done:
            return
        if now_ns - pressed_at_ns < self.delays.button_debounce_ms * MS:
            return
        if self.phase is HostPhase.RUNNING and self.behaviour is Behaviour.NORMAL:
            self._go(HostPhase.SHUTTING_DOWN, now_ns + self.delays.shutdown_ms * MS)

    def reset_button(self, active: bool, now_ns: int) -> None:
        self.advance(now_ns)
        if active:
            self.reset_at_ns = now_ns
        elif self.reset_at_ns is not None and self.supplies_on:
            self.reset_at_ns = None
            self.resets += 1
            self.behaviour = Behaviour.NORMAL if self.behaviour is Behaviour.HANG else self.behaviour
            if self.phase is HostPhase.SHUTTING_DOWN:
                self._go(HostPhase.RUNNING, None)

    # ------------------------------------------------------------------ the outside world

    def wake(self, now_ns: int) -> None:
        """It starts by itself: a network packet, a clock alarm, the firmware after a mains loss."""
        self.advance(now_ns)
        if self.standby and self.phase in (HostPhase.OFF, HostPhase.SLEEPING):
            self._start(now_ns)

    def sleep(self, now_ns: int) -> None:
        """The operating system suspends to memory; nothing happens unless it runs."""
        self.advance(now_ns)
        if self.phase is HostPhase.RUNNING:
            self.sense.blinks_since_ns = now_ns
            self._go(HostPhase.SLEEPING, None)

    def crash(self) -> None:
        """The host loses power by itself: a tripped regulator."""
        self._go(HostPhase.OFF, None)

    def feed(self, available: bool, now_ns: int) -> None:
        """Whether anything feeds the host."""
        if available == self.standby:
            return
        self.standby = available
        self.restore_at_ns = None
        if not available:
            self._go(HostPhase.OFF, None)
        elif self.restores_on_ac:
            self.restore_at_ns = now_ns + self.delays.ac_restore_ms * MS

    def repair(self, now_ns: int) -> None:
        """Every fault of the host, its button and its power-good line ends."""
        self.behaviour = Behaviour.NORMAL
        self.sense.repair()
        self.break_button(now_ns)

    def _start(self, now_ns: int) -> None:
        self.started_ns = now_ns
        self._go(HostPhase.STARTING, now_ns + self.delays.power_good_rises_ms * MS)

    def _go(self, phase: HostPhase, ends_ns: int | None) -> None:
        self.phase, self.phase_ends_ns = phase, ends_ns
