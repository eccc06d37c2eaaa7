# SPDX-License-Identifier: Apache-2.0
"""From the profile's interlocks, rail sequences and watches to the line engine's. Pure; the profile was checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from native import (
    Condition,
    HoldOff,
    Interlock,
    LatchLevel,
    OnFailure,
    PowerGoodWatch,
    RailSequence,
    RailStep,
    Steady,
    ThreadConfig,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.profile.rules import InterlockTable, SequenceTable, StepTable, WatchTable
    from agent.profile.schema import Profile

STEADY = {"active": Steady.ACTIVE, "inactive": Steady.INACTIVE, "blinking": Steady.BLINKING}
ON_FAILURE = {"unwind": OnFailure.UNWIND, "freeze": OnFailure.FREEZE}


def interlocks(profile: Profile, fired: Collection[str] = ()) -> tuple[Interlock, ...]:
    """The rules; one that belongs to states of a host starts disarmed, for its host's state is not known yet.

    `fired` names those that fired in an earlier run and were not reset.
    """
    return tuple(_interlock(profile, table, table.name in fired) for table in profile.interlocks)


def _interlock(profile: Profile, table: InterlockTable, fired: bool) -> Interlock:
    hosts = {host.name: host for host in profile.hosts}
    holds = tuple(HoldOff(hosts[name].power_button, hosts[name].power_good) for name in table.hold_off)
    latches = tuple(LatchLevel(line, level == "active") for line, level in table.drive.items())
    return Interlock(
        table.name,
        table.input,
        table.level == "active",
        (*holds, *latches),
        settled_ms=table.settled_ms,
        raw_edge_ok=table.raw_edge_ok,
        armed=not table.armed_in,
        fired=fired,
    )


def sequences(profile: Profile) -> tuple[RailSequence, ...]:
    return tuple(_sequence(table) for table in profile.sequences)


def _sequence(table: SequenceTable) -> RailSequence:
    return RailSequence(table.name, tuple(map(_step, table.steps)), ON_FAILURE[table.on_failure])


def _step(table: StepTable) -> RailStep:
    wait = None
    if table.wait:
        wait = Condition(table.wait, stable_ms=table.stable_ms, steady=STEADY[table.wait_level])
    return RailStep(table.line, table.level == "active", wait, table.within_ms, table.delay_ms)


def watches(profile: Profile, armed: bool) -> tuple[PowerGoodWatch, ...]:
    """Without outputs nobody presses, but drops are still seen."""
    return tuple(_watch(table, armed) for table in profile.watches)


def _watch(table: WatchTable, armed: bool) -> PowerGoodWatch:
    presses = table.presses if armed else ()
    return PowerGoodWatch(table.name, table.input, presses, table.rise_ms, table.hold_off_ms)


def thread(profile: Profile) -> ThreadConfig:
    """What the engine's thread asks for; a simulated board asks for nothing unless its profile does."""
    table = profile.engine
    if table is None:
        plain = ThreadConfig(fifo_priority=None, lock_memory=False)
        return plain if profile.board.simulated else ThreadConfig()
    return ThreadConfig(table.priority or None, table.cpu, table.lock_memory)
