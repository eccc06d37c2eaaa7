# SPDX-License-Identifier: Apache-2.0
"""Which supplies are in the slots: a user's order lasts until that changes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.psu.slot import Health

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.psu.slot import Slot

Population = tuple[str | None, ...]
"""By slot: the serial number, ANY for a supply that does not tell it, None for an empty slot."""
ANY = "?"


def population(before: Population | None, slots: Sequence[Slot]) -> Population | None:
    """The supplies as they are known now; None while a slot was never seen.

    Silence, a lost input and a fault are no change: the supply that was there is still believed to be there.
    """
    known: list[str | None] = []
    for index, slot in enumerate(slots):
        if slot.health in (Health.UNREACHABLE, Health.UNAVAILABLE, Health.UNKNOWN):
            if before is None:
                return None
            known.append(before[index])
        elif slot.health is Health.ABSENT:
            known.append(None)
        else:
            known.append((slot.identity.serial if slot.identity else "") or ANY)
    if before is not None:  # a serial number that cannot be read for once is no other supply
        known = [old if new == ANY and old is not None else new for old, new in zip(before, known, strict=True)]
    return tuple(known)


def changed(before: Population, now: Population) -> bool:
    """Whether a supply was inserted, removed or exchanged. A serial number that is read at last is no exchange."""
    return any(old != new and old != ANY for old, new in zip(before, now, strict=True))
