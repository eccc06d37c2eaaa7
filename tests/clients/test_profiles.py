# SPDX-License-Identifier: Apache-2.0
"""Every shipped profile without its hardware: every verb over IPMI, for every host at its own port."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.control.client import call, stream
from agent.profile.load import load_profile, shipped_profiles
from agent.profile.schema import BoardTable
from agent.profile.simulate import simulated
from tests.clients.demo import Demo, start_demo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.profile.schema import HostTable

PATIENCE_S = 40.0
AT_A_TIME = 2
"""Hosts that are switched side by side: so many operations the agent admits by default."""


def world(name: str) -> bytes:
    """All that a simulated board has of a profile: of those that differ in their pins only, one is played."""
    profile = simulated(load_profile(shipped_profiles()[name]))
    replace = msgspec.structs.replace
    lines = {line: replace(table, line="", offset=None) for line, table in profile.lines.items()}
    return msgspec.json.encode(replace(profile, name="world", description="", board=BoardTable(), lines=lines))


WITH_HOSTS = [name for name, file in shipped_profiles().items() if load_profile(file).hosts]
WORLDS = {world(name): name for name in sorted(WITH_HOSTS, key=lambda name: name.startswith("raspberry"))}


def test_boards_for_one_pc_are_wired_alike() -> None:
    assert world("orange-pi-atx") == world("rock-atx") == world("raspberry-pi-atx")
    assert len(WORLDS) == len(WITH_HOSTS) - 2


@pytest.mark.client
@pytest.mark.parametrize("name", sorted(WORLDS.values()))
def test_every_verb_for_every_host(name: str, tmp_path: Path) -> None:
    profile = load_profile(shipped_profiles()[name])
    demo = start_demo(tmp_path / "state", "--profile", name, "--simulated")
    try:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            for done in [pool.submit(Player(demo, host).play) for host in profile.hosts]:
                done.result()
        told = [event["kind"] for event in stream(demo.state_dir / "pgood.sock", "events", latest=1000)]
        assert not [kind for kind in told if kind.endswith("failed")], told
    finally:
        code, output = demo.stop()
    assert code == 0, output
    assert "Traceback" not in output


class Player:
    """Switches one host at its own IPMI port."""

    def __init__(self, demo: Demo, host: HostTable) -> None:
        ipmi = {**demo.ready["ipmi"], **demo.ready["ipmi_hosts"][host.name]}
        self._ipmi = Demo(demo.process, demo.state_dir, {**demo.ready, "ipmi": ipmi}, demo.home)
        self._socket = demo.state_dir / "pgood.sock"
        self._host = host

    def play(self) -> None:
        self.switch("on", "on")
        if self._host.reset_button:
            self.ask("power", "reset")
        self.switch("cycle", "on")
        if self._host.nmi_button:
            self.ask("power", "diag")
        self.switch("soft", "off")
        self.switch("on", "on")
        self.switch("off", "off")
        if self._host.identify_led:
            self.ask("identify", "5")

    def ask(self, *words: str) -> None:
        """When nothing is under way, and the state is known, which a dark LED takes seconds for."""
        self.until(lambda: self.state()["state"] in ("on", "off") and self.state()["running"] is None)
        self._ipmi.ipmitool("chassis", *words)

    def switch(self, verb: str, state: str) -> None:
        """Ask, and wait until the host has come into this state."""
        before = self.times(state)
        self.ask("power", verb)
        self.until(lambda: self.times(state) > before and self.state()["state"] == state)
        assert self._ipmi.powered() is (state == "on")

    def state(self) -> dict[str, Any]:
        documents = call(self._socket, "status")["documents"]
        state: dict[str, Any] = documents[f"host/{self._host.name}/state"]
        return state

    def times(self, state: str) -> int:
        """How often the host has come into a state, by its events."""
        wanted = (f"host.{state}", f"host/{self._host.name}")
        told = stream(self._socket, "events", latest=1000)
        return sum((event["kind"], event["source"]) == wanted for event in told)

    def until(self, seen: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not seen():
            assert time.monotonic() < deadline_s, self.state()
            time.sleep(0.1)
