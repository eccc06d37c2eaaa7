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
    HoldOff,
    InputChanged,
    InputLine,
    InputSource,
    Interlock,
    InterlockEnded,
    InterlockFired,
    KernelLine,
    LatchLevel,
    LineBusyError,
    LineClass,
    LineCommandError,
    LineConfigError,
    LineEngine,
    LineFailed,
    MemoryChip,
    Outcome,
    OutputLine,
    PowerGood,
    PowerGoodEvent,
    PowerGoodWatch,
    RailSequence,
    RailStep,
    Resync,
    SequenceDone,
    Steady,
    ThreadConfig,
)
from tests.native.rig import PLAIN, Rig


def done(rig: Rig, token: int) -> CommandDone:
    return rig.wait(CommandDone, lambda event: event.token == token)


def settle(rig: Rig, name: str, active: bool) -> InputChanged:
    """Drives an input and waits until the engine believes it."""
    rig.chip.drive(name, active)
    steady = Steady.ACTIVE if active else Steady.INACTIVE
    return rig.wait(InputChanged, lambda event: event.line == name and event.steady is steady)


def test_pulse_reports_what_the_line_saw() -> None:
    with Rig() as rig:
        token = rig.engine.pulse("BUTTON", 30)
        event = done(rig, token)
        press, release = rig.chip.drain()
    assert event.outcome is Outcome.COMPLETED
    assert event.asked_ms == 30
    assert event.achieved_ms >= 30
    assert (press.active, release.active) == (True, False)
    assert (event.started_ns, event.ended_ns) == (press.time_ns, release.time_ns)
    assert event.achieved_ms == pytest.approx((release.time_ns - press.time_ns) / 1e6)


def test_train_of_pulses() -> None:
    with Rig() as rig:
        done(rig, rig.engine.pulse("BUTTON", 5, count=3, gap_ms=5))
        changes = rig.chip.drain()
    assert [change.active for change in changes] == [True, False] * 3
    gaps_ns = [changes[i + 1].time_ns - changes[i].time_ns for i in range(5)]
    assert min(gaps_ns) >= 5_000_000


def test_every_input_tells_its_first_state() -> None:
    with Rig() as rig:
        first = rig.wait(InputChanged, lambda event: event.line == "GOOD")
        assert (first.previous, first.steady) == (Steady.UNKNOWN, Steady.INACTIVE)
        change = settle(rig, "GOOD", True)
        state = rig.engine.input("GOOD")
        assert state.steady is Steady.ACTIVE
        assert state.level
        assert state.stable_since_ns == change.edge_ns
        assert state.raw_edges == 1
        assert change.time_ns - change.edge_ns >= 5_000_000


def test_hold_ends_when_power_good_has_settled() -> None:
    with Rig() as rig:
        settle(rig, "GOOD", True)
        token = rig.engine.hold_until("BUTTON", Condition("GOOD", False), 900)
        time.sleep(0.02)
        assert rig.chip.level("BUTTON")
        settle(rig, "GOOD", False)
        event = done(rig, token)
        assert event.outcome is Outcome.COMPLETED
        assert event.achieved_ms < 900
        assert not rig.chip.level("BUTTON")


def test_hold_reaches_its_limit() -> None:
    with Rig() as rig:
        settle(rig, "GOOD", True)
        event = done(rig, rig.engine.hold_until("BUTTON", Condition("GOOD", False), 20))
        assert event.outcome is Outcome.LIMIT_REACHED


def test_false_precondition_makes_no_edge() -> None:
    with Rig() as rig:
        settle(rig, "GOOD", True)
        event = done(rig, rig.engine.pulse("BUTTON", 10, precondition=Condition("GOOD", False)))
        assert event.outcome is Outcome.REFUSED
        assert "precondition" in event.reason
        assert event.started_ns == 0
        event = done(rig, rig.engine.pulse("BUTTON", 10, precondition=Condition("GOOD", True, stable_ms=60_000)))
        assert event.outcome is Outcome.REFUSED
        assert rig.chip.drain() == []


