# SPDX-License-Identifier: Apache-2.0
"""A world that outlives its agent: what was is again, buttons are let go, and strange files are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.profile.load import find_profile, load_profile
from agent.profile.simulate import simulated
from agent.sim import snapshot
from agent.sim.atx_host import HostPhase
from agent.sim.plant import Plant
from agent.sim.plant_lines import PlantLines
from agent.sim.rail_wirings import rail_wirings
from agent.sim.words import happen
from agent.sim.world_error import WorldError

if TYPE_CHECKING:
    from pathlib import Path

MS = 1_000_000
PROFILE = simulated(load_profile(find_profile("chassis-4-node")))


def world() -> PlantLines:
    rails = rail_wirings(PROFILE)
    return PlantLines(PROFILE, Plant(PROFILE, 0, rails), rails)


def died(lines: PlantLines, at_ms: int, file: Path) -> PlantLines:
    """The agent dies at this time and another one begins."""
    snapshot.write(file, snapshot.take(PROFILE, lines, at_ms * MS))
    kept = snapshot.read(file, PROFILE, (at_ms + 2000) * MS)
    assert kept is not None
    after = world()
    snapshot.restore(kept, PROFILE, after)
    after.plant.advance((at_ms + 2000) * MS)
    return after


def test_what_was_is_again(tmp_path: Path) -> None:
    lines = world()
    for relay in ("fan-relay", "main-relay"):
        lines.output_changed(relay, True, MS)
    for said in (
        "host 0 wake",
        "host 1 ignore-soft-off",
        "supply 2 ac-off",
        "sensor inlet 44",
        "supply 1 fail-at-start",
    ):
        happen(lines.plant, said.split(), 100 * MS)
    lines.plant.advance(3000 * MS)
    before = snapshot.take(PROFILE, lines, 3000 * MS)
    kept = snapshot.kept_levels(before, PROFILE)
    after = died(lines, 3000, tmp_path / "world.json")
    assert kept == {"fan-relay": True, "main-relay": True}
    assert after.plant.power_good("0")
    assert after.inputs(6000 * MS) == lines.inputs(6000 * MS)
    again = snapshot.take(PROFILE, after, 3000 * MS)
    assert (again.hosts, again.rails, again.sensors) == (before.hosts, before.rails, before.sensors)
    assert again.lost_at_start == before.lost_at_start
    assert not after.plant.supplies["2"].mains


def test_a_button_is_let_go_when_the_agent_dies(tmp_path: Path) -> None:
    """A hold of 3 s that the death ends is a short press: the host is not cut, though the next agent comes later."""
    lines = world()
    lines.output_changed("main-relay", True, 0)
    happen(lines.plant, ["host", "0", "wake"], MS)
    lines.plant.advance(1000 * MS)
    happen(lines.plant, ["host", "0", "hang"], 1000 * MS)
    lines.output_changed("power-button-0", True, 2000 * MS)
    after = died(lines, 5000, tmp_path / "world.json")
    assert after.plant.hosts["0"].phase is HostPhase.RUNNING
    record = after.record["power-button-0"]
    assert (record.rises, record.active_since_ns) == (1, None)
    assert record.widths_ms == [3010.0]


def test_another_board_and_another_boot_begin_anew(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    assert snapshot.read(file, PROFILE, 0) is None
    snapshot.write(file, snapshot.take(PROFILE, world(), 5000))
    assert snapshot.read(file, load_profile(find_profile("sim")), 6000) is None
    assert snapshot.read(file, PROFILE, 4000) is None
    assert snapshot.read(file, PROFILE, 6000) is not None


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xff", b'{"hosts": 7}', b"[" * 100_000])
def test_a_damaged_file_is_named_with_the_cure(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "world.json"
    file.write_bytes(content)
    with pytest.raises(WorldError, match=r"world\.json: cannot be used: .*; remove it"):
        snapshot.read(file, PROFILE, 0)
