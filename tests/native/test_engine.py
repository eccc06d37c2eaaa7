# SPDX-License-Identifier: Apache-2.0
"""The engine's Python face over memory lines, with the real thread."""

from __future__ import annotations

import math
import select
import threading
import time

import pytest

from native import (
    CommandDone,
    Condition,
    Debounce,
    EngineClosedError,
    EngineConfig,
    InputChanged,
    InputLine,
    LineBusyError,
    LineClass,
    LineCommandError,
    LineConfigError,
    LineEngine,
    LineFailed,
    MemoryChip,
    Outcome,
    OutputLine,
    Resync,
    Steady,
    ThreadConfig,
)
from tests.native.rig import LONG_MS, PATIENCE_S, PLAIN, Rig


def test_pulse_reports_what_the_line_saw() -> None:
    with Rig() as rig:
        token = rig.engine.pulse("BUTTON", 30)
        event = rig.done(token)
        press, release = rig.chip.drain()
    assert event.outcome is Outcome.COMPLETED
    assert event.asked_ms == 30
    assert event.achieved_ms >= 30
    assert (press.active, release.active) == (True, False)
    assert (event.started_ns, event.ended_ns) == (press.time_ns, release.time_ns)
    assert event.achieved_ms == pytest.approx((release.time_ns - press.time_ns) / 1e6)


def test_train_of_pulses() -> None:
    with Rig() as rig:
        rig.done(rig.engine.pulse("BUTTON", 5, count=3, gap_ms=5))
        changes = rig.chip.drain()
    assert [change.active for change in changes] == [True, False] * 3
    gaps_ns = [changes[i + 1].time_ns - changes[i].time_ns for i in range(5)]
    assert min(gaps_ns) >= 5_000_000


def test_every_input_tells_its_first_state() -> None:
    with Rig() as rig:
        first = rig.wait(InputChanged, lambda event: event.line == "GOOD")
        assert (first.previous, first.steady) == (Steady.UNKNOWN, Steady.INACTIVE)
        change = rig.settle("GOOD", True)
        state = rig.engine.input("GOOD")
        assert state.steady is Steady.ACTIVE
        assert state.level
        assert state.stable_since_ns == change.edge_ns
        assert state.raw_edges == 1
        assert change.time_ns - change.edge_ns >= 5_000_000


def test_hold_ends_when_power_good_has_settled() -> None:
    with Rig(max_press_ms=LONG_MS) as rig:
        rig.settle("GOOD", True)
        token = rig.engine.hold_until("BUTTON", Condition("GOOD", False), LONG_MS)
        rig.until(lambda: rig.chip.level("BUTTON"))
        rig.settle("GOOD", False)
        event = rig.done(token)
        assert event.outcome is Outcome.COMPLETED
        assert event.achieved_ms < LONG_MS
        assert not rig.chip.level("BUTTON")


def test_hold_reaches_its_limit() -> None:
    with Rig() as rig:
        rig.settle("GOOD", True)
        event = rig.done(rig.engine.hold_until("BUTTON", Condition("GOOD", False), 20))
        assert event.outcome is Outcome.LIMIT_REACHED


def test_false_precondition_makes_no_edge() -> None:
    with Rig() as rig:
        rig.settle("GOOD", True)
        event = rig.done(rig.engine.pulse("BUTTON", 10, precondition=Condition("GOOD", False)))
        assert event.outcome is Outcome.REFUSED
        assert "precondition" in event.reason
        assert event.started_ns == 0
        event = rig.done(rig.engine.pulse("BUTTON", 10, precondition=Condition("GOOD", True, stable_ms=60_000)))
        assert event.outcome is Outcome.REFUSED
        assert rig.chip.drain() == []


def test_busy_line_refuses_at_once() -> None:
    with Rig(max_press_ms=LONG_MS) as rig:
        token = rig.engine.pulse("BUTTON", LONG_MS)
        assert rig.engine.busy("BUTTON") == token
        with pytest.raises(LineBusyError, match="BUTTON"):
            rig.engine.pulse("BUTTON", 10)
        rig.engine.cancel(token)
        assert rig.done(token).outcome is Outcome.CANCELLED
        assert rig.done(rig.engine.pulse("BUTTON", 5)).outcome is Outcome.COMPLETED
        rig.engine.cancel(token)


