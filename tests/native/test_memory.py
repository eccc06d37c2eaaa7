# SPDX-License-Identifier: Apache-2.0
"""Memory chips as a simulation uses them."""

from __future__ import annotations

import gc
import select
import subprocess
import sys
import time

import pytest

from native import (
    EngineConfig,
    LineClass,
    LineCommandError,
    LineConfigError,
    LineEngine,
    MemoryChip,
    OutputChange,
    OutputLine,
)
from tests.native.rig import PATIENCE_S, PLAIN


def test_levels_and_names() -> None:
    with MemoryChip(["A", "B"]) as chip:
        assert not chip.level("A")
        chip.drive("A", True)
        assert chip.level("A")
        assert not chip.level("B")
        with pytest.raises(LineCommandError, match="NOBODY"):
            chip.drive("NOBODY", True)
        with pytest.raises(LineConfigError, match="NOBODY"):
            chip.line("NOBODY")
    with pytest.raises(LineCommandError, match="closed"):
        chip.drive("A", False)
    with pytest.raises(LineConfigError, match="A"):
        MemoryChip(["A", "B", "A"])


def test_changes_of_outputs() -> None:
    chip = MemoryChip(["B"])
    config = EngineConfig(outputs=(OutputLine("B", chip.line("B"), LineClass.MOMENTARY, 100),))
    with LineEngine(config, PLAIN) as engine:
        assert not select.select([chip.fileno()], [], [], 0)[0]
        with pytest.raises(LineCommandError, match="B: is an output"):
            chip.drive("B", True)
        before_ns = time.monotonic_ns()
        engine.pulse("B", 5)
        changes: list[OutputChange] = []
        while len(changes) < 2:
            assert select.select([chip.fileno()], [], [], PATIENCE_S)[0]
            changes += chip.drain()
        assert [(change.name, change.active) for change in changes] == [("B", True), ("B", False)]
        assert before_ns <= changes[0].time_ns <= changes[1].time_ns <= time.monotonic_ns()
        assert not select.select([chip.fileno()], [], [], 0)[0]
    chip.drive("B", True)


def test_lines_are_free_after_the_engine() -> None:
    chip = MemoryChip(["B"])
    config = EngineConfig(outputs=(OutputLine("B", chip.line("B"), LineClass.MOMENTARY, 100),))
    for _ in range(3):
        with LineEngine(config, PLAIN):
            pass


def test_interpreter_that_ends_in_a_press() -> None:
    """Nobody calls close(); the last thing that the chip sees is the release."""
    program = """
import atexit, time
from native import *
chip = MemoryChip(["B"])
atexit.register(lambda: print([change.active for change in chip.drain()]))
engine = LineEngine(EngineConfig(outputs=(OutputLine("B", chip.line("B"), LineClass.MOMENTARY, 9000),)))
engine.start()
engine.pulse("B", 9000)
while not chip.level("B"):
    time.sleep(0.001)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert result.stdout == "[True, False]\n"


def test_engine_outlives_the_chip_object() -> None:
    chip = MemoryChip(["B"])
    engine = LineEngine(EngineConfig(outputs=(OutputLine("B", chip.line("B"), LineClass.MOMENTARY, 100),)), PLAIN)
    engine.start()
    del chip
    gc.collect()
    engine.pulse("B", 1)
    time.sleep(0.01)
    del engine
    gc.collect()
