# SPDX-License-Identifier: Apache-2.0
"""Which rails a profile has, for the plant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.profile.schema import Profile
    from agent.sim.rail import RailWiring


def rail_wiring(profile: Profile) -> tuple[RailWiring, ...]:
    """The rails that maintained outputs of this profile switch."""
    return ()
