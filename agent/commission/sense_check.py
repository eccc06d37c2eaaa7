# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a power-good line, from what a person says of the machine and what the line showed. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

NOISE_EDGES_PER_S = 12.0
"""More than a LED blinks at its fastest, 0.2 s: ten edges a second."""


class Machine(enum.Enum):
    """What the person says."""

    ON = "on"
    OFF = "off"
    ASLEEP = "asleep"


@dataclass(frozen=True, slots=True)
class Seen:
    """A line over a while: its settled level, whether that is a blink, and every raw edge."""

    level: bool
    blinking: bool
    edges: int
    span_s: float

    @property
    def noisy(self) -> bool:
        return self.edges > NOISE_EDGES_PER_S * max(self.span_s, 0.5)

    @property
    def text(self) -> str:
        if self.noisy:
            return f"is restless: {self.edges} edges in {self.span_s:.1f} s"
        shown = "blinks" if self.blinking else "is active" if self.level else "is inactive"
        return f"{shown} ({self.edges} edges in {self.span_s:.1f} s)"


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether it is right, what it is, and what to do about it."""

    good: bool
    text: str
    cures: tuple[str, ...] = ()


FLOATING = Finding(
    False,
    "the line floats: it changes all the time, whatever the machine does",
    (
        "Is its wire connected at both ends? An open wire picks up the mains.",
        "PWR_OK needs one ground wire between board and machine.",
        "An optocoupler's transistor needs a pull-up: bias = \"pull-up\" in the line's table.",
    ),
)
INVERTED = Finding(
    False,
    "the line is inverted: it says on when the machine is off",
    ("Change active_low in the line's table, true to false or false to true, and start the agent anew.",),
)
DEAD_LOW = Finding(
    False,
    "the line never says on: nothing changed while the machine did",
    (
        "An optocoupler at the power LED: exchange the two wires at the LED header, it works one way round only.",
        "Is the wire on the header pin that the profile names?",
        "Does the machine's own power LED light? If its plug was moved, it is missing there.",
    ),
)
DEAD_HIGH = Finding(
    False,
    "the line always says on: nothing changed while the machine did",
    (
        "Is the wire on standby power, which is there with the mains? PWR_OK is pin 8 (grey) of the ATX connector.",
        "Is it active without its wire, too? Then active_low or bias do not fit the circuit.",
    ),
)
BLINKS_WHILE_ON = Finding(
    False,
    "the line blinks while the machine is on",
    (
        "Is it the disk LED? Its plug is beside the power LED's.",
        "Some machines blink their power LED while they start: wait until it is done, and begin again.",
    ),
)
BLINKS_WHILE_OFF = Finding(
    False,
    "the line blinks while the machine is off",
    ("Is the machine asleep? Wake it and shut it down.", "Is it the LED of the network port, or one for standby?"),
)
NOT_A_LED = Finding(
    False,
    "the line blinks, but the profile says that it is no LED",
    ('If it watches the power LED, write source = "led" into its table: else sleep looks like a loss of power.',),
)
NOT_SWITCHED = Finding(
    False,
    "the machine was the same both times, so that nothing is proven",
    ("Begin again, and switch the machine by its own button when asked.",),
)
FOLLOWS = Finding(True, "power-good follows the machine")


def check_sense(before: tuple[Machine, Seen], after: tuple[Machine, Seen], led: bool) -> Finding:
    """The first fault that explains both looks. `led`: the profile says that the line watches a LED."""
    looks = (before, after)
    if any(seen.noisy for _, seen in looks):
        return FLOATING
    if before[0] is after[0]:
        return NOT_SWITCHED
    for said, seen in looks:
        if seen.blinking and not led:
            return NOT_A_LED
        if seen.blinking and said is Machine.ON:
            return BLINKS_WHILE_ON
        if seen.blinking and said is Machine.OFF:
            return BLINKS_WHILE_OFF
    wrong = [seen.level for said, seen in looks if _wrong(said, seen)]
    if not wrong:
        return FOLLOWS
    if len(wrong) == len(looks):
        return INVERTED
    return DEAD_HIGH if wrong[0] else DEAD_LOW


def _wrong(said: Machine, seen: Seen) -> bool:
    if said is Machine.ASLEEP:
        return not seen.blinking and seen.level
    return seen.level is not (said is Machine.ON)
