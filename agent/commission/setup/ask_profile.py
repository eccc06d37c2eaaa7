# SPDX-License-Identifier: Apache-2.0
"""Which profile, and whether this machine has the GPIO chip and the lines that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.commission.setup.gpio_chips import chip_of, misfits
from agent.commission.setup.profile_source import open_profile
from agent.profile.load import load_profile, shipped_profiles
from agent.profile.problem import ConfigError

if TYPE_CHECKING:
    from agent.commission.setup.flags import Flags
    from agent.commission.setup.interview import Interview
    from agent.commission.setup.machine import Findings
    from agent.commission.setup.profile_source import ProfileSource


def ask_profile(interview: Interview, flags: Flags, found: Findings, in_force: str) -> ProfileSource:
    """`in_force` is what the site file names so far. Raises SetupError."""
    suggestion = in_force or (found.board.profile if found.board else None)
    if interview.asks and flags.profile is None:
        interview.say()
        interview.say("A profile says how your machine is wired to this board. These come with pgood, or name a file:")
        for name, description in _described():
            interview.say(f"  {name:18}{description}")
    source = interview.answer("--profile", flags.profile, "Profile", suggestion, open_profile)
    interview.say(f"Profile {source.named}: {source.profile.description or 'without a description'}")
    return source if source.profile.board.simulated else _on_this_machine(interview, flags, found, source)


def _described() -> list[tuple[str, str]]:
    lines = []
    for name, file in sorted(shipped_profiles().items()):
        try:
            lines.append((name, load_profile(file).description))
        except ConfigError:
            lines.append((name, "cannot be used: pgood check tells why"))
    return lines


def _on_this_machine(interview: Interview, flags: Flags, found: Findings, source: ProfileSource) -> ProfileSource:
    """With the chip that a flag or a person names. Raises SetupError."""
    label = flags.chip or (_ask_chip(interview, found, source) if interview.asks else "")
    if label:
        source = source.with_chip(label)
    for warning in misfits(source.profile, found.gpio):
        interview.say(f"  Attention: {warning}")
    return source


def _ask_chip(interview: Interview, found: Findings, source: ProfileSource) -> str:
    """The label of another chip than the profile's, if that is not here; empty = none."""
    labels = [chip.label for chip in found.gpio.chips]
    tables = list(source.profile.chips.values())
    if not labels or len(tables) != 1 or not tables[0].labels or chip_of(tables[0], found.gpio) is not None:
        return ""
    wanted = " or ".join(tables[0].labels)
    interview.say(f"The profile wants a GPIO chip {wanted}; this machine has: {', '.join(labels)}.")
    interview.say("If the lines of one of them are wired, name it. Enter leaves the profile as it is.")

    def known(text: str) -> str:
        if text and text not in labels:
            raise ValueError(f"{text!r} is none of {', '.join(labels)}")
        return text

    return interview.answer("--chip", None, "GPIO chip", "", known)