def test_set_and_release() -> None:
    with Rig(max_press_ms=LONG_MS) as rig:
        assert rig.done(rig.engine.set("RAIL", True)).outcome is Outcome.COMPLETED
        assert rig.engine.output("RAIL")
        assert rig.done(rig.engine.release("RAIL")).outcome is Outcome.COMPLETED
        assert not rig.engine.output("RAIL")
        press = rig.engine.set("BUTTON", True)
        rig.until(lambda: rig.chip.level("BUTTON"))
        rig.engine.release("BUTTON")
        assert rig.done(press).outcome is Outcome.COMPLETED
        assert not rig.chip.level("BUTTON")


@pytest.mark.parametrize("width_ms", [0, -1, math.nan, math.inf, -math.inf, 1001, 1e300, 1e-9, True, "10", None])
def test_bad_widths(width_ms: float) -> None:
    with Rig() as rig:
        with pytest.raises(LineCommandError, match="BUTTON"):
            rig.engine.pulse("BUTTON", width_ms)
        with pytest.raises(ValueError, match="1000 ms"):
            rig.engine.hold_until("BUTTON", Condition("GOOD", True), width_ms)
        assert rig.chip.drain() == []


def test_bad_commands() -> None:
    with Rig() as rig:
        engine = rig.engine
        with pytest.raises(LineCommandError, match="NOBODY"):
            engine.pulse("NOBODY", 10)
        with pytest.raises(LineCommandError, match="maintained"):
            engine.pulse("RAIL", 10)
        with pytest.raises(LineCommandError, match="NOBODY"):
            engine.pulse("BUTTON", 10, precondition=Condition("NOBODY", True))
        with pytest.raises(LineCommandError, match="nan"):
            engine.pulse("BUTTON", 10, precondition=Condition("GOOD", True, math.nan))
        for count in (0, -1, 10**6, 1.5, True):
            with pytest.raises(LineCommandError, match="pulses"):
                engine.pulse("BUTTON", 10, count=count, gap_ms=5)  # type: ignore[arg-type]
        for gap_ms in (0, -1, math.nan, 1e12):
            with pytest.raises(LineCommandError, match="gap"):
                engine.pulse("BUTTON", 10, count=2, gap_ms=gap_ms)
        for token in (0, -1, 1 << 80, True):
            with pytest.raises(LineCommandError, match="token"):
                engine.cancel(token)
        with pytest.raises(LineCommandError):
            engine.input("BUTTON")
        with pytest.raises(LineCommandError):
            engine.output("GOOD")
        with pytest.raises(LineCommandError):
            engine.run("nothing")
        with pytest.raises(LineCommandError):
            engine.arm("nothing")
        engine.cancel(12345)
        assert rig.chip.drain() == []


def test_life() -> None:
    rig = Rig(max_press_ms=LONG_MS)
    with pytest.raises(EngineClosedError):
        rig.engine.pulse("BUTTON", 10)
    with rig:
        with pytest.raises(EngineClosedError):
            rig.engine.start()
        rig.engine.set("RAIL", True)
        rig.engine.pulse("BUTTON", LONG_MS)
        rig.until(lambda: rig.chip.level("BUTTON"))
        rig.engine.close()
        assert not rig.chip.level("BUTTON")
        assert rig.chip.level("RAIL")
        press = rig.wait(CommandDone, lambda event: event.line == "BUTTON")
        assert press.outcome is Outcome.CANCELLED
        rig.engine.close()
        for action in (
            lambda: rig.engine.pulse("BUTTON", 10),
            lambda: rig.engine.cancel(1),
            lambda: rig.engine.input("GOOD"),
            lambda: rig.engine.output("RAIL"),
            rig.engine.start,
        ):
            with pytest.raises(EngineClosedError):
                action()


def test_maintained_line_adopts_its_level() -> None:
    chip = MemoryChip(["RAIL"])
    chip.drive("RAIL", True)
    config = EngineConfig(outputs=(OutputLine("RAIL", chip.line("RAIL"), LineClass.MAINTAINED, initial=True),))
    with LineEngine(config, PLAIN) as engine:
        assert engine.output("RAIL")
    assert chip.level("RAIL")
    assert chip.drain() == []


def test_two_engines_on_one_line() -> None:
    with Rig() as rig:
        config = EngineConfig(outputs=(OutputLine("B", rig.chip.line("BUTTON"), LineClass.MOMENTARY, 10),))
        with pytest.raises(LineConfigError, match=r"B.*another engine"):
            LineEngine(config, PLAIN)