def test_busy_line_refuses_at_once() -> None:
    with Rig() as rig:
        token = rig.engine.pulse("BUTTON", 200)
        assert rig.engine.busy("BUTTON") == token
        with pytest.raises(LineBusyError, match="BUTTON"):
            rig.engine.pulse("BUTTON", 10)
        rig.engine.cancel(token)
        assert done(rig, token).outcome is Outcome.CANCELLED
        assert done(rig, rig.engine.pulse("BUTTON", 5)).outcome is Outcome.COMPLETED
        rig.engine.cancel(token)


def test_set_and_release() -> None:
    with Rig() as rig:
        assert done(rig, rig.engine.set("RAIL", True)).outcome is Outcome.COMPLETED
        assert rig.engine.output("RAIL")
        assert done(rig, rig.engine.release("RAIL")).outcome is Outcome.COMPLETED
        assert not rig.engine.output("RAIL")
        press = rig.engine.set("BUTTON", True)
        time.sleep(0.01)
        rig.engine.release("BUTTON")
        assert done(rig, press).outcome is Outcome.COMPLETED
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
    rig = Rig()
    with pytest.raises(EngineClosedError):
        rig.engine.pulse("BUTTON", 10)
    with rig:
        with pytest.raises(EngineClosedError):
            rig.engine.start()
        rig.engine.set("RAIL", True)
        rig.engine.pulse("BUTTON", 500)
        time.sleep(0.02)
        assert rig.chip.level("BUTTON")
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
    with Rig() as rig:
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
        deadline_s = time.monotonic() + 5
        while rig.engine.input("GOOD").raw_edges < 21 and time.monotonic() < deadline_s:
            time.sleep(0.001)
        assert rig.engine.input("GOOD").glitches == 10


def test_chip_that_is_pulled_out() -> None:
    with Rig() as rig:
        settle(rig, "GOOD", True)
        rig.chip.close()
        rig.wait(LineFailed, lambda event: event.line == "GOOD")
        assert rig.engine.input("GOOD").steady is Steady.UNKNOWN
        event = done(rig, rig.engine.pulse("BUTTON", 10, precondition=Condition("GOOD", True)))
        assert event.outcome is Outcome.REFUSED
        event = done(rig, rig.engine.set("RAIL", True))
        assert event.outcome is Outcome.FAILED
        assert "No such device" in event.reason


def test_polled_input() -> None:
    chip = MemoryChip(["GOOD"])
    config = EngineConfig(inputs=(InputLine("GOOD", chip.line("GOOD"), rise_ms=2, fall_ms=2, poll_us=500),))
    with Rig.over(chip, config) as rig:
        settle(rig, "GOOD", True)
        settle(rig, "GOOD", False)


def test_kernel_debounce_counts_no_glitches() -> None:
    chip = MemoryChip(["GOOD"])
    line = InputLine("GOOD", chip.line("GOOD"), 20, 20, debounce=Debounce.KERNEL)
    with Rig.over(chip, EngineConfig(inputs=(line,))) as rig:
        change = settle(rig, "GOOD", True)
        assert change.time_ns - change.edge_ns < 20_000_000
        assert rig.engine.input("GOOD").glitches is None


def slow_config(fast: MemoryChip, slow: MemoryChip, slow_chip: str | None) -> EngineConfig:
    return EngineConfig(
        outputs=(
            OutputLine("FAST", fast.line("FAST"), LineClass.MOMENTARY, 1000),
            OutputLine("SLOW", slow.line("SLOW"), LineClass.MOMENTARY, 1000, slow_chip=slow_chip),
            OutputLine("RELAY", slow.line("RELAY"), LineClass.MAINTAINED, initial=False, slow_chip=slow_chip),
        ),
        inputs=(InputLine("SENSE", slow.line("SENSE"), 0, 0, poll_us=1000, slow_chip=slow_chip),),
    )


@pytest.mark.parametrize("slow_chip", ["expander", None])
def test_slow_chip_delays_nobody(slow_chip: str | None) -> None:
    """Declared, or found out at start."""
    fast, slow = MemoryChip(["FAST"]), MemoryChip(["SLOW", "RELAY", "SENSE"])
    slow.delay(20)
    with Rig.over(slow, slow_config(fast, slow, slow_chip)) as rig:
        rig.wait(InputChanged)
        slow_token = rig.engine.pulse("SLOW", 50)
        relay_token = rig.engine.set("RELAY", True)
        for _ in range(5):
            assert done(rig, rig.engine.pulse("FAST", 2)).achieved_ms < 20
        event = done(rig, slow_token)
        assert event.outcome is Outcome.COMPLETED
        assert event.achieved_ms >= 50
        assert done(rig, relay_token).outcome is Outcome.COMPLETED
        assert rig.engine.output("RELAY")
        assert slow.level("RELAY")
        settle(rig, "SENSE", True)
        rig.engine.pulse("SLOW", 500)
        while not slow.level("SLOW"):
            time.sleep(0.001)
    assert not slow.level("SLOW")
    assert slow.level("RELAY")


