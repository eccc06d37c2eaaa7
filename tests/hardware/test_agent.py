# SPDX-License-Identifier: Apache-2.0
"""The agent itself on the kernel's gpio-sim and i2c-stub chips, operated by ipmitool, seen from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from native import LineGuard
from tests.hardware.edge_counter import EdgeCounter
from tests.hardware.gpio_sim import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smbus2 import SMBus

    from tests.hardware.gpio_sim import SimLine

PGOOD = str(Path(sys.executable).parent / "pgood")
PORT = 6230
ROLE = 0xD0
FORCE_OFF_MS = 6000

PROFILE = """\
schema = 1
name = "lab"

[chips.front]
device = "{chip}"

[lines.power]
direction = "output"
class = "momentary"
chip = "front"
line = "POWER_BUTTON"
max_press_ms = {force_off_ms}

[lines.reset]
direction = "output"
class = "momentary"
chip = "front"
line = "RESET_BUTTON"
max_press_ms = 1000

[lines.id-led]
direction = "output"
class = "maintained"
chip = "front"
line = "ID_LED"

[lines.good]
direction = "input"
chip = "front"
line = "POWER_GOOD"
rise_ms = 20
fall_ms = 20

[[hosts]]
name = "0"
power_good = "good"
power_button = "power"
reset_button = "reset"
identify_led = "id-led"

[hosts.timing]
power_press_ms = 500
force_off_ms = {force_off_ms}

[buses.psu]
number = {bus}

[[supplies]]
name = "1"
bus = "psu"
address = 0x58
rated_w = 550
cold_redundancy = true
model_stated = "i2c-stub"

[[supplies]]
name = "2"
bus = "psu"
address = 0x59
rated_w = 550
cold_redundancy = true
model_stated = "i2c-stub"

[redundancy]
settle_ms = 50
"""


@dataclass
class Agent:
    process: subprocess.Popen[str]
    state_dir: Path
    password: str

    def ipmitool(self, *words: str) -> str:
        command = ["ipmitool", "-I", "lanplus", "-H", "127.0.0.1", "-p", str(PORT), "-U", "admin", "-P", self.password]
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture
def profile(tmp_path: Path, gpiochip: str) -> Path:
    file = tmp_path / "lab.toml"
    file.write_text(PROFILE.format(chip=gpiochip, bus=os.environ["HWLAB_I2C"], force_off_ms=FORCE_OFF_MS))
    return file


def pgood(*words: str, code: int = 0) -> str:
    done = subprocess.run([PGOOD, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A state directory; afterwards the guard that stands there gives its lines back to the kernel."""
    yield tmp_path / "state"
    for descriptor in LineGuard.take_over(tmp_path / "state" / "guard.sock").values():
        os.close(descriptor)


@pytest.fixture
def password(state_dir: Path) -> str:
    told = re.search(r"password (\S+)", pgood("user", "init", "--state-dir", str(state_dir)))
    assert told is not None
    return told[1]


@contextmanager
def running(profile: Path, state_dir: Path, password: str) -> Iterator[Agent]:
    log = state_dir / "agent.log"
    with log.open("a") as output:
        process = subprocess.Popen(
            [PGOOD, "run", "--profile", str(profile), "--state-dir", str(state_dir), "--ipmi", f"127.0.0.1:{PORT}"],
            stdout=output,
            stderr=output,
            text=True,
        )
    try:
        wait_until(
            lambda: (state_dir / "pgood.sock").exists() or process.poll() is not None, 60, "no sign of the agent"
        )
        assert process.poll() is None, log.read_text()
        agent = Agent(process, state_dir, password)
        wait_until(lambda: "unknown" not in status(state_dir), 30, "power-good did not settle")
        yield agent
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        assert "Traceback" not in log.read_text(), log.read_text()


def status(state_dir: Path) -> str:
    """The host's line of `pgood status`."""
    text = pgood("status", "--state-dir", str(state_dir))
    return next(line for line in text.splitlines() if line.startswith("host 0"))


@pytest.fixture
def agent(profile: Path, state_dir: Path, password: str) -> Iterator[Agent]:
    """An armed agent."""
    pgood("arm", "--state-dir", str(state_dir))
    with running(profile, state_dir, password) as started:
        yield started


def test_power_on_presses_the_button_and_power_good_decides(agent: Agent, world: dict[str, SimLine]) -> None:
    assert "is off" in agent.ipmitool("chassis", "power", "status")
    agent.ipmitool("chassis", "power", "on")
    pressed = world["POWER_BUTTON"].wait(high=True, timeout_s=10)
    released = world["POWER_BUTTON"].wait(high=False, timeout_s=10)
    assert 0.4 < released - pressed < 1.0
    assert "is off" in agent.ipmitool("chassis", "power", "status")
    world["POWER_GOOD"].pull(high=True)
    wait_until(lambda: "is on" in agent.ipmitool("chassis", "power", "status"), 10, "status never became on")
    wait_until(lambda: "Power Unit" in agent.ipmitool("sel", "list"), 10, "no SEL record of the power-on")


