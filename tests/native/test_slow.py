# SPDX-License-Identifier: Apache-2.0
"""Chips whose lines sleep: a thread of their own, and nobody else is late."""

from __future__ import annotations

import time

import pytest

from native import (
    EngineConfig,
    InputChanged,
    InputLine,
    Interlock,
    LatchLevel,
    LineClass,
    LineConfigError,
    LineEngine,
    MemoryChip,
    Outcome,
    OutputLine,
)
from tests.native.rig import PLAIN, Rig

SLOW_MS = 300
"""A thread that waits for the slow chip is late by that; one that a loaded machine holds up is late by less."""


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
    slow.delay(SLOW_MS)
    with Rig.over(slow, slow_config(fast, slow, slow_chip)) as rig:
        rig.wait(InputChanged)
        slow_token = rig.engine.pulse("SLOW", 50)
        relay_token = rig.engine.set("RELAY", True)
        for _ in range(5):
            assert rig.done(rig.engine.pulse("FAST", 2)).achieved_ms < SLOW_MS
        event = rig.done(slow_token)
        assert event.outcome is Outcome.COMPLETED
        assert event.achieved_ms >= 50
        assert rig.done(relay_token).outcome is Outcome.COMPLETED
        assert rig.engine.output("RELAY")
        assert slow.level("RELAY")
        rig.settle("SENSE", True)
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
