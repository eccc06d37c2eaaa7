# SPDX-License-Identifier: Apache-2.0
"""Every form of words does something, and wrong ones say what there is."""

from __future__ import annotations

import re
from itertools import product

import pytest

from agent.profile.load import find_profile, load_profile
from agent.sim.plant import Plant
from agent.sim.rail_wirings import rail_wirings
from agent.sim.things import UnknownThing
from agent.sim.words import GRAMMAR, WORDS, happen

NUMBERS = {"MS": "100", "PERIOD_MS": "100", "FOR_MS": "100", "WATTS": "200", "RATE": "0.5", "VALUE": "40"}
NAMES = {"host": "0", "supply": "1", "bus": "psu", "sensor": "inlet", "rail": "main", "fan": "system"}


def plant(kind: str = "") -> Plant:
    """One that has this kind of part."""
    profile = load_profile(find_profile("sim" if kind == "fan" else "chassis-4-node"))
    return Plant(profile, 0, rail_wirings(profile))


def sentences(form: str) -> list[list[str]]:
    """Every choice of a form, with numbers and names put in: `bus NAME stuck|nack RATE`."""
    form = form.replace("nack RATE", "nack_RATE").replace("pec-errors RATE", "pec-errors_RATE")
    found = []
    for shorter in {form, re.sub(r" \[\w+\]", "", form)}:
        choices = [word.strip("[]").split("|") for word in shorter.split()]
        for words in product(*choices):
            kind = words[0]
            parts = [part for word in words for part in word.split("_RATE")]
            said = [NAMES[kind] if part == "NAME" else NUMBERS.get(part, part) for part in parts if part]
            found.append([*said, "0.5"] if any("_RATE" in word for word in words) else said)
    return found


@pytest.mark.parametrize("form", [form for form, _ in WORDS])
def test_every_form_is_understood(form: str) -> None:
    for said in sentences(form):
        assert happen(plant(said[0]), said, 0) == " ".join(said)


def test_every_form_is_in_the_grammar_once() -> None:
    assert GRAMMAR.split(", ") == [form for form, _ in WORDS]
    assert len(set(GRAMMAR.split(", "))) == len(WORDS)


@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        ([], UnknownThing, f"^the simulated world knows: {re.escape(GRAMMAR)}$"),
        (["host"], UnknownThing, "^the simulated world knows"),
        (["host", "9", "crash"], UnknownThing, "^this board has no host '9'; it has: 0, 1, 2, 3$"),
        (["host", "0", "explode"], UnknownThing, r"^a host knows normal, hang, .* finger, load \(not 'explode'\)$"),
        (["host", "0", "drop", "soon"], ValueError, r"^a time is a number \(not 'soon'\)$"),
        (["host", "0", "drop", "-5"], ValueError, r"^a time is 1 to 3.6e\+06 ms \(not -5\)$"),
        (["host", "0", "drop", "inf"], ValueError, r"^a time is a number \(not 'inf'\)$"),
        (["host", "0", "flicker", "1"], ValueError, r"^a period is 2 to 3.6e\+06 ms \(not 1\)$"),
        (["host", "0", "finger", "nan"], ValueError, r"^a time is a number \(not 'nan'\)$"),
        (["host", "0", "load", "-1"], ValueError, r"^a load is 0 to 100000 W \(not -1\)$"),
        (["load", "1e9"], ValueError, r"^a load is 0 to 100000 W \(not 1e\+09\)$"),
        (["supply", "1", "sing"], UnknownThing, r"^a supply knows remove, .*, fail-at-start \(not 'sing'\)$"),
        (["mains", "maybe"], UnknownThing, r"^the mains knows off, on, off-at-start \(not 'maybe'\)$"),
        (["bus", "psu", "nack", "2"], ValueError, r"^a rate is 0 to 1 \(not 2\)$"),
        (["sensor", "nose", "lost"], UnknownThing, "^this board has no sensor 'nose'; it has: inlet$"),
        (["rail", "main", "melt"], UnknownThing, r"^a rail knows normal, never, stuck, drop MS \(not 'melt'\)$"),
        (["rail", "west", "drop", "5"], UnknownThing, "^this board has no rail 'west'; it has: fans, main$"),
    ],
)
def test_wrong_words_say_what_there_is(said: list[str], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        happen(plant(), said, 0)
