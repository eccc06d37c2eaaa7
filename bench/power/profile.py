# SPDX-License-Identifier: Apache-2.0
"""The board that is measured: 64 domains in four trees, 16 of them hosts, as a simulated profile."""

from __future__ import annotations

TREES = 4
HOSTS_PER_TREE = 4
AUX_PER_TREE = 11
DOMAINS = TREES * (1 + HOSTS_PER_TREE + AUX_PER_TREE)
HOSTS = TREES * HOSTS_PER_TREE

HEAD = """schema = 1
name = "bench-power"
[board]
simulated = true
"""
RAIL = """
[lines.{name}]
direction = "output"
class = "maintained"
[lines.{name}-good]
direction = "input"
[[domains]]
name = "{name}"
type = "{type}"
controls = ["{name}"]
power_good = ["{name}-good"]
needs = {needs}
emergency_off = {emergency}
"""
HOST = """
[lines.{name}-power]
direction = "output"
class = "momentary"
max_press_ms = 6000
[lines.{name}-good]
direction = "input"
[[hosts]]
name = "{name}"
power_good = "{name}-good"
power_button = "{name}-power"
[hosts.timing]
force_off_ms = 6000
[[domains]]
name = "{name}"
type = "host"
needs = {needs}
"""


def buttons() -> list[str]:
    return [f"host-{tree}-{number}-power" for tree in range(TREES) for number in range(HOSTS_PER_TREE)]


def profile() -> str:
    """A tree: a main rail, a chain of auxiliary rails behind it, hosts that need the last of the chain.

    The main rails are lowered in an emergency, so that the simulated hosts are off soon after and a round is short.
    """
    text = HEAD
    for tree in range(TREES):
        text += RAIL.format(name=f"main-{tree}", type="chassis", needs="[]", emergency="true")
        above = f"main-{tree}"
        for number in range(AUX_PER_TREE):
            name = f"aux-{tree}-{number}"
            text += RAIL.format(name=name, type="aux", needs=f'["{above}"]', emergency="false")
            above = name
        for number in range(HOSTS_PER_TREE):
            text += HOST.format(name=f"host-{tree}-{number}", needs=f'["{above}"]')
    return text