def test_force_off_holds_until_power_good_falls_and_not_longer(agent: Agent, world: dict[str, SimLine]) -> None:
    world["POWER_GOOD"].pull(high=True)
    wait_until(lambda: ": on" in status(agent.state_dir), 10, "power-good not seen")
    time.sleep(0.2)  # the precondition wants power-good to be steady
    agent.ipmitool("chassis", "power", "off")
    world["POWER_BUTTON"].wait(high=True, timeout_s=10)
    time.sleep(2.0)
    assert world["POWER_BUTTON"].is_high()
    world["POWER_GOOD"].pull(high=False)
    fell = time.monotonic()
    released = world["POWER_BUTTON"].wait(high=False, timeout_s=10)
    assert released - fell < (FORCE_OFF_MS - 2000) / 1000 / 4  # ended by power-good, not by its limit
    wait_until(lambda: "is off" in agent.ipmitool("chassis", "power", "status"), 10, "status never became off")


def test_oem_command_changes_the_role_registers(agent: Agent, i2c_bus: SMBus) -> None:
    agent.ipmitool("raw", "0x30", "0x2d", "0x01", "0x01")
    agent.ipmitool("raw", "0x30", "0x2d", "0x03", "0x01", "0x02", "0x01")

    def roles() -> tuple[int, int]:
        return i2c_bus.read_byte_data(0x58, ROLE), i2c_bus.read_byte_data(0x59, ROLE)

    wait_until(lambda: roles() == (2, 1), 20, "roles were not written")
    agent.ipmitool("raw", "0x30", "0x2d", "0x01", "0x00")
    wait_until(lambda: roles() == (0, 0), 20, "roles were not taken back")


@pytest.mark.parametrize("level_while_pressed", [True, False])
def test_killed_agent_releases_the_button_in_the_middle_of_a_press(
    agent: Agent, world: dict[str, SimLine], level_while_pressed: bool
) -> None:
    world["POWER_GOOD"].pull(high=True)
    wait_until(lambda: ": on" in status(agent.state_dir), 10, "power-good not seen")
    time.sleep(0.2)
    agent.ipmitool("chassis", "power", "off")
    world["POWER_BUTTON"].wait(high=True, timeout_s=10)
    world["POWER_BUTTON"].pull(high=level_while_pressed)  # a released line would stay pressed
    agent.process.kill()
    killed = time.monotonic()
    assert world["POWER_BUTTON"].wait(high=False, timeout_s=5) - killed < 1.0
    agent.process.wait(10)
    time.sleep(0.3)
    assert not world["POWER_BUTTON"].is_high()


def test_next_agent_takes_the_lines_over_from_the_guard(
    profile: Path, state_dir: Path, password: str, world: dict[str, SimLine]
) -> None:
    pgood("arm", "--state-dir", str(state_dir))
    with running(profile, state_dir, password) as first:
        first.process.kill()
        first.process.wait(10)
    (state_dir / "pgood.sock").unlink()
    world["POWER_BUTTON"].pull(high=True)
    with running(profile, state_dir, password) as second:
        assert not world["POWER_BUTTON"].is_high()
        second.ipmitool("chassis", "power", "on")
        world["POWER_BUTTON"].wait(high=True, timeout_s=10)
        world["POWER_BUTTON"].wait(high=False, timeout_s=10)


def test_observe_only_until_armed(profile: Path, state_dir: Path, password: str, world: dict[str, SimLine]) -> None:
    world["POWER_BUTTON"].pull(high=True)
    with running(profile, state_dir, password) as agent:
        assert world["POWER_BUTTON"].is_high()  # nobody drives it
        told = pgood("power", "on", "--state-dir", str(state_dir), code=2)
        assert "pgood arm" in told
        world["POWER_BUTTON"].pull(high=False)
        pgood("arm", "--state-dir", str(state_dir))
        wait_until(lambda: _armed(state_dir), 60, "the agent did not come back armed")
        agent.ipmitool("chassis", "power", "on")
        world["POWER_BUTTON"].wait(high=True, timeout_s=10)