def test_lost_edges_and_noise_are_counted() -> None:
    """It falls for less than the time that counts, also when this thread has to wait in between."""
    chip = MemoryChip(["GOOD"])
    config = EngineConfig(inputs=(InputLine("GOOD", chip.line("GOOD"), rise_ms=5, fall_ms=2000),))
    with Rig.over(chip, config) as rig:
        rig.wait(InputChanged, lambda event: event.line == "GOOD")
        rig.chip.lose_edges("GOOD", 2)
        for active in (True, False, True):
            rig.chip.drive("GOOD", active)
        event = rig.wait(Resync)
        assert (event.line, event.lost) == ("GOOD", 2)
        rig.wait(InputChanged, lambda change: change.steady is Steady.ACTIVE and change.line == "GOOD")
        for _ in range(10):
            rig.chip.drive("GOOD", False)
            rig.chip.drive("GOOD", True)
        rig.until(lambda: rig.engine.input("GOOD").raw_edges >= 21)
        assert rig.engine.input("GOOD").glitches == 10


def test_chip_that_is_pulled_out() -> None:
    with Rig() as rig:
        rig.settle("GOOD", True)
        rig.chip.close()
        rig.wait(LineFailed, lambda event: event.line == "GOOD")
        assert rig.engine.input("GOOD").steady is Steady.UNKNOWN
        event = rig.done(rig.engine.pulse("BUTTON", 10, precondition=Condition("GOOD", True)))
        assert event.outcome is Outcome.REFUSED
        event = rig.done(rig.engine.set("RAIL", True))
        assert event.outcome is Outcome.FAILED
        assert "No such device" in event.reason


def test_polled_input() -> None:
    chip = MemoryChip(["GOOD"])
    config = EngineConfig(inputs=(InputLine("GOOD", chip.line("GOOD"), rise_ms=2, fall_ms=2, poll_us=500),))
    with Rig.over(chip, config) as rig:
        rig.settle("GOOD", True)
        rig.settle("GOOD", False)


def test_kernel_debounce_counts_no_glitches() -> None:
    chip = MemoryChip(["GOOD"])
    line = InputLine("GOOD", chip.line("GOOD"), 4000, 4000, debounce=Debounce.KERNEL)
    with Rig.over(chip, EngineConfig(inputs=(line,))) as rig:
        change = rig.settle("GOOD", True)
        assert change.time_ns - change.edge_ns < 4_000_000_000
        assert rig.engine.input("GOOD").glitches is None


def test_event_descriptor() -> None:
    with Rig() as rig:
        told: set[str] = set()
        while told != {"GOOD", "HOT"}:  # each tells its first state, in its own time
            assert select.select([rig.engine.fileno()], [], [], PATIENCE_S)[0]
            told |= {event.line for event in rig.engine.events() if isinstance(event, InputChanged)}
        assert not select.select([rig.engine.fileno()], [], [], 0)[0]
        assert rig.engine.events() == []


def test_full_ring_is_followed_by_a_resync() -> None:
    with Rig() as rig:
        for _ in range(2 * rig.engine.statistics().ring_capacity):
            while True:
                try:
                    rig.engine.set("RAIL", True)
                    break
                except LineBusyError:
                    time.sleep(0.001)
        lost = rig.engine.statistics().events_lost
        assert lost > 0
        event = rig.wait(Resync)
        assert event.line == ""
        assert event.lost >= lost


def test_commands_from_many_threads() -> None:
    with Rig() as rig:
        tokens: list[int] = []

        def press() -> None:
            for _ in range(50):
                try:
                    tokens.append(rig.engine.pulse("BUTTON", 0.1))
                except LineBusyError:
                    time.sleep(0.0005)

        threads = [threading.Thread(target=press) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert tokens
        assert len(set(tokens)) == len(tokens)
        for token in tokens:
            assert rig.done(token).outcome in (Outcome.COMPLETED, Outcome.REFUSED)
        assert not rig.chip.level("BUTTON")


def test_statistics_and_reset() -> None:
    with Rig() as rig:
        rig.done(rig.engine.pulse("BUTTON", 5))
        statistics = rig.engine.statistics()
        assert statistics.lateness.count == 1
        assert 0 < statistics.lateness.p50_us <= statistics.lateness.max_us
        assert statistics.wakeups > 0
        rig.engine.reset_statistics()
        assert rig.engine.statistics().lateness.count == 0


def test_thread_report_names_what_is_missing() -> None:
    chip = MemoryChip(["B"])
    config = EngineConfig(outputs=(OutputLine("B", chip.line("B"), LineClass.MOMENTARY, 10),))
    with LineEngine(config, ThreadConfig(fifo_priority=None, cpu=4000, lock_memory=False)) as engine:
        (sentence,) = engine.thread_report()
        assert "CPU 4000" in sentence
