# SPDX-License-Identifier: Apache-2.0
"""What the engine does by itself, on gpio-sim lines: interlocks, sequences, watches, blinking, polled lines."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if os.environ.get("HWLAB") != "1":
    pytest.skip("needs real GPIO lines: set HWLAB=1 inside the lab", allow_module_level=True)

from native import (
    CommandDone,
    Condition,
    Debounce,
    EngineConfig,
    HoldOff,
    InputLine,
    InputSource,
    Interlock,
    InterlockEnded,
    InterlockFired,
    KernelLine,
    LatchLevel,
    LineEngine,
    Outcome,
    PowerGood,
    PowerGoodEvent,
    PowerGoodWatch,
    RailSequence,
    RailStep,
    SequenceDone,
    Steady,
)
from tests.hardware.rig import (
    BUTTON,
    GOOD,
    HOT,
    LED,
    PLAIN,
    RAIL,
    Ears,
    button,
    edges,
    level_only,
    output,
    outside,
    rail,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import gpiod


@pytest.fixture(autouse=True)
def quiet_world() -> Iterator[None]:
    for offset in (BUTTON, RAIL, GOOD, HOT, LED):
        outside(offset).pull(high=False)
    yield
    for offset in (BUTTON, RAIL, GOOD, HOT, LED):
        outside(offset).pull(high=False)


def sense(name: str, line: gpiod.LineRequest, **more: object) -> InputLine:
    return InputLine(name, KernelLine(line.fd), 5, 5, **more)  # type: ignore[arg-type]


@contextmanager
def board(**rules: object) -> Iterator[tuple[LineEngine, Ears]]:
    """A button, a rail, power-good (on) and a sensor, with rules."""
    with ExitStack() as stack:
        press, power = stack.enter_context(output(BUTTON)), stack.enter_context(output(RAIL))
        good, hot = stack.enter_context(edges(GOOD)), stack.enter_context(edges(HOT))
        outside(GOOD).pull(high=True)
        config = EngineConfig(
            outputs=(button(press, 3000), rail(power)),
            inputs=(sense("GOOD", good), sense("HOT", hot)),
            **rules,  # type: ignore[arg-type]
        )
        engine = stack.enter_context(LineEngine(config, PLAIN))
        ears = Ears(engine)
        ears.steady("GOOD", Steady.ACTIVE)
        ears.steady("HOT", Steady.INACTIVE)
        yield engine, ears


HEAT = Interlock("heat", "HOT", True, (HoldOff("BUTTON", "GOOD"), LatchLevel("RAIL", True)), settled_ms=10)


def test_interlock_holds_the_button_until_power_good_is_off_and_latches_the_rail() -> None:
    with board(interlocks=(HEAT,)) as (engine, ears):
        outside(HOT).pull(high=True)
        fired = ears.wait(InterlockFired, lambda event: event.output == "BUTTON")
        assert fired.outcome is Outcome.COMPLETED
        assert fired.action_ns - fired.edge_ns >= 10_000_000
        assert outside(BUTTON).is_high()
        outside(RAIL).wait(high=True, timeout_s=1)
        time.sleep(0.1)
        assert outside(BUTTON).is_high()
        outside(GOOD).pull(high=False)
        assert ears.wait(InterlockEnded).outcome is Outcome.COMPLETED
        assert not outside(BUTTON).is_high()
        engine.set("RAIL", False)
        assert ears.wait(CommandDone, lambda done: done.line == "RAIL").outcome is Outcome.REFUSED
        assert outside(RAIL).is_high()
        outside(HOT).pull(high=False)
        ears.steady("HOT", Steady.INACTIVE)
        engine.reset("heat")
        engine.set("RAIL", False)
        outside(RAIL).wait(high=False, timeout_s=1)


def test_interlock_takes_a_running_press_and_does_not_press_a_host_that_is_off() -> None:
    with board(interlocks=(HEAT,)) as (engine, ears):
        engine.pulse("BUTTON", 2000)
        outside(BUTTON).wait(high=True, timeout_s=1)
        outside(HOT).pull(high=True)
        assert ears.wait(CommandDone).outcome is Outcome.PREEMPTED
        assert outside(BUTTON).is_high()  # down already: no edge
        outside(GOOD).pull(high=False)
        ears.wait(InterlockEnded)
        outside(HOT).pull(high=False)
        ears.steady("HOT", Steady.INACTIVE)
        engine.reset("heat")
        ears.waiting.clear()
        outside(HOT).pull(high=True)
        skipped = ears.wait(InterlockFired, lambda event: event.output == "BUTTON")
        assert skipped.outcome is Outcome.REFUSED
        assert not outside(BUTTON).is_high()


def test_raw_edge_interlock_acts_at_once() -> None:
    raw = Interlock("trip", "HOT", True, (LatchLevel("RAIL", True),), settled_ms=0, raw_edge_ok=True)
    with board(interlocks=(raw,)) as (_, ears):
        outside(HOT).pull(high=True)
        fired = ears.wait(InterlockFired)
        assert 0 <= fired.action_ns - fired.edge_ns < 5_000_000  # a tick of the guest's clock is 1 ms
        assert outside(RAIL).is_high()


def test_sequence_completes_or_unwinds() -> None:
    steps = (RailStep("RAIL", True, Condition("HOT", True), within_ms=200, delay_ms=5),)
    with board(sequences=(RailSequence("up", steps),)) as (engine, ears):
        engine.run("up")
        outside(RAIL).wait(high=True, timeout_s=1)
        failed = ears.wait(SequenceDone)
        assert (failed.outcome, failed.failed_step) == (Outcome.FAILED, 0)
        assert not outside(RAIL).is_high()
        engine.run("up")
        outside(RAIL).wait(high=True, timeout_s=1)
        outside(HOT).pull(high=True)
        done = ears.wait(SequenceDone)
        assert done.outcome is Outcome.COMPLETED
        assert done.steps[0].ready_ns > done.steps[0].driven_ns > 0
        assert outside(RAIL).is_high()


def test_watch_sees_rise_dip_and_loss() -> None:
    watch = PowerGoodWatch("host", "GOOD", ("BUTTON",), rise_ms=1000, hold_off_ms=60)
    with board(watches=(watch,)) as (engine, ears):
        outside(GOOD).pull(high=False)
        assert ears.wait(PowerGoodEvent).what is PowerGood.LOST
        engine.pulse("BUTTON", 30)
        assert ears.wait(PowerGoodEvent).what is PowerGood.MISSING
        engine.pulse("BUTTON", 30)
        outside(BUTTON).wait(high=True, timeout_s=1)
        outside(GOOD).pull(high=True)
        rose = ears.wait(PowerGoodEvent)
        assert rose.what is PowerGood.ROSE
        assert rose.to_ns >= rose.from_ns == rose.pressed_ns
        before_ns = time.monotonic_ns()
        outside(GOOD).pull(high=False)
        time.sleep(0.02)
        between_ns = time.monotonic_ns()
        outside(GOOD).pull(high=True)
        dipped = ears.wait(PowerGoodEvent)
        assert dipped.what is PowerGood.DIPPED
        assert before_ns < dipped.from_ns < dipped.to_ns < time.monotonic_ns()
        assert dipped.to_ns > between_ns


def test_blinking_led_is_sleep_and_a_press_can_ask_for_it() -> None:
    ended = threading.Event()

    def blink() -> None:
        while not ended.is_set():
            for lit in (False, True):
                outside(LED).pull(lit)
                time.sleep(0.15)

    with output(BUTTON) as press, edges(LED) as led:
        lamp = sense("LED", led, source=InputSource.LED, blink_max_ms=600)
        outside(LED).pull(high=True)
        with LineEngine(EngineConfig(outputs=(button(press, 5000),), inputs=(lamp,)), PLAIN) as engine:
            ears = Ears(engine)
            ears.steady("LED", Steady.ACTIVE)
            thread = threading.Thread(target=blink)
            thread.start()
            try:
                ears.steady("LED", Steady.BLINKING)
                period_ms = engine.input("LED").blink_period_ms
                assert period_ms == pytest.approx(300, rel=0.25)
                engine.pulse("BUTTON", 20, precondition=Condition("LED", True))
                assert ears.wait(CommandDone).outcome is Outcome.REFUSED
                engine.pulse("BUTTON", 20, precondition=Condition("LED", steady=Steady.BLINKING))
                assert ears.wait(CommandDone).outcome is Outcome.COMPLETED
                asleep = Condition("LED", steady=Steady.BLINKING)
                engine.hold_until("BUTTON", Condition("LED", False), 5000, precondition=asleep)
                time.sleep(0.5)
                assert outside(BUTTON).is_high()  # dark halves of the blink do not end it
            finally:
                ended.set()
                thread.join()
            outside(LED).pull(high=False)
            done = ears.wait(CommandDone)
            assert done.outcome is Outcome.COMPLETED
            assert engine.input("LED").steady is Steady.INACTIVE


def test_polled_line_settles_without_edges() -> None:
    with level_only(GOOD) as line:
        config = EngineConfig(inputs=(sense("GOOD", line, poll_us=1000),))
        with LineEngine(config, PLAIN) as engine:
            ears = Ears(engine)
            ears.steady("GOOD", Steady.INACTIVE)
            outside(GOOD).pull(high=True)
            ears.steady("GOOD", Steady.ACTIVE)
            outside(GOOD).pull(high=False)
            ears.steady("GOOD", Steady.INACTIVE)


def test_kernel_debounces_and_nobody_counts_glitches() -> None:
    with edges(GOOD, debounce_period=timedelta(milliseconds=20)) as line:
        inputs = (InputLine("GOOD", KernelLine(line.fd), 20, 20, debounce=Debounce.KERNEL),)
        with LineEngine(EngineConfig(inputs=inputs), PLAIN) as engine:
            ears = Ears(engine)
            ears.steady("GOOD", Steady.INACTIVE)
            before_ns = time.monotonic_ns()
            for _ in range(3):
                outside(GOOD).pull(high=True)
                time.sleep(0.003)
                outside(GOOD).pull(high=False)
                time.sleep(0.003)
            outside(GOOD).pull(high=True)
            change = ears.steady("GOOD", Steady.ACTIVE)
            assert change.time_ns - before_ns > 20_000_000
            assert not [event for event in engine.events() if event]
            state = engine.input("GOOD")
            assert state.glitches is None
            assert state.raw_edges <= 2
