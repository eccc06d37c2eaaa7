# SPDX-License-Identifier: Apache-2.0
"""A thermal zone of the board as the energy policies see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.heat import ZoneNow
from agent.thermal.zone import Trip

if TYPE_CHECKING:
    from agent.board.services import Services

AGAINST_HEAT = (Trip.PASSIVE, Trip.HOT)


def zone_now(services: Services, name: str) -> ZoneNow:
    """Of several fans the fastest counts."""
    zone = services.zones.all()[name]
    trip_c = next((zone.rules.trips[trip].celsius for trip in AGAINST_HEAT if trip in zone.rules.trips), None)
    duties = [services.fans.view(table.name).duty_percent for table in services.fans.of_zone(name)]
    known = [duty for duty in duties if duty is not None]
    return ZoneNow(None if zone.hottest is None else zone.hottest[1], trip_c, max(known, default=None))
