# SPDX-License-Identifier: Apache-2.0
"""What is known of a plug, step by step."""

from __future__ import annotations

from agent.hardware.adapters.interface import Level
from agent.hardware.adapters.plug_state import PlugState

UNHEARD = PlugState(needs_availability=True)


def test_nothing_is_known_before_the_link_is_up() -> None:
    heard = UNHEARD.availability(True, "").heard(Level.ON)
    assert heard.sense("s", "a") == (Level.UNKNOWN, "the broker has not been reached yet")


def test_what_a_broker_sends_before_it_confirms_the_subscription_counts() -> None:
    assert UNHEARD.availability(True, "").heard(Level.ON).link_up().sense("s", "a") == (Level.ON, "")
    away = UNHEARD.availability(False, "a says 'Offline'").link_up()
    assert away.sense("s", "a") == (Level.UNKNOWN, "the plug is away: a says 'Offline'")


def test_the_end_of_a_link_forgets_everything() -> None:
    on = UNHEARD.link_up().availability(True, "").heard(Level.ON)
    assert on.sense("s", "a") == (Level.ON, "")
    assert on.link_down("gone").sense("s", "a") == (Level.UNKNOWN, "gone")
    assert on.link_down("gone").link_up().sense("s", "a") == (Level.UNKNOWN, "a says nothing")


def test_a_plug_that_left_is_not_what_it_was() -> None:
    on = UNHEARD.link_up().availability(True, "").heard(Level.ON)
    back = on.availability(False, "a says 'Offline'").availability(True, "")
    assert back.sense("s", "a") == (Level.UNKNOWN, "s has said nothing yet")
