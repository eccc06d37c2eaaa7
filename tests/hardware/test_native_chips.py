# SPDX-License-Identifier: Apache-2.0
"""Chips on gpio-sim: two at once, one of them slow, and one that is torn out while its lines are held."""

from __future__ import annotations

import os
import time

import pytest

if os.environ.get("HWLAB") != "1":
    pytest.skip("needs real GPIO lines: set HWLAB=1 inside the lab", allow_module_level=True)

from native import (
    CommandDone,
    EngineConfig,
    InputLine,
    KernelLine,
    LineClass,
    LineEngine,
    LineFailed,
    Outcome,
    OutputLine,
    Steady,
)
from tests.hardware.extra_chip import ExtraChip
from tests.hardware.rig import BUTTON, PLAIN, Ears, button, edges, level_only, output, outside, rail


def test_two_chips_in_one_engine() -> None:
    with (
        ExtraChip("second", 4) as chip,
        output(BUTTON) as press,
        output(1, chip=chip.device) as power,
        edges(2, chip=chip.device) as good,
    ):
        config = EngineConfig(
            outputs=(button(press), rail(power, slow="second")),
            inputs=(InputLine("GOOD", KernelLine(good.fd), 5, 5),),
        )
        with LineEngine(config, PLAIN) as engine:
            ears = Ears(engine)
            chip.outside(2).pull(high=True)
            ears.steady("GOOD", Steady.ACTIVE)
            engine.set("RAIL", True)
            chip.outside(1).wait(high=True, timeout_s=2)
            engine.pulse("BUTTON", 50)
            outside(BUTTON).wait(high=True, timeout_s=2)
            outside(BUTTON).wait(high=False, timeout_s=2)
            assert engine.output("RAIL")
        assert chip.outside(1).is_high()


def test_chip_that_is_torn_out_is_told_by_line_and_harms_no_other() -> None:
    with ExtraChip("pulled", 4) as chip, output(BUTTON) as press:
        gone_press, gone_sense, gone_poll = (
            output(0, chip=chip.device),
            edges(1, chip=chip.device),
            level_only(2, chip=chip.device),
        )
        config = EngineConfig(
            outputs=(
                button(press),
                OutputLine("GONE", KernelLine(gone_press.fd), LineClass.MOMENTARY, 1000),
            ),
            inputs=(
                InputLine("EDGES", KernelLine(gone_sense.fd), 5, 5),
                InputLine("POLLED", KernelLine(gone_poll.fd), 5, 5, poll_us=1000),
            ),
        )
        with LineEngine(config, PLAIN) as engine:
            ears = Ears(engine)
            ears.steady("EDGES", Steady.INACTIVE)
            ears.steady("POLLED", Steady.INACTIVE)
            chip.tear_out()
            for name in ("EDGES", "POLLED"):
                told = ears.wait(LineFailed, lambda event, name=name: event.line == name)  # type: ignore[misc]
                assert told.reason
                assert engine.input(name).steady is Steady.UNKNOWN
            engine.pulse("GONE", 20)
            assert ears.wait(CommandDone, lambda done: done.line == "GONE").outcome is Outcome.FAILED
            engine.pulse("BUTTON", 50)
            done = ears.wait(CommandDone, lambda done: done.line == "BUTTON")
            assert done.outcome is Outcome.COMPLETED
            assert done.achieved_ms >= 50
            wakeups = engine.statistics().wakeups
            time.sleep(0.5)
            # A dead descriptor must not keep the thread busy: 1 kHz polling and the retried release are all there is.
            assert engine.statistics().wakeups - wakeups < 1000
        for line in (gone_press, gone_sense, gone_poll):
            line.release()