def test_disarm_gives_the_lines_back(profile: Path, state_dir: Path, password: str, world: dict[str, SimLine]) -> None:
    pgood("arm", "--state-dir", str(state_dir))
    world["POWER_BUTTON"].pull(high=True)
    with running(profile, state_dir, password):
        assert "while the agent runs" in pgood("disarm", "--state-dir", str(state_dir), code=2)
    assert not world["POWER_BUTTON"].is_high()  # the guard holds it idle
    pgood("disarm", "--state-dir", str(state_dir))
    assert world["POWER_BUTTON"].is_high()


def _armed(state_dir: Path) -> bool:
    done = subprocess.run([PGOOD, "status", "--state-dir", str(state_dir)], capture_output=True, text=True, timeout=60)
    return done.returncode == 0 and "observe-only" not in done.stdout and ": off" in done.stdout


def test_restart_beside_a_running_host_makes_no_edge(
    profile: Path, state_dir: Path, password: str, world: dict[str, SimLine]
) -> None:
    pgood("arm", "--state-dir", str(state_dir))
    world["POWER_GOOD"].pull(high=True)
    with running(profile, state_dir, password) as agent:
        agent.ipmitool("chassis", "identify", "force")
        world["ID_LED"].wait(high=True, timeout_s=10)
    outputs = ("ID_LED", "POWER_BUTTON", "RESET_BUTTON")
    for name in outputs[1:]:
        world[name].pull(high=True)  # a button that nobody drives would be pressed
    with EdgeCounter([world[name].value for name in outputs]) as counter:
        with running(profile, state_dir, password):
            assert ": on" in status(state_dir)
        assert world["ID_LED"].is_high()
    assert counter.samples > 1000
    assert counter.edges == [0, 0, 0]


INTERLOCK = """
[lines.hot]
direction = "input"
chip = "front"
line = "FAULT_LED"
rise_ms = 2
fall_ms = 2

[[interlocks]]
name = "heat"
input = "hot"
settled_ms = 5
hold_off = ["0"]
drive = { id-led = "active" }
"""


def remembered(state_dir: Path) -> list[str]:
    file = state_dir / "interlocks-fired"
    names: list[str] = json.loads(file.read_bytes()) if file.exists() else []
    return names


def test_an_interlock_acts_once_over_restarts_until_it_is_reset(
    profile: Path, state_dir: Path, password: str, world: dict[str, SimLine]
) -> None:
    """Switched on again by hand although the sensor still says hot: a restart of the agent must not switch it off."""
    profile.write_text(profile.read_text() + INTERLOCK)
    pgood("arm", "--state-dir", str(state_dir))
    world["POWER_GOOD"].pull(high=True)
    with running(profile, state_dir, password) as first:
        world["FAULT_LED"].pull(high=True)
        world["POWER_BUTTON"].wait(high=True, timeout_s=10)
        first.process.kill()  # in the middle: the rule has not done its work and must act again
        first.process.wait(10)
        world["POWER_BUTTON"].wait(high=False, timeout_s=10)
    (state_dir / "pgood.sock").unlink()
    with running(profile, state_dir, password) as second:
        world["POWER_BUTTON"].wait(high=True, timeout_s=10)
        world["POWER_GOOD"].pull(high=False)
        world["POWER_BUTTON"].wait(high=False, timeout_s=10)
        wait_until(lambda: remembered(state_dir) == ["heat"], 10, "not remembered")
        second.process.kill()
        second.process.wait(10)
    (state_dir / "pgood.sock").unlink()
    world["POWER_GOOD"].pull(high=True)
    lines = [world[name].value for name in ("POWER_BUTTON", "ID_LED")]
    with EdgeCounter(lines) as counter, running(profile, state_dir, password):
        assert ": on" in status(state_dir)
        time.sleep(0.5)
        assert world["ID_LED"].is_high()
    assert counter.edges == [0, 0]
    world["FAULT_LED"].pull(high=False)
    with running(profile, state_dir, password):
        pgood("lines", "reset", "heat", "--state-dir", str(state_dir))
        wait_until(lambda: remembered(state_dir) == [], 10, "still remembered")
        world["FAULT_LED"].pull(high=True)
        world["POWER_BUTTON"].wait(high=True, timeout_s=10)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('line = "POWER_BUTTON"', 'line = "POWRE_BUTTON"', "no line named 'POWRE_BUTTON'"),
        ("/dev/gpiochip", "/dev/gpiochip9", "is not there"),
        ("number = ", "number = 9", "is not there"),
    ],
)
def test_wrong_hardware_is_one_clear_line(profile: Path, state_dir: Path, before: str, after: str, told: str) -> None:
    profile.write_text(profile.read_text().replace(before, after, 1))
    pgood("arm", "--state-dir", str(state_dir))
    output = pgood("run", "--profile", str(profile), "--state-dir", str(state_dir), code=2)
    assert told in output
    assert len(output.strip().splitlines()) == 1, output
