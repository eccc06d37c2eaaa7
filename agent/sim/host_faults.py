# SPDX-License-Identifier: Apache-2.0
"""What may happen to a simulated host by a single word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.sim.atx_host import Behaviour
from agent.sim.things import UnknownThing

if TYPE_CHECKING:
    from agent.sim.atx_host import AtxHost

HOST_WORDS = (
    *(one.value for one in Behaviour),
    *("crash", "wake", "sleep", "dead-button", "stuck-button", "no-power-good", "inverted-power-good"),
    *("restore-on-ac", "stay-off-on-ac"),
)
"""What may happen to a host without a number."""


def happen_to_host(host: AtxHost, happening: str, now_ns: int) -> None:
    """One of HOST_WORDS. Raises UnknownThing."""
    match happening:
        case "normal":
            host.repair(now_ns)
        case "hang" | "ignore-soft-off":
            host.behaviour = Behaviour(happening)
        case "crash":
            host.crash()
        case "wake":
            host.wake(now_ns)
        case "sleep":
            host.sleep(now_ns)
        case "dead-button":
            host.break_button(now_ns, dead=True)
        case "stuck-button":
            host.break_button(now_ns, stuck=True)
        case "no-power-good":
            host.sense.missing = True
        case "inverted-power-good":
            host.sense.inverted = True
        case "restore-on-ac" | "stay-off-on-ac":
            host.restores_on_ac = happening == "restore-on-ac"
        case _:
            known = f"{', '.join(HOST_WORDS)}, and with a number: drop, flicker, finger, load"
            raise UnknownThing(f"a host knows {known} (not {happening!r})")
