# SPDX-License-Identifier: Apache-2.0
"""What stands in the node: powercap's keys, ours, the label."""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.kubernetes.node_keys import NodeFacts, NodeKeys, Tier, node_keys, period, tier
from agent.energy.kubernetes.table import KubernetesTable
from agent.energy.signals.interface import SignalPoint
from agent.energy.slots import quarters

ZONE = "Europe/Paris"
QUARTERS = quarters(datetime.date(2025, 10, 6), ZONE)
AT_13_15 = QUARTERS[53]
FACTS = NodeFacts(
    at_s=1759756965.0,
    min_w=10.0,
    max_w=40.0,
    cap_w=36.3,
    binding="volume",
    provider="epex",
    zone=ZONE,
    volume_mwh=SignalPoint(AT_13_15.start_utc_s, 900, 85.2),
    price_eur_per_mwh=SignalPoint(AT_13_15.start_utc_s, 900, -45.674),
)


def test_the_keys_of_powercap() -> None:
    keys, _ = node_keys(FACTS, KubernetesTable(rapl_keys=True))
    theirs = {key: value for key, value in keys.annotations.items() if not key.startswith("energy.pgood/")}
    assert theirs == {
        "rapl/pmax": "36300000",
        "rapl/max_power_uw": "40000000",
        "rapl/last-update": "2025-10-06T13:22:45Z",
        "rapl/provider": "epex",
        "rapl/market-period": "13:15-13:30",
        "rapl/market-volume": "85.2",
        "rapl/market-price": "-45.67",
        "power-manager/initialized": "true",
    }


def test_only_ours_unless_asked_for() -> None:
    keys, now = node_keys(FACTS, KubernetesTable(prefix="power.example.org"))
    assert set(key.partition("/")[0] for key in keys.annotations) == {"power.example.org"}
    assert keys.annotations["power.example.org/cap-watts"] == "36.3"
    assert keys.labels == {"power.example.org/power-tier": "high"}
    assert now is Tier.HIGH
    assert node_keys(FACTS, KubernetesTable(tier_label=False))[0].labels == {}


def test_what_is_not_known_is_not_there() -> None:
    keys, now = node_keys(NodeFacts(at_s=0.0, min_w=10, max_w=40, cap_w=None), KubernetesTable(rapl_keys=True))
    assert now is None
    absent = {key for key, value in {**keys.annotations, **keys.labels}.items() if value is None}
    assert {"rapl/pmax", "rapl/market-period", "energy.pgood/cap-watts", "energy.pgood/power-tier"} <= absent
    assert keys.patch()["metadata"]["annotations"]["rapl/pmax"] is None  # type: ignore[index]


def test_the_last_quarter_of_a_day_ends_at_24() -> None:
    last = QUARTERS[-1]
    assert period(SignalPoint(last.start_utc_s, 900, 1.0), ZONE) == "23:45-24:00"


def test_only_what_is_other_is_written() -> None:
    keys, _ = node_keys(FACTS, KubernetesTable(rapl_keys=True))
    later, _ = node_keys(replace(FACTS, at_s=FACTS.at_s + 60), KubernetesTable(rapl_keys=True))
    change = later.unlike(keys)
    assert set(change.annotations) == {"rapl/last-update", "energy.pgood/updated"}
    assert change.only_times()
    assert not NodeKeys({"energy.pgood/cap-watts": "1"}).only_times()


@pytest.mark.parametrize(
    ("share", "before", "now"),
    [
        (0.0, None, Tier.LOW),
        (0.5, None, Tier.MEDIUM),
        (0.7, None, Tier.HIGH),
        (1.0, None, Tier.FULL),
        (0.34, Tier.LOW, Tier.LOW),  # hardly over the border
        (0.37, Tier.LOW, Tier.MEDIUM),
        (0.66, Tier.HIGH, Tier.HIGH),
        (0.63, Tier.HIGH, Tier.MEDIUM),
        (0.99, Tier.FULL, Tier.HIGH),  # held back at all is not full
        (1.0, Tier.HIGH, Tier.FULL),
    ],
)
def test_tiers_do_not_flutter(share: float, before: Tier | None, now: Tier) -> None:
    assert tier(share, before) is now


@settings(max_examples=100)
@given(
    cap_w=st.none() | st.floats(0, 1e6),
    text=st.text(max_size=400),
    value=st.floats(-1e9, 1e9),
    at_s=st.integers(0, 4_000_000_000),
)
def test_every_value_is_one_that_kubernetes_takes(cap_w: float | None, text: str, value: float, at_s: int) -> None:
    point = SignalPoint(at_s - at_s % 900, 900, value)
    facts = NodeFacts(float(at_s), 10.0, 40.0, cap_w, text, text, ZONE, point, point, point)
    keys, _ = node_keys(facts, KubernetesTable(rapl_keys=True))
    json.dumps(keys.patch()).encode()
    assert all(value is None or len(value) <= 200 for value in keys.annotations.values())
    for value_of_label in keys.labels.values():
        assert value_of_label is None or re.fullmatch(r"[a-z0-9]{1,63}", value_of_label)
