# SPDX-License-Identifier: Apache-2.0
"""Adapters against foreign machines: a second running agent as remote BMC, through the real pyghmi."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import Ability, AdapterError, Level, Precondition, Sense, Surroundings
from agent.hardware.adapters.ipmi import KIND, IpmiAdapter, IpmiOptions
from agent.hardware.remote_sensors import RemoteReading, Unavailable
from agent.profile.schema import Profile
from tests.agent.hardware.adapters.tasmota import Tasmota
from tests.agent.hardware.adapters.worlds import bad, until
from tests.agent.mqtt.brokers import Mosquitto
from tests.clients.demo import PGOOD, Demo, start_demo
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.client

AROUND = Surroundings("adapters.bmc", Profile(schema=1, name="test"))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = start_demo(tmp_path / "state")
    yield demo
    code, said = demo.stop()
    assert code == 0, said
    assert "Traceback" not in said, said


def options(demo: Demo, folder: Path, password: str | None = None, **more: object) -> IpmiOptions:
    ipmi = demo.ready["ipmi"]
    secret = folder / "bmc-password"
    secret.write_text(password or ipmi["password"])
    secret.chmod(0o600)
    keys = {"poll_s": 0.5, "timeout_s": 10.0, "privilege": "administrator", **more}
    return IpmiOptions(host=ipmi["host"], port=ipmi["port"], user=ipmi["user"], password_file=str(secret), **keys)  # type: ignore[arg-type]


class DemoWorld:
    """The demo's host, looked at and moved through its local socket."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.frozen = False
        self._before = 0

    async def become(self, level: Level) -> None:
        """Waits for what the adapter has begun; then by the demo's own means."""
        deadline_s = time.monotonic() + 30
        while True:
            state = await asyncio.to_thread(self._state)
            if state == level.value:
                return
            assert time.monotonic() < deadline_s, state
            if state in ("on", "off"):
                words = ("power", "on") if level is Level.ON else ("sim", "host", "0", "crash")
                await asyncio.to_thread(self.demo.pgood, *words, code=None)
            await asyncio.sleep(0.2)

    def _state(self) -> str:
        return str(self.demo.status()["documents"]["host/0/state"]["state"])

    async def level(self) -> Level:
        if self.frozen:
            return Level.OFF
        powered = await asyncio.to_thread(lambda: self.demo.status()["documents"]["host/0/state"]["powered"])
        return Level.ON if powered else Level.OFF

    async def commands(self) -> int:
        """Requests that came over IPMI and that the host took up."""
        if self.frozen:
            return self._before
        said = await asyncio.to_thread(self.demo.pgood, "call", "operations/list", '{"latest": 256}')
        listed = json.loads(said)["data"]["operations"]
        self._before = sum(one["origin"].startswith("ipmi:") for one in listed)
        return self._before

    async def cut(self) -> bool:
        await self.commands()
        self.frozen = True
        os.kill(self.demo.process.pid, signal.SIGSTOP)
        return True

    async def mend(self) -> None:
        os.kill(self.demo.process.pid, signal.SIGCONT)
        self.frozen = False


def test_conforms(demo: Demo, tmp_path: Path) -> None:
    async def story() -> None:
        chosen = options(demo, tmp_path, timeout_s=5.0)
        findings = await check_adapter(
            "adapters.bmc", lambda: KIND.make(chosen, AROUND), DemoWorld(demo), timeout_s=5.0, patience_s=40
        )
        assert not bad(findings)

    asyncio.run(story())


def test_a_wrong_password_is_told_without_it(demo: Demo, tmp_path: Path) -> None:
    async def story() -> None:
        heard: list[Sense] = []
        adapter = KIND.make(options(demo, tmp_path, "hunter2"), AROUND)
        await adapter.start(heard.append)
        await until(lambda: heard)
        assert heard[0].level is Level.UNKNOWN
        assert "password" in heard[0].reason.lower()
        assert "hunter2" not in heard[0].reason
        with pytest.raises(AdapterError, match=r"adapters\.bmc: BMC 127.0.0.1 port .*, user '"):
            await adapter.act(Ability.ON, Precondition(Level.OFF))
        await adapter.close()
        assert not demo.powered()

    asyncio.run(story())


def test_a_child_that_dies_is_replaced_and_sensors_are_read(demo: Demo, tmp_path: Path) -> None:
    async def story() -> None:
        heard: list[Sense] = []
        adapter = KIND.make(options(demo, tmp_path), AROUND)
        assert isinstance(adapter, IpmiAdapter)
        await adapter.start(heard.append)
        await until(lambda: heard and heard[-1].level is Level.OFF)
        assert adapter._power is not None
        first = adapter._power.pid
        assert first is not None
        before = len(heard)
        os.kill(first, signal.SIGKILL)
        await until(lambda: any(sense.level is Level.UNKNOWN for sense in heard[before:]))
        await until(lambda: heard[-1].level is Level.OFF)
        assert adapter._power.pid not in (first, None)
        reading = await adapter.sensor("CPU Temp")
        assert isinstance(reading, RemoteReading)
        assert 0 < reading.value < 100
        missing = await adapter.sensor("Flux")
        assert isinstance(missing, Unavailable)
        assert isinstance(await adapter.sensor("Inlet Temp"), RemoteReading)
        await adapter.close()

    asyncio.run(story())


