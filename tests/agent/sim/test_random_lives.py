# SPDX-License-Identifier: Apache-2.0
"""Random lives of a chassis: whatever happens in whatever order, the plant goes on and its books agree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.profile.load import find_profile, load_profile
from agent.profile.simulate import simulated
from agent.sim.atx_host import HostPhase
from agent.sim.plant import Plant
from agent.sim.plant_lines import PlantLines
from agent.sim.rail_wirings import rail_wirings
from agent.sim.words import happen

MS = 1_000_000
PROFILE = simulated(load_profile(find_profile("chassis-4-node")))
RAILS = rail_wirings(PROFILE)
OUTPUTS = sorted(name for name, line in PROFILE.lines.items() if line.direction == "output")
SAID = (
    *(f"host {name} {word}" for name in "03" for word in ("wake", "sleep", "crash", "hang", "normal", "finger 300")),
    *(f"host 0 {word}" for word in ("stuck-button", "dead-button", "drop 50", "flicker 20 100", "restore-on-ac")),
    *("supply 1 ac-off", "supply 1 ac-on", "supply 2 fail-at-start", "supply 2 repair", "mains off-at-start"),
    *("mains off", "mains on", "rail main drop 100", "rail main never", "rail main stuck", "rail main normal"),
)
EVENTS = st.one_of(st.sampled_from(SAID), st.tuples(st.sampled_from(OUTPUTS), st.booleans()))


@settings(deadline=None)
@given(st.lists(st.tuples(EVENTS, st.integers(0, 5000)), max_size=40))
def test_no_order_of_events_breaks_the_plant(life: list[tuple[str | tuple[str, bool], int]]) -> None:
    plant = Plant(PROFILE, 0, RAILS)
    lines, now_ns = PlantLines(PROFILE, plant, RAILS), 0
    for event, pause_ms in life:
        if isinstance(event, str):
            happen(plant, event.split(), now_ns)
        else:
            lines.output_changed(*event, now_ns)
        end_ns = now_ns + pause_ms * MS
        while True:
            due_ns = plant.advance(now_ns)
            agrees(plant, now_ns)
            assert due_ns is None or due_ns > now_ns  # else whoever keeps its time would spin
            if now_ns == end_ns:
                break
            now_ns = end_ns if due_ns is None else min(due_ns, end_ns)


def agrees(plant: Plant, now_ns: int) -> None:
    """No host runs on nothing, and what hosts draw is what supplies give."""
    fed = plant.rails["main"].live(now_ns) and any(supply.healthy for supply in plant.supplies.values())
    for host in plant.hosts.values():
        assert fed or host.phase is HostPhase.OFF
    drawn_w = sum(host.drawn_w(now_ns) for host in plant.hosts.values())
    given_w = sum(supply.output_w for supply in plant.supplies.values())
    assert given_w == pytest.approx(drawn_w)
