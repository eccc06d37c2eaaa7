# SPDX-License-Identifier: Apache-2.0
"""Death and restart beside a running host on gpio-sim: the button is let go, the rail makes no edge."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if os.environ.get("HWLAB") != "1":
    pytest.skip("needs real GPIO lines: set HWLAB=1 inside the lab", allow_module_level=True)

from native import LineGuard
from tests.hardware.edge_counter import EdgeCounter
from tests.hardware.rig import BUTTON, CHIP, RAIL, outside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AGENT = """
import pathlib, sys
import gpiod
from gpiod.line import Direction, Value
from native import *
button_offset, rail_offset = int(sys.argv[1]), int(sys.argv[2])
chip, rendezvous, press = sys.argv[3], pathlib.Path(sys.argv[4]), sys.argv[5] == "press"
fds = LineGuard.take_over(rendezvous)
requests = []
def take(key, offset, value):
    if key in fds:
        return fds[key]
    settings = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=value)
    requests.append(gpiod.request_lines(chip, consumer="agent", config={offset: settings}))
    return requests[-1].fd
button, rail = take("button", button_offset, Value.INACTIVE), take("rail", rail_offset, Value.ACTIVE)
guard = LineGuard.start([GuardedLine("button", button), GuardedLine("rail", rail, maintained=True)], rendezvous)
engine = LineEngine(EngineConfig(outputs=(
    OutputLine("B", KernelLine(button), LineClass.MOMENTARY, 60000),
    OutputLine("R", KernelLine(rail), LineClass.MAINTAINED, initial=True))),
    ThreadConfig(fifo_priority=None, lock_memory=False))
engine.start()
if press:
    engine.pulse("B", 50000)
print("running", flush=True)
sys.stdin.read()
engine.close()
guard.dismiss()
"""


@contextmanager
def agent(rendezvous: Path, press: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Ends cleanly at the end of the block, unless the block has killed it."""
    process = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(BUTTON), str(RAIL), CHIP, str(rendezvous), "press" if press else "idle"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        yield process
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def rendezvous(tmp_path: Path) -> Iterator[Path]:
    """The world pulls each line to the other level: only somebody who drives them keeps them as they are."""
    outside(BUTTON).pull(high=True)
    outside(RAIL).pull(high=False)
    yield tmp_path / "guard"
    for descriptor in LineGuard.take_over(tmp_path / "guard").values():
        os.close(descriptor)
    outside(BUTTON).pull(high=False)


def test_killed_in_a_press_lets_go_of_the_button_and_keeps_the_rail(rendezvous: Path) -> None:
    with agent(rendezvous, press=True) as process:
        outside(BUTTON).wait(high=True, timeout_s=5)
        with EdgeCounter([outside(BUTTON).value, outside(RAIL).value]) as counter:
            process.kill()
            outside(BUTTON).wait(high=False, timeout_s=2)
            process.wait()
            time.sleep(0.3)
            assert not outside(BUTTON).is_high()
            assert outside(RAIL).is_high()
    assert counter.edges == [1, 0]


@pytest.mark.parametrize("killed", [False, True])
def test_restart_makes_no_edge(rendezvous: Path, killed: bool) -> None:
    with agent(rendezvous):
        assert not outside(BUTTON).is_high()
        assert outside(RAIL).is_high()
    with EdgeCounter([outside(BUTTON).value, outside(RAIL).value]) as counter:
        for _ in range(3):
            with agent(rendezvous) as process:
                if killed:
                    process.kill()
                    process.wait()
        time.sleep(0.1)
    assert counter.samples > 1000
    assert counter.edges == [0, 0]


def test_the_counter_counts() -> None:
    """Else the tests above would show nothing."""
    with EdgeCounter([outside(RAIL).value]) as counter:
        for _ in range(5):
            for high in (True, False):
                outside(RAIL).pull(high)
                time.sleep(0.02)
    assert counter.edges == [10]
