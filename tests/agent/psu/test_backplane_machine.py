# SPDX-License-Identifier: Apache-2.0
"""Random lives of a backplane: insertions, removals, mains, faults, load and settings in any order, and the laws."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.psu.change import ChangeError, changed
from agent.psu.verdict import RedundancyState
from ipmi.board import RankAlgorithm
from tests.agent.psu.backplane import SETTLE_S, Backplane

HAPPENINGS = (
    "remove",
    "insert",
    "swap",
    "ac-off",
    "ac-on",
    "brown-out",
    "fail",
    "repair",
    "fan-fail",
    "mute",
    "unmute",
)
REACTION_S = 2.0
"""Deglitching (0.5 s), holding back (0.5 s), a round of polls, and all supplies are active again."""
STEP_S = 0.25
LEGAL_ROLES = range(5)


class BackplaneMachine(RuleBasedStateMachine):
    """Time passes in small steps, and the laws are looked at after each."""

    @initialize(slots=st.integers(2, 8), enabled=st.booleans())
    def begin(self, slots: int, enabled: bool) -> None:
        self.plane = Backplane(slots, enabled=enabled)
        self.slots = slots
        self.overloaded_s = 0.0
        self.nobody_active_s = 0.0
        self.wait(3.0)
        self.plane.power_on(100)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.plane.run(STEP_S)
            self._laws()

    def _laws(self) -> None:
        supplies = self.plane.supplies
        healthy = [supply for supply in supplies if supply.healthy]
        assert all(supply.role in LEGAL_ROLES for supply in supplies)
        if healthy and self.plane.plant.power_good("0"):
            assert any(supply.awake for supply in healthy), "a load, and nobody delivers"
        active = (
            any(supply.role <= 1 or supply.muted for supply in healthy) or self.plane.plant.bus_faults["main"].stuck
        )
        self.nobody_active_s = 0.0 if active or not healthy else self.nobody_active_s + STEP_S
        assert self.nobody_active_s <= REACTION_S, "no supply has an active role"
        awake_w = sum(supply.rated_w for supply in healthy if supply.awake)
        load_w = sum(supply.output_w for supply in supplies)
        spare = any(not supply.awake and not supply.muted for supply in healthy)
        self.overloaded_s = self.overloaded_s + STEP_S if load_w > awake_w and spare else 0.0
        assert self.overloaded_s <= REACTION_S, "a standby supply sleeps while others are overloaded"

    @rule(data=st.data(), happening=st.sampled_from(HAPPENINGS), after_s=st.sampled_from([0.0, 0.25, 1.0, 3.0]))
    def supply(self, data: st.DataObject, happening: str, after_s: float) -> None:
        self.plane.happen(data.draw(st.integers(1, self.slots)), happening)
        self.wait(after_s)

    @rule(part=st.floats(0.0, 1.0))
    def load(self, part: float) -> None:
        """Never more than the healthy supplies can carry together: beyond that no controller helps."""
        healthy = sum(supply.rated_w for supply in self.plane.supplies if supply.healthy)
        self.plane.load(part * healthy)
        self.wait(1.0)

    @rule(stuck_s=st.sampled_from([0.25, 1.0, 4.0]))
    def stuck(self, stuck_s: float) -> None:
        self.plane.bus("stuck")
        self.wait(stuck_s)
        self.plane.bus("free")

    @rule(data=st.data())
    def set_ranks(self, data: st.DataObject) -> None:
        ranks = data.draw(st.permutations(range(self.slots + 1)))[: self.slots]
        self._configure({"ranks": ranks})

    @rule(
        change=st.sampled_from(
            [
                {"enabled": True},
                {"enabled": False},
                {"rotation": False},
                {"rotation": True},
                {"algorithm": "bmc_specific"},
                {"expected_supplies": 1},
                {"period_s": 86_400},
            ]
        )
    )
    def set_one(self, change: dict[str, object]) -> None:
        self._configure(change)

    @rule(ranks=st.lists(st.integers(-1, 9), max_size=9))
    def set_nonsense(self, ranks: list[int]) -> None:
        before = self.plane.redundancy.view().settings
        if (
            sorted(set(ranks)) == sorted(ranks)
            and len(ranks) == self.slots
            and 0 <= min(ranks) <= max(ranks) <= self.slots
        ):
            return
        try:
            changed(before, {"ranks": ranks, "enabled": not before.enabled})
        except ChangeError:
            assert self.plane.redundancy.view().settings == before
        else:
            raise AssertionError(f"{ranks} was taken")

    def _configure(self, change: dict[str, object]) -> None:
        wanted = changed(self.plane.redundancy.view().settings, change)
        self.plane.run_async(self.plane.redundancy.configure(wanted.settings, "test", wanted.expected))
        self.wait(0.5)

    @rule()
    def rotate_now(self) -> None:
        self.plane.redundancy._elapsed_s = 1e9
        self.wait(1.0)

    @precondition(lambda self: hasattr(self, "plane"))
    @invariant()
    def views_are_legal(self) -> None:
        view = self.plane.redundancy.view()
        given = [place for place in view.ranks if place]
        assert len(set(given)) == len(given)
        assert all(0 <= place <= self.slots for place in view.ranks)
        assert len(view.settings.ranks) == self.slots

    def teardown(self) -> None:
        """In the end everything is repaired: the set must find back to full redundancy and to its ranks."""
        if not hasattr(self, "plane"):
            return
        plane = self.plane
        for slot in range(1, self.slots + 1):
            for happening in ("repair", "unmute", "ac-on", "insert"):
                if happening != "insert" or not plane.supplies[slot - 1].present:
                    plane.happen(slot, happening)
        plane.load(50)
        self.wait(5.0)
        plane.run(95 + SETTLE_S)  # flapping ends, forced supplies are let go
        view = plane.redundancy.view()
        assert view.state is RedundancyState.FULL
        if view.settings.enabled:
            chosen = view.settings.algorithm is RankAlgorithm.USER_SPECIFIC
            assert sorted(view.ranks) == (sorted(view.settings.ranks) if chosen else list(range(1, self.slots + 1)))
            assert not chosen or view.ranks == view.settings.ranks
        else:
            assert set(plane.roles) == {0}
        assert not view.wiring
        plane.close()


BackplaneMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBackplane = BackplaneMachine.TestCase


def test_wear_is_even_to_one_period() -> None:
    """Ten periods of the real order on measured hours: the spread never exceeds one period."""
    from agent.psu.slot import Slot
    from agent.psu.wear import Wear

    period_s = 86_400.0
    wear = Wear({})
    slots = [Slot(str(number)) for number in range(4)]
    seconds = dict.fromkeys(range(4), 0.0)
    for _ in range(41):
        active = wear.order(slots)[0]
        seconds[active] += period_s
        wear = Wear({f"slot {number}": value for number, value in seconds.items()})
        assert max(seconds.values()) - min(seconds.values()) <= period_s
