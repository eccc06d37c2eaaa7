# SPDX-License-Identifier: Apache-2.0
"""The words that play with a simulated world: `pgood sim ...` and the `do` of scenario files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agent.sim.fan import FanHappening
from agent.sim.supply import Happening
from agent.sim.things import UnknownThing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.sim.plant import Plant

FINGER_MS = 200.0
FLICKER_FOR_MS = 2000.0
WORDS: tuple[tuple[str, str], ...] = (
    ("host NAME hang|ignore-soft-off", "its operating system does nothing on a short press; a reset ends a hang"),
    ("host NAME crash", "it loses power by itself"),
    ("host NAME wake|sleep", "it switches itself on; it suspends to memory (a power LED blinks then)"),
    ("host NAME finger [MS]", "a person presses its power button"),
    ("host NAME dead-button|stuck-button", "the board's press does not arrive; the button is pressed for good"),
    ("host NAME no-power-good|inverted-power-good", "the line never comes; it is wired the wrong way round"),
    ("host NAME drop MS", "power-good is off for so long, the host is not"),
    ("host NAME flicker PERIOD_MS [FOR_MS]", "power-good changes all the time"),
    ("host NAME restore-on-ac|stay-off-on-ac", "what its firmware does when standby power returns"),
    ("host NAME load WATTS", "what it draws while it is on"),
    ("host NAME normal", "every fault of this host is repaired"),
    ("load WATTS", "what each host draws while it is on"),
    (f"supply NAME {'|'.join(one.value for one in Happening)}", "what happens to a supply"),
    ("supply NAME ac-off-at-start|fail-at-start", "it happens when the next host starts, before power-good"),
    ("mains off|on|off-at-start", "the mains of everything"),
    ("bus NAME stuck|free|nack RATE|pec-errors RATE", "faults of an I2C bus; rates are 0 to 1"),
    ("sensor NAME VALUE|auto", "a temperature (Celsius) or a humidity (percent) by hand, or by the model again"),
    ("sensor NAME lost|back", "its address answers no more, and again"),
    (f"fan NAME {'|'.join(one.value for one in FanHappening)}", "it stands still; it turns again"),
    ("rail NAME never|stuck|normal", "it does not come up; its contact stays as it is; repaired"),
    ("rail NAME drop MS", "it is off for so long"),
)
"""Each form and what it does, as `pgood sim --help` shows them."""
GRAMMAR = ", ".join(form for form, _ in WORDS)


def happen(plant: Plant, words: Sequence[str], now_ns: int) -> str:
    """Let something happen: `supply 1 remove`, `host 0 drop 300`, `sensor inlet 45`, `load 300`.

    Returns what was done, for a person. Raises UnknownThing, ValueError.
    """
    match words:
        case ["host", name, "load", watts]:
            plant.load(_number(watts, "a load"), now_ns, name)
        case ["host", name, "finger"]:
            plant.finger(name, FINGER_MS, now_ns)
        case ["host", name, "finger", span]:
            plant.finger(name, _number(span, "a time"), now_ns)
        case ["host", name, "drop", span]:
            plant.drop(name, _number(span, "a time"), now_ns)
        case ["host", name, "flicker", period]:
            plant.flicker(name, _number(period, "a period"), FLICKER_FOR_MS, now_ns)
        case ["host", name, "flicker", period, span]:
            plant.flicker(name, _number(period, "a period"), _number(span, "a time"), now_ns)
        case ["host", name, happening]:
            plant.host(name, happening, now_ns)
        case ["load", watts]:
            plant.load(_number(watts, "a load"), now_ns)
        case ["supply", name, happening]:
            plant.supply(name, happening, now_ns)
        case ["mains", happening]:
            plant.set_mains(happening, now_ns)
        case ["bus", name, happening]:
            plant.bus(name, happening, 0.0)
        case ["bus", name, happening, rate]:
            plant.bus(name, happening, _number(rate, "a rate"))
        case ["sensor", name, "auto"]:
            plant.sensor(name, None)
        case ["sensor", name, "lost" | "back" as happening]:
            plant.lose_sensor(name, happening == "lost")
        case ["sensor", name, value]:
            plant.sensor(name, _number(value, "what a sensor shows"))
        case ["fan", name, happening]:
            plant.fan(name, happening, now_ns)
        case ["rail", name, "drop", span]:
            plant.drop_rail(name, _number(span, "a time"), now_ns)
        case ["rail", name, happening]:
            plant.rail(name, happening, now_ns)
        case _:
            raise UnknownThing(f"the simulated world knows: {GRAMMAR}")
    return " ".join(words)


def _number(text: str, what: str) -> float:
    """A finite number. Raises ValueError with the cure."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{what} is a number (not {text!r})")
    return value
