# SPDX-License-Identifier: Apache-2.0
"""The controller over real frequencies: tuned beside its cap, boosted out of power that is to spare, given back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.energy.actuators.cpufreq import Cpufreq
from agent.energy.actuators.held import Held
from agent.energy.cap_writer import CapWriter
from agent.energy.controller import EnergyController
from agent.energy.energy_counters import EnergyCounters
from agent.energy.frequency.boost import Boost, BoostRefused
from agent.energy.frequency.tuner import Tuner
from agent.energy.meters.load_model import Utilisation
from agent.energy.meters.meter_set import MeterSet
from agent.energy.restore_file import RestoreFile
from agent.energy.surroundings import Surroundings
from agent.energy.sysfs import Sysfs
from agent.energy.tuning import Tuning
from agent.energy.view import CapState
from agent.hardware.port_thread import PortThread
from tests.agent.energy.control_rig import ZONE, ControlRig, Scale

if TYPE_CHECKING:
    from pathlib import Path

BOOST = "devices/system/cpu/cpufreq/boost"


class Frequencies(ControlRig):
    """One processor with acpi-cpufreq, boost switched off, and a meter."""

    def __init__(self, folder: Path) -> None:
        self.scale, self.busy, self.ticks = Scale(), 50, [0, 0]
        super().__init__(folder, min_w=20, max_w=90)
        self.spare_w = 500.0

    def _agent(self) -> EnergyController:
        agent = super()._agent()
        (self.policy,) = self.tree.acpi_cpufreq(1)
        self.tree.write(BOOST, 0)
        self.found = self.tree.everything()
        cpufreq = Cpufreq(self.kernel, 20.0, 90.0)
        held = self.held = Held(cpufreq, RestoreFile(self.folder / "restore.json", "boot"))
        self.writer = CapWriter(PortThread("cap", held, "stuck"), lambda: self.rival, self.table.apply_s)
        around = Surroundings(
            now_s=lambda: self.now_s,
            now_ns=lambda: self.mono_ns,
            emit=lambda kind, source, *arguments: self.events.append((kind, arguments)),
            changed=lambda: None,
            may_act=lambda: "" if self.armed else "not armed",
            spare_w=lambda: self.spare_w,
        )
        return EnergyController(
            self.table,
            agent.feeds,
            agent.policies,
            PortThread("meters", MeterSet([self.scale]), "stuck"),
            self.writer,
            "cpufreq",
            EnergyCounters(self.store, ZoneInfo(ZONE)),
            around,
            Tuning(Tuner(cpufreq, held), Utilisation(Sysfs(self.folder / "proc"))),
        )

    async def turn(self) -> None:
        """Some seconds of the same work."""
        (self.folder / "proc").mkdir(exist_ok=True)
        self.ticks[0] += self.busy
        self.ticks[1] += 100 - self.busy
        (self.folder / "proc" / "stat").write_text(f"cpu {self.ticks[0]} 0 0 {self.ticks[1]} 0 0 0 0\n")
        self.now_s += 5
        self.mono_ns += 5 * 10**9
        await self.feed.step()
        await self.agent.look()
        await self.agent.settled()

    @property
    def boosts(self) -> bool:
        return self.tree.read(BOOST) == "1"


def test_a_boost_is_granted_out_of_power_to_spare_and_ends(tmp_path: Path) -> None:
    async def story() -> None:
        rig = Frequencies(tmp_path)
        for _ in range(3):
            await rig.turn()
        assert rig.agent.view.tuned is not None
        assert rig.agent.view.tuned.utilisation == 0.5
        refused = await rig.agent.boost(20, 80)
        assert isinstance(refused, BoostRefused)
        assert "80 W and 70 W are to spare" in refused.reason
        granted = await rig.agent.boost(20, 30)
        assert isinstance(granted, Boost)
        assert rig.boosts
        await rig.turn()
        assert rig.agent.view.tuned.boost_left_s == 15
        for _ in range(4):
            await rig.turn()
        assert not rig.boosts
        assert isinstance(await rig.agent.boost(600, 10), Boost)
        rig.scale.watts = 120  # above the cap: nothing is to spare
        await rig.turn()
        assert not rig.boosts
        await rig.agent.close()
        assert rig.tree.everything() == rig.found

    asyncio.run(story())


def test_no_boost_is_there_unarmed_unmeasured_or_beside_a_rival(tmp_path: Path) -> None:
    async def story() -> None:
        rig = Frequencies(tmp_path)
        assert isinstance(await rig.agent.boost(20, 0), BoostRefused)  # nothing is decided yet
        rig.armed = False
        await rig.turn()
        assert await rig.agent.boost(20, 0) == BoostRefused("not armed")
        assert rig.tree.everything() == rig.found
        rig.armed = True
        rig.rival = "tuned (process 7) sets what cpufreq would set"
        for _ in range(3):
            await rig.turn()
        assert rig.agent.view.state is CapState.YIELDING
        assert await rig.agent.boost(20, 0) == BoostRefused(rig.rival)
        assert rig.tree.everything() == rig.found
        await rig.agent.close()

    asyncio.run(story())


def test_without_tuning_a_boost_says_what_it_needs(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path)
        refused = await rig.agent.boost(20, 0)
        assert isinstance(refused, BoostRefused)
        assert "energy.tuning = true" in refused.reason
        await rig.agent.close()

    asyncio.run(story())
