# SPDX-License-Identifier: Apache-2.0
"""A simulated world that outlives its agent: the plant in a file, as it was when the agent died.

A real machine runs on while its agent is killed or restarted. With a snapshot a simulated one does as well: hosts,
supplies, faults and maintained outputs are as before, and buttons are let go as the guard does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.sim.atx_host import AtxHost
from agent.sim.fan import SimulatedFan
from agent.sim.press_record import PressRecord
from agent.sim.rail import Rail
from agent.sim.supply import CrpsSupply, Happening
from agent.sim.world_error import WorldError

if TYPE_CHECKING:
    from pathlib import Path

    from agent.profile.schema import Profile
    from agent.sim.plant_lines import PlantLines

FILE = "world.json"
GUARD_RELEASES_NS = 10_000_000
"""So long after the death of the agent its buttons are idle."""


class Snapshot(msgspec.Struct, forbid_unknown_fields=True):
    """The plant at one instant of CLOCK_MONOTONIC, which goes on from one process to the next."""

    profile: str
    taken_ns: int
    mains: bool
    hosts: dict[str, AtxHost]
    supplies: dict[str, CrpsSupply]
    rails: dict[str, Rail]
    sensors: dict[str, float | None]
    """What was set by hand."""
    fans: dict[str, SimulatedFan]
    lost_sensors: list[str]
    lost_at_start: list[tuple[str, Happening]]
    record: dict[str, PressRecord]


def take(profile: Profile, lines: PlantLines, now_ns: int) -> Snapshot:
    plant = lines.plant
    return Snapshot(
        profile.name,
        now_ns,
        plant.mains,
        plant.hosts,
        plant.supplies,
        plant.rails,
        {name: thing.forced for name, thing in (plant.masses | plant.humid_air).items()},
        plant.fans,
        sorted(plant.lost_sensors),
        plant.lost_at_start,
        lines.record,
    )


def write(file: Path, snapshot: Snapshot) -> None:
    """In one step, but not synced: it is for the death of the agent, not for that of the computer. Raises OSError."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_bytes(msgspec.json.encode(snapshot))
    fresh.replace(file)


def read(file: Path, profile: Profile, now_ns: int) -> Snapshot | None:
    """The world as it was left; None when there is none, or it is another board's or another boot's.

    Raises WorldError.
    """
    try:
        snapshot = msgspec.json.decode(file.read_bytes(), type=Snapshot)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WorldError(f"{file}: cannot be used: {error}; remove it, and the world begins anew") from error
    if snapshot.profile != profile.name or snapshot.taken_ns > now_ns:
        return None
    return snapshot


def restore(snapshot: Snapshot, profile: Profile, lines: PlantLines) -> None:
    """Put the world back, with every button let go at the moment when the agent was gone.

    Parts that the profile does not have any more are left out.
    """
    plant, gone_ns = lines.plant, snapshot.taken_ns + GUARD_RELEASES_NS
    plant.restore(
        snapshot.mains,
        snapshot.hosts,
        snapshot.supplies,
        snapshot.rails,
        snapshot.sensors,
        snapshot.fans,
        snapshot.lost_sensors,
        snapshot.lost_at_start,
    )
    for name, record in snapshot.record.items():
        if name in lines.record:
            lines.record[name] = record
            if profile.lines[name].class_ == "momentary" and record.active_since_ns is not None:
                lines.output_changed(name, False, gone_ns)


def kept_levels(snapshot: Snapshot, profile: Profile) -> dict[str, bool]:
    """Maintained outputs that were active: they still are."""
    return {
        name: True
        for name, record in snapshot.record.items()
        if record.active_since_ns is not None and name in profile.lines and profile.lines[name].class_ == "maintained"
    }
