# SPDX-License-Identifier: Apache-2.0
"""Opens the profile's lines on the line engine: kernel lines with a guard, or memory lines under a simulated plant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.board.emergency_rules import emergency_rules
from agent.board.fired import FiredInterlocks
from agent.board.line_rules import interlocks, sequences, thread, watches
from agent.service.line_store import LineStore
from agent.service.notifier import Notifier
from native import (
    Debounce,
    EngineConfig,
    InputLine,
    InputSource,
    LineClass,
    LineEngine,
    LineGuard,
    MemoryChip,
    OutputLine,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from agent.hardware.gpio import RequestedLines
    from agent.profile.schema import LineTable, Profile
    from native import KernelLine, MemoryLine

GUARD_SOCKET = "guard.sock"
DEBOUNCE_MS = 20.0
BLINK_MAX_MS = 5000.0
CLASSES = {"momentary": LineClass.MOMENTARY, "maintained": LineClass.MAINTAINED}


@dataclass
class BoardLines:
    """The open lines of a board. `chip` only on a simulated board, `guard` only with momentary kernel outputs."""

    engine: LineEngine
    armed: bool
    chip: MemoryChip | None = None
    guard: LineGuard | None = None
    requested: RequestedLines | None = None
    inputs: tuple[str, ...] = ()
    fired: FiredInterlocks | None = None
    """None on a simulated board, whose world begins anew with each start."""

    def close(self) -> None:
        """Buttons to idle, maintained outputs as they are; then the guard is let go."""
        self.engine.close()
        if self.guard:
            self.guard.dismiss()
        if self.requested:
            self.requested.close()
        if self.chip:
            self.chip.close()


def open_memory_lines(profile: Profile, armed: bool = True, levels: Mapping[str, bool] | None = None) -> BoardLines:
    """The lines of a simulated board. `levels`: maintained outputs of a world that is older than this agent.

    Without it they have the level of a wire that nobody drives, which is low.
    """
    chip = MemoryChip(list(profile.lines))
    lines = {name: chip.line(name) for name, table in profile.lines.items() if armed or table.direction == "input"}
    if levels is None:
        levels = {name: table.active_low for name, table in profile.lines.items()}
    for name, table in profile.lines.items():
        if table.class_ == "maintained" and levels.get(name):
            chip.drive(name, True)
    engine = LineEngine(engine_config(profile, lines, levels, armed), thread(profile))
    return BoardLines(engine, armed, chip=chip, inputs=_input_names(profile))


def open_kernel_lines(profile: Profile, armed: bool, state_dir: Path, store: LineStore | None = None) -> BoardLines:
    """The lines of a real board. Call before any thread is made: the guard is forked here.

    Lines held by the guard of an agent that died, or kept in the service manager's store, are taken over without an
    edge. Raises GpioError, LineError.
    """
    from agent.hardware.gpio import request_lines  # a simulated board needs no gpiod

    rendezvous = state_dir / GUARD_SOCKET
    fired = FiredInterlocks(state_dir)
    store = store or LineStore(Notifier())
    requested = request_lines(profile, armed, store.take(LineGuard.take_over(rendezvous)), store.let_go)
    guard = None
    try:
        if requested.guarded:
            guard = LineGuard.start(requested.guarded, rendezvous)
            store.keep(requested.guarded)
        config = engine_config(profile, requested.lines, requested.levels, armed, fired.names)
        engine = LineEngine(config, thread(profile))
    except BaseException:
        if guard:
            guard.dismiss()
        requested.close()
        raise
    return BoardLines(engine, armed, guard=guard, requested=requested, inputs=_input_names(profile), fired=fired)


def _input_names(profile: Profile) -> tuple[str, ...]:
    return tuple(name for name, table in profile.lines.items() if table.direction == "input")


def engine_config(
    profile: Profile,
    lines: Mapping[str, KernelLine | MemoryLine],
    levels: Mapping[str, bool],
    armed: bool,
    fired: Collection[str] = (),
) -> EngineConfig:
    """What the engine is opened with; what needs outputs is left out while the board only observes."""
    slow = {name: name for name, chip in profile.chips.items() if chip.slow}
    return EngineConfig(
        outputs=tuple(
            _output(name, table, lines[name], levels.get(name, False), slow.get(table.chip))
            for name, table in profile.lines.items()
            if table.direction == "output" and name in lines
        ),
        inputs=tuple(
            _input(name, profile.lines[name], lines[name], slow.get(profile.lines[name].chip))
            for name in _input_names(profile)
        ),
        interlocks=(*interlocks(profile, fired), *(rule.interlock() for rule in emergency_rules(profile)))
        if armed
        else (),
        sequences=sequences(profile) if armed else (),
        watches=watches(profile, armed),
    )


def _output(
    name: str, table: LineTable, line: KernelLine | MemoryLine, level: bool, slow_chip: str | None
) -> OutputLine:
    line_class = CLASSES[str(table.class_)]
    momentary = line_class is LineClass.MOMENTARY
    return OutputLine(
        name,
        line,
        line_class,
        max_press_ms=float(table.max_press_ms or 0) if momentary else 0.0,
        initial=None if momentary else level,
        slow_chip=slow_chip,
    )


def _input(name: str, table: LineTable, line: KernelLine | MemoryLine, slow_chip: str | None) -> InputLine:
    return InputLine(
        name,
        line,
        rise_ms=DEBOUNCE_MS if table.rise_ms is None else table.rise_ms,
        fall_ms=DEBOUNCE_MS if table.fall_ms is None else table.fall_ms,
        source=InputSource.LED if table.source == "led" else InputSource.LEVEL,
        poll_us=table.poll_us,
        blink_max_ms=BLINK_MAX_MS if table.blink_max_ms is None else table.blink_max_ms,
        slow_chip=slow_chip,
        debounce=Debounce.KERNEL if table.debounce == "kernel" else Debounce.ENGINE,
    )