def test_interlock_refuses_a_slow_output() -> None:
    fast, slow = MemoryChip(["FAST"]), MemoryChip(["SLOW", "RELAY", "SENSE"])
    config = slow_config(fast, slow, "expander")
    rule = Interlock("x", "SENSE", True, (LatchLevel("RELAY", True),))
    with pytest.raises(LineConfigError, match=r"x.*slow"):
        LineEngine(EngineConfig(config.outputs, config.inputs, (rule,)), PLAIN)


def test_interlock_acts_and_ends() -> None:
    rule = Interlock("heat", "HOT", True, (HoldOff("BUTTON", "GOOD"), LatchLevel("RAIL", True)), settled_ms=3)
    with Rig(interlocks=(rule,)) as rig:
        settle(rig, "GOOD", True)
        rig.chip.drive("HOT", True)
        fired = rig.wait(InterlockFired, lambda event: event.output == "BUTTON")
        assert fired.rule == "heat"
        assert fired.action_ns - fired.edge_ns >= 3_000_000
        assert rig.wait(InterlockFired).output == "RAIL"
        assert done(rig, rig.engine.pulse("BUTTON", 10)).outcome is Outcome.REFUSED
        assert done(rig, rig.engine.set("RAIL", False)).outcome is Outcome.REFUSED
        settle(rig, "GOOD", False)
        assert rig.wait(InterlockEnded).outcome is Outcome.COMPLETED
        settle(rig, "HOT", False)
        rig.engine.disarm("heat")
        rig.engine.reset("heat")
        assert done(rig, rig.engine.set("RAIL", False)).outcome is Outcome.COMPLETED
        assert rig.engine.statistics().edge_to_action.count == 2


def test_sequence_carries_its_times() -> None:
    steps = (RailStep("RAIL", True, Condition("GOOD", True), within_ms=500),)
    with Rig(sequences=(RailSequence("up", steps),)) as rig:
        token = rig.engine.run("up")
        time.sleep(0.02)
        rig.chip.drive("GOOD", True)
        event = rig.wait(SequenceDone)
        assert (event.token, event.sequence, event.outcome) == (token, "up", Outcome.COMPLETED)
        assert event.steps[0].ready_ns - event.steps[0].driven_ns >= 20_000_000
        settle(rig, "GOOD", False)
        rig.engine.run("up", precondition=Condition("GOOD", True))
        assert rig.wait(SequenceDone).outcome is Outcome.REFUSED


def test_power_good_watch() -> None:
    watch = PowerGoodWatch("host", "GOOD", ("BUTTON",), rise_ms=1000, hold_off_ms=30)
    with Rig(watches=(watch,)) as rig:
        rig.wait(InputChanged, lambda event: event.line == "GOOD")
        token = rig.engine.pulse("BUTTON", 10)
        pressed = done(rig, token)
        settle(rig, "GOOD", True)
        rose = rig.wait(PowerGoodEvent)
        assert (rose.what, rose.from_ns) == (PowerGood.ROSE, pressed.started_ns)
        rig.chip.drive("GOOD", False)
        lost = rig.wait(PowerGoodEvent)
        assert lost.what is PowerGood.LOST
        assert lost.time_ns - lost.from_ns >= 30_000_000


def test_event_descriptor() -> None:
    with Rig() as rig:
        time.sleep(0.03)
        assert select.select([rig.engine.fileno()], [], [], 2)[0]
        rig.engine.events()
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
            assert done(rig, token).outcome in (Outcome.COMPLETED, Outcome.REFUSED)
        assert not rig.chip.level("BUTTON")


def test_statistics_and_reset() -> None:
    with Rig() as rig:
        done(rig, rig.engine.pulse("BUTTON", 5))
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


