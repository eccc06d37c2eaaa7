# SPDX-License-Identifier: Apache-2.0
"""Every shipped profile without its hardware: every verb over IPMI, for every host at its own port."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from agent.profile.load import load_profile, shipped_profiles
from tests.clients.demo import Demo, start_demo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE_S = 40.0


@pytest.mark.client
@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_every_verb_for_every_host(name: str, tmp_path: Path) -> None:
    profile = load_profile(shipped_profiles()[name])
    demo = start_demo(tmp_path / "state", "--profile", name, "--simulated")
    try:
        for host in profile.hosts:
            here = at_port_of(demo, host.name)
            play(demo, here, host.name, ["power", "on"], "on")
            if host.reset_button:
                settle(demo, host.name)
                here.ipmitool("chassis", "power", "reset")
            play(demo, here, host.name, ["power", "cycle"], "on")
            if host.nmi_button:
                settle(demo, host.name)
                here.ipmitool("chassis", "power", "diag")
            play(demo, here, host.name, ["power", "soft"], "off")
            play(demo, here, host.name, ["power", "on"], "on")
            play(demo, here, host.name, ["power", "off"], "off")
            if host.identify_led:
                here.ipmitool("chassis", "identify", "5")
        assert not [kind for kind, _ in kinds(demo) if kind.endswith("failed")], demo.events()
    finally:
        code, output = demo.stop()
    assert code == 0, output
    assert "Traceback" not in output


def kinds(demo: Demo) -> list[tuple[str, str]]:
    """Every event so far: kind and source."""
    return [(event["kind"], event["source"]) for event in demo.events()]


def at_port_of(demo: Demo, host: str) -> Demo:
    """The same demo for clients of another host of it."""
    ipmi = {**demo.ready["ipmi"], **demo.ready["ipmi_hosts"][host]}
    return Demo(demo.process, demo.state_dir, {**demo.ready, "ipmi": ipmi}, demo.home)


def settle(demo: Demo, host: str) -> None:
    """Until its state is known, which a dark LED takes seconds for, and nothing is under way."""

    def settled() -> bool:
        state = demo.status()["documents"][f"host/{host}/state"]
        return state["state"] in ("on", "off") and state["running"] is None

    until(settled, f"host {host} does not settle: {demo.status()['documents'][f'host/{host}/state']}")


def until(seen: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.2)


def play(demo: Demo, here: Demo, host: str, words: list[str], state: str) -> None:
    """Ask over IPMI, and wait until the action has ended in this state."""
    settle(demo, host)
    before = len(kinds(demo))
    here.ipmitool("chassis", *words)
    wanted = "host.on" if state == "on" else "host.off"
    until(lambda: (wanted, f"host/{host}") in kinds(demo)[before:], f"no {wanted} after {words}")
    until(lambda: demo.status()["documents"][f"host/{host}/state"]["state"] == state, f"not {state} after {words}")
    assert here.powered() is (state == "on")
