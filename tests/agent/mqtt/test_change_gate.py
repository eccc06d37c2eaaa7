# SPDX-License-Identifier: Apache-2.0
"""When a sample is worth a message."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt.change_gate import ChangeGate
from agent.profile.schema import TelemetryRule

RULES = (
    TelemetryRule(reading="supplies/2/pin_w", deadband=50.0),
    TelemetryRule(reading="supplies/+/pin_w", deadband=5.0),
    TelemetryRule(reading="temperatures_c/+", deadband=0.5, every_s=10.0),
)


def sample(
    first_w: float | None = 100.0, second_w: float = 100.0, inlet_c: float = 20.0, **more: Any
) -> dict[str, Any]:
    return {
        "supplies": {"1": {"pin_w": first_w}, "2": {"pin_w": second_w}},
        "temperatures_c": {"inlet": inlet_c},
        "hosts": {"0": {"state": "on"}},
        **more,
    }


def test_the_first_one_is_published_and_what_does_not_change_waits_for_the_heartbeat() -> None:
    gate = ChangeGate(RULES)
    assert gate.passes(sample(), 0.0, 60.0)
    assert not gate.passes(sample(), 1.0, 60.0)
    assert not gate.passes(sample(), 59.0, 60.0)
    assert gate.passes(sample(), 60.0, 60.0)
    assert not gate.passes(sample(), 61.0, 60.0)


def test_the_first_rule_that_fits_gives_the_dead_band() -> None:
    gate = ChangeGate(RULES)
    gate.passes(sample(), 0.0, 60.0)
    assert not gate.passes(sample(first_w=105.0), 1.0, 60.0)
    assert gate.passes(sample(first_w=105.1), 2.0, 60.0)
    assert not gate.passes(sample(first_w=105.1, second_w=149.0), 3.0, 60.0)
    assert gate.passes(sample(first_w=105.1, second_w=151.0), 4.0, 60.0)


def test_the_dead_band_counts_from_what_was_published() -> None:
    """A slow drift is not missed."""
    gate = ChangeGate(RULES)
    gate.passes(sample(), 0.0, 60.0)
    passed = [gate.passes(sample(first_w=100.0 + number), float(number), 60.0) for number in range(1, 13)]
    assert passed == [False] * 5 + [True] + [False] * 5 + [True]


def test_a_reading_that_comes_or_goes_is_a_change() -> None:
    gate = ChangeGate(RULES)
    gate.passes(sample(), 0.0, 60.0)
    assert gate.passes(sample(first_w=None), 1.0, 60.0)
    assert gate.passes(sample(), 2.0, 60.0)


def test_the_rate_of_a_reading() -> None:
    gate = ChangeGate(RULES)
    gate.passes(sample(), 0.0, 60.0)
    assert gate.passes(sample(inlet_c=21.0), 1.0, 60.0)
    assert not gate.passes(sample(inlet_c=22.0), 5.0, 60.0)
    assert gate.passes(sample(inlet_c=22.0, first_w=200.0), 6.0, 60.0)  # another reading takes it along
    assert gate.passes(sample(inlet_c=23.0, first_w=200.0), 11.0, 60.0)


def test_without_a_rule_every_change_counts_and_clocks_never_do() -> None:
    gate = ChangeGate()
    gate.passes(sample(time="a", mono_ns=1, engine={"x": 1}), 0.0, 60.0)
    assert not gate.passes(sample(time="b", mono_ns=2, engine={"x": 2}), 1.0, 60.0)
    assert gate.passes(sample(hosts={"0": {"state": "off"}}), 2.0, 60.0)


def test_whoever_comes_new_gets_one() -> None:
    gate = ChangeGate(RULES)
    gate.passes(sample(), 0.0, 60.0)
    gate.reset()
    assert gate.passes(sample(), 1.0, 60.0)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=80))
def test_what_the_reader_knows_is_never_further_off_than_the_dead_band(watts: list[float]) -> None:
    gate, known = ChangeGate(RULES), None
    for number, value in enumerate(watts):
        if gate.passes(sample(first_w=value), float(number), 1e9):
            known = value
        assert known is not None
        assert abs(known - value) <= 5.0
