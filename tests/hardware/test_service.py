# SPDX-License-Identifier: Apache-2.0
"""The agent as a service on gpio-sim: restart, upgrade, kill and a killed guard move no maintained line."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.board.armed import arm
from native import LineGuard
from tests.agent.service.manager import ServiceManager
from tests.hardware.edge_counter import EdgeCounter
from tests.hardware.gpio_sim import wait_until
from tests.hardware.test_agent import FORCE_OFF_MS, PROFILE, pgood

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hardware.gpio_sim import SimLine

PGOOD = str(Path(sys.executable).parent / "pgood")
OUTPUTS = ("ID_LED", "POWER_BUTTON", "RESET_BUTTON")
BUTTONS = OUTPUTS[1:]


class Rig:
    """A board whose agent is started by a service manager, with one maintained line (the identify LED) driven."""

    def __init__(self, folder: Path, manager: ServiceManager, chip: str) -> None:
        self.manager = manager
        self.state_dir = folder / "state"
        self.state_dir.mkdir()
        self.profile = folder / "lab.toml"
        self.profile.write_text(PROFILE.format(chip=chip, bus=os.environ["HWLAB_I2C"], force_off_ms=FORCE_OFF_MS))
        site = folder / "pgood.toml"
        site.write_text('[board]\nprofile = "lab.toml"\n')
        self._command = [PGOOD, "run", "--config", str(site), "--state-dir", str(self.state_dir)]
        self.log = folder / "agent.log"

    def start(self) -> None:
        self.manager.start(self._command, self.log)

    def guard(self) -> int:
        """The process id of the guard that stands there."""
        found = subprocess.run(["pgrep", "-x", "pgood-guard"], capture_output=True, text=True, timeout=30)
        pids = [int(word) for word in found.stdout.split()]
        assert len(pids) == 1, pids
        return pids[0]


@pytest.fixture
def rig(tmp_path: Path, gpiochip: str, world: dict[str, SimLine]) -> Iterator[Rig]:
    with ServiceManager(tmp_path) as manager:
        made = Rig(tmp_path, manager, gpiochip)
        yield made
        manager.kill()
    for descriptor in LineGuard.take_over(made.state_dir / "guard.sock").values():
        os.close(descriptor)
    assert "Traceback" not in made.log.read_text(), made.log.read_text()


@pytest.fixture
def led_on(rig: Rig, world: dict[str, SimLine]) -> Rig:
    """The agent runs, armed; the LED is driven high and pulled low, buttons are driven low and pulled high."""
    arm(rig.state_dir, "test")
    world["ID_LED"].pull(high=True)  # adopted at the first start: from then on only somebody who drives it keeps it
    rig.start()
    world["ID_LED"].pull(high=False)
    for name in BUTTONS:
        world[name].pull(high=True)
    assert world["ID_LED"].is_high()
    return rig


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_restart_and_upgrade_make_no_edge(led_on: Rig, world: dict[str, SimLine], number: signal.Signals) -> None:
    """KillMode=process: the guard outlives the agent. Each new agent takes over from guard and store."""
    (stored,) = led_on.manager.store
    assert stored[0].startswith("line.")
    assert "maintained" in stored[0]
    poll = select.poll()
    poll.register(stored[1], 0)  # systemd drops what hangs up
    assert poll.poll(0) == []
    with EdgeCounter([world[name].value for name in OUTPUTS]) as counter:
        for _ in range(2):
            if number == signal.SIGTERM:
                assert led_on.manager.stop() == 0
            else:
                led_on.manager.kill()
            led_on.start()
        time.sleep(0.1)
    assert counter.samples > 1000
    assert counter.edges == [0, 0, 0]
    assert world["ID_LED"].is_high()
    assert led_on.manager.store == [stored]


def test_the_rail_stays_when_agent_and_guard_are_killed(led_on: Rig, world: dict[str, SimLine]) -> None:
    for name in BUTTONS:
        world[name].pull(high=False)  # nobody is left to hold them: their pull-downs do
    guard = led_on.guard()
    with EdgeCounter([world[name].value for name in OUTPUTS]) as counter:
        os.kill(guard, signal.SIGKILL)
        led_on.manager.kill()
        wait_until(lambda: not Path(f"/proc/{guard}").exists(), 5, "the guard did not die")
        time.sleep(0.2)
        assert world["ID_LED"].is_high()
        led_on.start()
        time.sleep(0.1)
    assert counter.edges == [0, 0, 0]
    assert led_on.guard() != guard


def test_without_the_store_that_would_have_been_an_edge(led_on: Rig, world: dict[str, SimLine]) -> None:
    """Else the test above would show nothing."""
    for name in BUTTONS:
        world[name].pull(high=False)
    led_on.manager.forget_all()
    os.kill(led_on.guard(), signal.SIGKILL)
    led_on.manager.kill()
    world["ID_LED"].wait(high=False, timeout_s=5)


def test_a_line_with_other_settings_is_let_go_and_taken_anew(led_on: Rig) -> None:
    led_on.manager.stop()
    text = led_on.profile.read_text()
    led_on.profile.write_text(text.replace('line = "ID_LED"', 'line = "ID_LED"\ndrive = "open-drain"'))
    before = {name for name, _ in led_on.manager.store}
    led_on.start()
    after = {name for name, _ in led_on.manager.store}
    assert len(after) == 1
    assert before != after


def test_arming_restarts_in_place_and_stores(rig: Rig) -> None:
    rig.start()
    assert rig.manager.store == []
    pgood("arm", "--state-dir", str(rig.state_dir))
    wait_until(lambda: len(rig.manager.told("READY")) == 2, 60, "the agent did not come back")
    assert len(rig.manager.store) == 1
    assert rig.manager.told("RELOADING") == ["1"]
    assert rig.manager.told("STOPPING") == []
    assert rig.manager.stop() == 0


def test_stopped_for_good_and_disarmed_the_lines_are_the_kernel_s(led_on: Rig, world: dict[str, SimLine]) -> None:
    led_on.manager.stop()
    led_on.manager.forget_all()
    assert world["ID_LED"].is_high()  # the guard holds it
    pgood("disarm", "--state-dir", str(led_on.state_dir))
    world["ID_LED"].wait(high=False, timeout_s=5)
