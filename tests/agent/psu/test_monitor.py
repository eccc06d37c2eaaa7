# SPDX-License-Identifier: Apache-2.0
"""The monitor over a simulated bus: who a supply is, however it is plugged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.sim.supply import CrpsSupply
    from agent.sim.thermal import ThermalMass
    from tests.agent.psu.backplane import Backplane

PLUGGED = ["psu.inserted", "redundancy.regained"]
SLOT = 2
ADDRESS = 0x57 + SLOT
AT_MOST = 60
"""More transactions than one poll of a supply that answers."""


def move_plug(
    backplane: Backplane, moves: Sequence[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], bool]:
    """Each happening so many transactions with the slot after the one before; tells whether all have come."""
    left = list(moves)
    answered = backplane.plant.device

    def device(bus: str, address: int, now_ns: int) -> CrpsSupply | ThermalMass:
        if address == ADDRESS and left:
            after, happening = left[0]
            if after:
                left[0] = after - 1, happening
            else:
                del left[0]
                backplane.happen(SLOT, happening)
        return answered(bus, address, now_ns)

    monkeypatch.setattr(backplane.plant, "device", device)
    return lambda: not left


@pytest.mark.parametrize("after", range(AT_MOST))
def test_a_supply_plugged_in_between_two_transactions(
    after: int, make: Callable[..., Backplane], monkeypatch: pytest.MonkeyPatch
) -> None:
    backplane = make(2)
    backplane.happen(SLOT, "remove")
    backplane.run(3)
    backplane.kinds()
    all_come = move_plug(backplane, [(after, "insert")], monkeypatch)
    backplane.run(30)
    assert all_come()
    assert backplane.kinds() == PLUGGED
    assert_known(backplane)


@pytest.mark.parametrize("after", range(AT_MOST))
def test_a_plug_that_bounces(after: int, make: Callable[..., Backplane], monkeypatch: pytest.MonkeyPatch) -> None:
    backplane = make(2)
    backplane.happen(SLOT, "remove")
    backplane.run(3)
    backplane.kinds()
    bounces = [(0, "insert"), (after, "remove"), (2, "insert"), (after // 2, "remove"), (1, "insert")]
    all_come = move_plug(backplane, bounces, monkeypatch)
    backplane.run(30)
    assert all_come()
    assert backplane.kinds() == PLUGGED
    assert_known(backplane)


def test_another_model_is_told_when_it_is_believed_to_be_there(make: Callable[..., Backplane]) -> None:
    backplane = make(2)
    backplane.happen(SLOT, "remove")
    backplane.run(3)
    backplane.kinds()
    backplane.happen(SLOT, "foreign")
    backplane.run(5)
    assert backplane.kinds() == ["psu.inserted", "psu.configuration_error", "redundancy.regained"]


def assert_known(backplane: Backplane) -> None:
    slot = backplane.monitor.slots[SLOT - 1]
    supply = backplane.supplies[SLOT - 1]
    assert slot.identity is not None
    assert (slot.identity.mfr_id, slot.identity.mfr_model) == (supply.mfr_id, supply.mfr_model)
    assert (slot.identity.serial, slot.identity.rated_w) == (supply.serial, supply.rated_w)
    assert slot.readings is not None
    assert None not in (slot.readings.vin_v, slot.readings.pin_w, slot.readings.vout_v, slot.readings.average_in_w)