# ---------------------------------------------------------------------- a whole agent with a plug and a wire

PLUG_AND_WIRE = """
schema = 1
name = "desk-pc"
[board]
simulated = true
[lines.reset]
direction = "output"
class = "momentary"
max_press_ms = 1000
[adapters.plug0]
kind = "mqtt-plug"
command_topic = "cmnd/plug/POWER"
state_topic = "stat/plug/POWER"
availability_topic = "tele/plug/LWT"
query_topic = "cmnd/plug/POWER"
query_s = 10
timeout_s = 15
[[hosts]]
name = "0"
reset_button = "reset"
timing = { power_on_timeout_ms = 3000, cycle_off_ms = 300 }
controls = { on = "plug0", off = "plug0", reset = "gpio", sense = "plug0" }
"""


class Agent:
    """`pgood run` on a plug and a wire."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.state_dir = folder / "state"
        self._profile, self._site = folder / "desk.toml", folder / "site.toml"
        self._profile.write_text(PLUG_AND_WIRE)
        self._site.write_text(f'[adapters.plug0]\nurl = "{broker.url}"\n')
        self.start()

    def start(self) -> None:
        arguments = ("run", "--profile", str(self._profile), "--config", str(self._site))
        self.process = subprocess.Popen([PGOOD, *arguments, "--state-dir", str(self.state_dir)], stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        said = [self.process.stderr.readline()]
        while b"pgood: board" not in said[-1]:
            assert said[-1], said
            said.append(self.process.stderr.readline())

    def pgood(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PGOOD, *words, "--state-dir", str(self.state_dir)], capture_output=True, text=True, timeout=60
        )

    def host(self) -> dict[str, object]:
        host: dict[str, object] = json.loads(self.pgood("status", "--json").stdout)["documents"]["host/0/state"]
        return host

    def until(self, state: str) -> dict[str, object]:
        deadline_s = time.monotonic() + PATIENCE_S
        while (host := self.host())["state"] != state:
            assert time.monotonic() < deadline_s, host
            time.sleep(0.1)
        return host


def test_a_plug_for_power_and_a_wire_for_reset(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    plug = Tasmota(broker)
    agent = Agent(tmp_path, broker)
    try:
        agent.until("off")
        assert agent.pgood("power", "on").returncode == 0
        agent.until("on")
        assert plug.on
        assert agent.pgood("power", "reset").returncode == 0
        refused = agent.pgood("power", "off")
        assert "no adapter for soft_off ([hosts.controls])" in refused.stdout + refused.stderr
        agent.process.kill()  # whatever happens to the agent, nothing is switched
        agent.process.communicate()
        agent.start()
        agent.until("on")
        assert plug.taken == ["ON"]
        broker.kill()
        host = agent.until("unknown")
        assert "adapters.plug0: mqtt://127.0.0.1" in str(host["reason"])
        broker.start()
        agent.until("on")
        assert agent.pgood("power", "cycle").returncode == 0
        assert plug.taken == ["ON", "OFF", "ON"]
        plug.stuck = True
        failed = agent.pgood("power", "force-off")
        assert failed.returncode != 0
        assert "the plug is stuck" in failed.stdout + failed.stderr
        assert agent.host()["state"] == "on"
    finally:
        agent.process.terminate()
        _, said = agent.process.communicate(timeout=20)
        plug.close()
        broker.kill()
    assert agent.process.returncode == 0
    assert b"Traceback" not in said


def test_a_site_file_without_the_address_is_refused_with_the_key(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_text(PLUG_AND_WIRE)
    state = ("--state-dir", str(tmp_path / "state"))
    done = subprocess.run(
        [PGOOD, "run", "--profile", str(tmp_path / "desk.toml"), *state], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert f"{tmp_path}/desk.toml:10: adapters.plug0: the key 'url' is missing" in done.stderr


def test_the_verb_lists_and_tries_kinds() -> None:
    def pgood(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([PGOOD, "adapters", *words], capture_output=True, text=True, timeout=60)

    listed = pgood().stdout
    for kind in ("gpio", "line", "pmbus", "ipmi", "wol", "mqtt-plug", "command"):
        assert f"{kind}  (pgood)\n" in listed
    good = pgood("check", "command", "--options", '{"sense": ["/bin/true"], "off": ["/bin/false"]}')
    assert (good.returncode, "good  tells its sense: on" in good.stdout) == (0, True), good
    bad = pgood(
        "check", "command", "--options", '{"sense": ["/bin/sh", "-c", "echo gone >&2; exit 9"], "timeout_s": 1}'
    )
    assert bad.returncode != 0
    assert "BAD   tells its sense: unknown adapters.check: sense: exit code 9: gone" in bad.stdout
    for words, why in (
        (("check", "warp"), "no such kind of adapter: 'warp'"),
        (("check", "wol"), "the key 'mac' is missing"),
        (("check", "wol", "--options", "[]"), "--options is a JSON object"),
        (("check", "line", "--options", '{"switch": "relay"}'), "switch: names no table of [lines]"),
    ):
        done = pgood(*words)
        assert done.returncode == 2
        assert why in done.stderr