def _output(**changes: object) -> OutputLine:
    chip = MemoryChip(["B"])
    values: dict[str, object] = {"name": "B", "line": chip.line("B"), "line_class": LineClass.MOMENTARY}
    return OutputLine(**(values | {"max_press_ms": 100.0} | changes))  # type: ignore[arg-type]


def _input(**changes: object) -> InputLine:
    chip = MemoryChip(["I"])
    values: dict[str, object] = {"name": "I", "line": chip.line("I")}
    return InputLine(**(values | changes))  # type: ignore[arg-type]


SHARED = MemoryChip(["S"]).line("S")

BAD_CONFIGS: list[tuple[str, EngineConfig]] = [
    ("B.*limit", EngineConfig(outputs=(_output(max_press_ms=0),))),
    ("B.*limit", EngineConfig(outputs=(_output(max_press_ms=math.nan),))),
    ("B.*initial", EngineConfig(outputs=(_output(line_class=LineClass.MAINTAINED),))),
    ("B.*two", EngineConfig(outputs=(_output(), _output()))),
    ("b.*same line", EngineConfig(outputs=(_output(name="a", line=SHARED), _output(name="b", line=SHARED)))),
    ("B.*descriptor", EngineConfig(outputs=(_output(line=KernelLine(-1)),))),
    ("B.*GPIO", EngineConfig(outputs=(_output(line=KernelLine(0)),))),
    ("I.*rise_ms", EngineConfig(inputs=(_input(rise_ms=-1),))),
    ("I.*fall_ms", EngineConfig(inputs=(_input(fall_ms=math.inf),))),
    ("I.*90 ms", EngineConfig(inputs=(_input(source=InputSource.LED, rise_ms=200),))),
    ("I.*poll_us", EngineConfig(inputs=(_input(poll_us=5),))),
    ("I.*kernel", EngineConfig(inputs=(_input(rise_ms=5, fall_ms=9, debounce=Debounce.KERNEL),))),
    ("I.*blink", EngineConfig(inputs=(_input(blink_max_ms=9000),))),
    ("x.*HOT", EngineConfig(interlocks=(Interlock("x", "HOT", True, ()),))),
    ("x.*nothing", EngineConfig(inputs=(_input(),), interlocks=(Interlock("x", "I", True, ()),))),
    (
        "x.*raw_edge_ok",
        EngineConfig(
            outputs=(_output(),),
            inputs=(_input(),),
            interlocks=(Interlock("x", "I", True, (HoldOff("B", "I"),), settled_ms=0),),
        ),
    ),
    (
        "x.*momentary",
        EngineConfig(
            outputs=(_output(),), inputs=(_input(),), interlocks=(Interlock("x", "I", True, (LatchLevel("B", True),)),)
        ),
    ),
    (
        "y.*other",
        EngineConfig(
            outputs=(_output(line_class=LineClass.MAINTAINED, initial=False),),
            inputs=(_input(),),
            interlocks=(
                Interlock("x", "I", True, (LatchLevel("B", True),)),
                Interlock("y", "I", True, (LatchLevel("B", False),)),
            ),
        ),
    ),
    ("s.*steps", EngineConfig(sequences=(RailSequence("s", ()),))),
    (
        "s, step 0.*within",
        EngineConfig(
            outputs=(_output(line_class=LineClass.MAINTAINED, initial=False),),
            inputs=(_input(),),
            sequences=(RailSequence("s", (RailStep("B", True, Condition("I", True)),)),),
        ),
    ),
    ("w.*rise_ms", EngineConfig(inputs=(_input(),), watches=(PowerGoodWatch("w", "I", rise_ms=0),))),
]


@pytest.mark.parametrize(("match", "config"), BAD_CONFIGS)
def test_bad_configuration_names_the_part(match: str, config: EngineConfig) -> None:
    with pytest.raises(LineConfigError, match=match):
        LineEngine(config, PLAIN)


def test_too_many_lines() -> None:
    names = [f"L{i}" for i in range(129)]
    chip = MemoryChip(names)
    config = EngineConfig(inputs=tuple(InputLine(name, chip.line(name)) for name in names))
    with pytest.raises(LineConfigError, match=r"L128.*128"):
        LineEngine(config, PLAIN)
    # Refused as a whole: the lines are free again.
    with LineEngine(EngineConfig(inputs=config.inputs[:128]), PLAIN) as engine:
        assert engine.input("L127").level is False
