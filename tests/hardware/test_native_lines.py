# SPDX-License-Identifier: Apache-2.0
"""The line engine and the guard on lines of a real kernel (gpio-sim), watched from the simulated outside."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

if os.environ.get("HWLAB") != "1":
    pytest.skip("needs real GPIO lines: set HWLAB=1 inside the lab", allow_module_level=True)

from gpiod.line import Bias

from native import (
    CommandDone,
    Condition,
    EngineConfig,
    GuardAliveError,
    GuardedLine,
    InputChanged,
    InputLine,
    KernelLine,
    LineClass,
    LineConfigError,
    LineEngine,
    LineFailed,
    LineGuard,
    Outcome,
    OutputLine,
    Resync,
    Steady,
)
from tests.hardware.rig import BUTTON, CHIP, GOOD, PLAIN, RAIL, button, edges, output, outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def quiet_world() -> Iterator[None]:
    for offset in (BUTTON, RAIL, GOOD):
        outside(offset).pull(False)
    yield
    for offset in (BUTTON, RAIL, GOOD):
        outside(offset).pull(False)


Event = TypeVar("Event")


def wait(engine: LineEngine, kind: type[Event], wanted: Callable[[Event], bool] = lambda event: True) -> Event:
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s:
        for event in engine.events():
            if isinstance(event, kind) and wanted(event):
                return event
        select.select([engine.fileno()], [], [], 0.5)
    raise AssertionError(f"no {kind.__name__}")


def settle(engine: LineEngine, active: bool) -> InputChanged:
    outside(GOOD).pull(active)
    steady = Steady.ACTIVE if active else Steady.INACTIVE
    return wait(engine, InputChanged, lambda event: event.steady is steady)


def test_pulse_is_seen_outside() -> None:
    with output(BUTTON) as line, LineEngine(EngineConfig(outputs=(button(line),)), PLAIN) as engine:
        token = engine.pulse("BUTTON", 200)
        down_s = outside(BUTTON).wait(True, timeout_s=2)
        up_s = outside(BUTTON).wait(False, timeout_s=2)
        done = wait(engine, CommandDone)
    assert (done.token, done.outcome) == (token, Outcome.COMPLETED)
    assert done.achieved_ms >= 200
    # The guest's clock ticks every millisecond, and so does this observation.
    assert up_s - down_s == pytest.approx(done.achieved_ms / 1000, abs=0.02)


def test_active_low() -> None:
    with (
        output(BUTTON, active_low=True) as line,
        LineEngine(EngineConfig(outputs=(button(line),)), PLAIN) as engine,
    ):
        assert outside(BUTTON).is_high()
        engine.pulse("BUTTON", 50)
        outside(BUTTON).wait(False, timeout_s=2)
        outside(BUTTON).wait(True, timeout_s=2)


def test_debounced_input_with_kernel_times() -> None:
    with edges(GOOD, bias=Bias.DISABLED) as line:
        config = EngineConfig(inputs=(InputLine("GOOD", KernelLine(line.fd), rise_ms=20, fall_ms=20),))
        with LineEngine(config, PLAIN) as engine:
            wait(engine, InputChanged)
            before_ns = time.monotonic_ns()
            change = settle(engine, True)
            assert before_ns <= change.edge_ns <= change.time_ns - 20_000_000
            for _ in range(3):
                outside(GOOD).pull(False)
                time.sleep(0.005)
                outside(GOOD).pull(True)
                time.sleep(0.005)
            time.sleep(0.1)
            state = engine.input("GOOD")
            assert state.steady is Steady.ACTIVE
            assert state.stable_since_ns == change.edge_ns
            assert state.glitches is not None
            assert state.glitches >= 1


def test_hold_until_power_good_falls() -> None:
    with output(BUTTON) as press, edges(GOOD) as good:
        config = EngineConfig(outputs=(button(press),), inputs=(InputLine("GOOD", KernelLine(good.fd)),))
        with LineEngine(config, PLAIN) as engine:
            settle(engine, True)
            engine.hold_until("BUTTON", Condition("GOOD", False), 2000, precondition=Condition("GOOD", True))
            outside(BUTTON).wait(True, timeout_s=2)
            time.sleep(0.2)
            assert outside(BUTTON).is_high()
            outside(GOOD).pull(False)
            outside(BUTTON).wait(False, timeout_s=2)
            done = wait(engine, CommandDone)
            assert done.outcome is Outcome.COMPLETED
            assert done.achieved_ms < 2000
            engine.hold_until("BUTTON", Condition("GOOD", False), 2000, precondition=Condition("GOOD", True))
            assert wait(engine, CommandDone).outcome is Outcome.REFUSED


def test_maintained_line_makes_no_edge() -> None:
    """Adopt, start, stop, start again: somebody who counts edges of the rail counts none."""
    with output(RAIL, active=True) as rail:
        for _ in range(2):
            outputs = (OutputLine("RAIL", KernelLine(rail.fd), LineClass.MAINTAINED, initial=True),)
            with LineEngine(EngineConfig(outputs=outputs), PLAIN) as engine:
                assert engine.output("RAIL")
                assert outside(RAIL).is_high()
            assert outside(RAIL).is_high()


def test_burst_of_edges() -> None:
    """Far more edges than the kernel's queue holds: what was lost is known, and the level is right in the end."""
    with edges(GOOD) as line:
        config = EngineConfig(inputs=(InputLine("GOOD", KernelLine(line.fd), rise_ms=5, fall_ms=5),))
        with LineEngine(config, PLAIN) as engine:
            wait(engine, InputChanged)
            world = outside(GOOD)
            for index in range(10_001):
                world.pull(index % 2 == 0)
            time.sleep(1.2)  # longer than the engine's slow re-read
            events = engine.events()
            state = engine.input("GOOD")
            assert state.level
            assert state.steady is Steady.ACTIVE
            assert not [event for event in events if isinstance(event, LineFailed)]
            # A guest that pauses in the burst lets a level settle: right as well, as long as the last word is.
            changes = [event for event in events if isinstance(event, InputChanged)]
            assert changes[-1].steady is Steady.ACTIVE
            assert all(change.steady is not change.previous for change in changes)
            if state.resyncs:
                assert state.raw_edges < 10_001


