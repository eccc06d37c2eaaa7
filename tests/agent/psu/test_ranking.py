# SPDX-License-Identifier: Apache-2.0
"""Rank order and roles: examples of the rules, then the laws over any settings and any health."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.psu.ranking import HIGHEST_ROLE, rank, with_forced
from ipmi.board import RankAlgorithm, RedundancySettings

BMC, USER = RankAlgorithm.BMC_SPECIFIC, RankAlgorithm.USER_SPECIFIC


def configured(
    ranks: tuple[int, ...], algorithm: RankAlgorithm = BMC, enabled: bool = True, rotation: bool = True
) -> RedundancySettings:
    return RedundancySettings(enabled, rotation, algorithm, ranks, 604_800)


def all_of(count: int) -> tuple[bool, ...]:
    return (True,) * count


def test_bmc_order_is_the_slot_order() -> None:
    ranking = rank(configured((1, 2)), all_of(2), all_of(2), order=range(2))
    assert (ranking.ranks, ranking.roles) == ((1, 2), (1, 2))


def test_the_order_decides_while_rotation_is_on() -> None:
    assert rank(configured((1, 2, 3)), all_of(3), all_of(3), order=(2, 0, 1)).ranks == (2, 3, 1)
    assert rank(configured((1, 2, 3), rotation=False), all_of(3), all_of(3), order=(2, 0, 1)).ranks == (1, 2, 3)


def test_the_load_makes_standby_supplies_active_in_the_order_of_their_roles() -> None:
    assert with_forced((3, 1, 2, None), 1) == (3, 1, 1, None)
    assert with_forced((3, 1, 2, 0), 2) == (1, 1, 1, 0)


def test_user_order_is_followed_to_the_letter() -> None:
    assert rank(configured((2, 1), USER), all_of(2), all_of(2), order=range(2)).roles == (2, 1)
    ranking = rank(configured((0, 2), USER), all_of(2), all_of(2), order=range(2))
    assert (ranking.ranks, ranking.roles) == ((0, 2), (0, 2))


def test_user_order_is_followed_as_far_as_possible_when_a_supply_is_lost() -> None:
    ranking = rank(configured((3, 1, 2), USER), (True, False, True), all_of(3), order=range(3))
    assert (ranking.ranks, ranking.roles) == ((2, 0, 1), (2, 0, 1))


def test_off_sends_every_supply_back_to_active() -> None:
    ranking = rank(configured((2, 1), USER, enabled=False), all_of(2), all_of(2), order=range(2))
    assert (ranking.ranks, ranking.roles) == ((0, 0), (0, 0))


def test_supplies_beyond_the_fourth_stay_active() -> None:
    assert rank(configured((1, 2, 3, 4, 5, 6)), all_of(6), all_of(6), order=range(6)).roles == (1, 2, 3, 4, 0, 0)


def test_a_supply_that_may_not_be_steered_is_never_written() -> None:
    ranking = rank(configured((1, 2)), all_of(2), (False, True), order=range(2))
    assert (ranking.ranks, ranking.roles) == ((0, 1), (None, 1))


@given(st.data(), st.integers(1, 8))
def test_laws(data: st.DataObject, slots: int) -> None:
    some = st.lists(st.booleans(), min_size=slots, max_size=slots)
    healthy, steerable = data.draw(some), data.draw(some)
    ranks = tuple(data.draw(st.permutations(range(slots + 1)))[:slots])
    algorithm = data.draw(st.sampled_from(RankAlgorithm))
    settings = configured(ranks, algorithm, data.draw(st.booleans()), data.draw(st.booleans()))
    ranking = rank(settings, healthy, steerable, data.draw(st.permutations(range(slots))))
    assert all(role is None or 0 <= role <= HIGHEST_ROLE for role in ranking.roles)
    assert all((role is None) == (not may) for role, may in zip(ranking.roles, steerable, strict=True))
    given_ranks = [place for place in ranking.ranks if place]
    assert len(set(given_ranks)) == len(given_ranks)
    assert all(works or place == 0 for works, place in zip(healthy, ranking.ranks, strict=True))
    if any(healthy):  # never zero active supplies
        assert any(works and role in (None, 0, 1) for works, role in zip(healthy, ranking.roles, strict=True))