def test_stolen_edges_are_noticed() -> None:
    """Edges that somebody else read from the request leave a gap in the kernel's numbers."""
    with edges(GOOD) as line:
        config = EngineConfig(inputs=(InputLine("GOOD", KernelLine(line.fd), rise_ms=5, fall_ms=5),))
        outside(GOOD).pull(True)
        time.sleep(0.01)
        outside(GOOD).pull(False)
        time.sleep(0.01)
        assert len(line.read_edge_events()) == 2
        with LineEngine(config, PLAIN) as engine:
            wait(engine, InputChanged)
            outside(GOOD).pull(True)
            assert wait(engine, Resync).lost == 2


def test_two_engines_cannot_have_one_line() -> None:
    with output(BUTTON) as line:
        config = EngineConfig(outputs=(button(line),))
        with LineEngine(config, PLAIN):
            with pytest.raises(LineConfigError, match=r"BUTTON.*another engine"):
                LineEngine(config, PLAIN)
            assert not outside(BUTTON).is_high()
        LineEngine(config, PLAIN).close()


def test_line_in_use() -> None:
    with output(BUTTON), pytest.raises(OSError, match="busy"):
        output(BUTTON)


AGENT = """
import pathlib, sys, time
import gpiod
from gpiod.line import Direction, Value
from native import *
button_offset, rail_offset = int(sys.argv[1]), int(sys.argv[2])
chip, rendezvous = sys.argv[3], pathlib.Path(sys.argv[4])
def request(offset, value):
    settings = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=value)
    return gpiod.request_lines(chip, consumer="agent", config={offset: settings})
button, rail = request(button_offset, Value.INACTIVE), request(rail_offset, Value.ACTIVE)
guard = LineGuard.start([GuardedLine("button", button.fd)], rendezvous)
engine = LineEngine(EngineConfig(outputs=(
    OutputLine("B", KernelLine(button.fd), LineClass.MOMENTARY, 60000),
    OutputLine("R", KernelLine(rail.fd), LineClass.MAINTAINED, initial=True))),
    ThreadConfig(fifo_priority=None, lock_memory=False))
engine.start()
engine.pulse("B", 50000)
print("pressed", flush=True)
time.sleep(60)
"""


def test_killed_agent_lets_go_of_the_button(tmp_path: Path) -> None:
    """The pull stays at the active level: only somebody who drives the line keeps the button up."""
    rendezvous = tmp_path / "guard"
    outside(BUTTON).pull(True)
    agent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(AGENT), str(BUTTON), str(RAIL), CHIP, str(rendezvous)],
        stdout=subprocess.PIPE,
    )
    try:
        assert agent.stdout is not None
        assert agent.stdout.readline() == b"pressed\n"
        outside(BUTTON).wait(True, timeout_s=2)
        with pytest.raises(GuardAliveError):
            LineGuard.take_over(rendezvous)
        agent.kill()
        killed_s = time.monotonic()
        agent.wait()
        assert outside(BUTTON).wait(False, timeout_s=2) - killed_s < 0.1
        time.sleep(0.3)
        assert not outside(BUTTON).is_high()
        # The next agent takes the line over; the button stays up all the way.
        fds = LineGuard.take_over(rendezvous)
        assert not outside(BUTTON).is_high()
        outputs = (OutputLine("BUTTON", KernelLine(fds["button"]), LineClass.MOMENTARY, 1000),)
        with LineEngine(EngineConfig(outputs=outputs), PLAIN) as engine:
            guard = LineGuard.start([GuardedLine("button", fds["button"])], rendezvous)
            assert not outside(BUTTON).is_high()
            engine.pulse("BUTTON", 50)
            outside(BUTTON).wait(True, timeout_s=2)
            outside(BUTTON).wait(False, timeout_s=2)
        guard.dismiss()
        assert not outside(BUTTON).is_high()
        os.close(fds["button"])
    finally:
        agent.kill()
        agent.wait()
        if agent.stdout is not None:
            agent.stdout.close()
