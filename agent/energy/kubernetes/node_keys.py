# SPDX-License-Identifier: Apache-2.0
"""What is to stand in the node: annotations and a label out of what is known of the cap. Pure."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.energy.kubernetes.table import KubernetesTable
    from agent.energy.signals.interface import SignalPoint

UW_PER_W = 1_000_000
MAX_TEXT = 200
"""Names of sources and policies may come from plug-ins; a node has 256 KiB for all of its annotations."""
TIER_MARGIN = 0.03
"""A label changes only when the cap is so far, as a share of its range, beyond the border: pods are moved by it."""


class Tier(Enum):
    """How much of the range between least and largest cap the node may use."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    FULL = "full"
    """All of it: nothing is held back."""


BORDERS = ((0.999, Tier.FULL), (2 / 3, Tier.HIGH), (1 / 3, Tier.MEDIUM))


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What is known now; None = not known, and then not in the node. `zone` is by which a quarter is named."""

    at_s: float
    """Unix time."""
    min_w: float
    max_w: float
    cap_w: float | None
    """In force, as it was read back."""
    binding: str = "none"
    """The policy that holds the cap down."""
    provider: str = ""
    """Where the market's data come from."""
    zone: str = "UTC"
    volume_mwh: SignalPoint | None = None
    price_eur_per_mwh: SignalPoint | None = None
    carbon_g_per_kwh: SignalPoint | None = None

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not all(math.isfinite(watts) for watts in (self.min_w, self.max_w, self.cap_w or 0.0, self.at_s)):
            raise ValueError(f"no facts of a node: {self.min_w} to {self.max_w} W, cap {self.cap_w} W, at {self.at_s}")


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """Keys with their values; None = the key is not to be there."""

    annotations: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.annotations or self.labels)

    def removed(self) -> NodeKeys:
        return NodeKeys(dict.fromkeys(self.annotations), dict.fromkeys(self.labels))

    def unlike(self, known: NodeKeys) -> NodeKeys:
        """Those of ours that `known` has otherwise."""
        return NodeKeys(_unlike(self.annotations, known.annotations), _unlike(self.labels, known.labels))

    def only(self, ours: NodeKeys) -> NodeKeys:
        """The part that has the keys of `ours`: a node has hundreds of others."""
        return NodeKeys(
            {key: self.annotations[key] for key in ours.annotations if key in self.annotations},
            {key: self.labels[key] for key in ours.labels if key in self.labels},
        )

    def only_times(self) -> bool:
        """Whether nothing but the time of the last change is different: no reason to write a node."""
        return not self.labels and all(key.endswith(("/updated", "/last-update")) for key in self.annotations)

    def patch(self) -> dict[str, object]:
        """A merge patch of the node (RFC 7386): null takes a key away."""
        parts = {"annotations": dict(self.annotations), "labels": dict(self.labels)}
        return {"metadata": {name: part for name, part in parts.items() if part}}


def node_keys(facts: NodeFacts, table: KubernetesTable, before: Tier | None = None) -> tuple[NodeKeys, Tier | None]:
    """All keys of ours, with those that are to be absent; the tier is the next call's `before`."""
    span_w = facts.max_w - facts.min_w
    now = None
    if facts.cap_w is not None:
        now = tier((facts.cap_w - facts.min_w) / span_w if span_w > 0 else 1.0, before)
    own = {
        "cap-watts": _watts(facts.cap_w),
        "min-watts": _watts(facts.min_w),
        "max-watts": _watts(facts.max_w),
        "binding": _text(facts.binding),
        "price-eur-per-mwh": _value(facts.price_eur_per_mwh, 2),
        "carbon-g-per-kwh": _value(facts.carbon_g_per_kwh, 1),
        "updated": rfc3339(facts.at_s),
    }
    annotations = {f"{table.prefix}/{name}": value for name, value in own.items()}
    if table.rapl_keys:
        annotations |= _of_powercap(facts)
    labels = {f"{table.prefix}/power-tier": None if now is None else now.value} if table.tier_label else {}
    return NodeKeys(annotations, labels), now


def tier(share: float, before: Tier | None = None) -> Tier:
    """0 = least cap, 1 = largest. Near a border it stays what it was."""
    now = _tier(share)
    if before is None or now is before:
        return now
    order = list(Tier)
    towards = TIER_MARGIN if order.index(before) > order.index(now) else -TIER_MARGIN
    return before if _tier(share + towards) is before and Tier.FULL not in (before, now) else now


def period(point: SignalPoint, zone: str) -> str:
    """`HH:MM-HH:MM` by the clock on the wall; a day's last quarter ends at 24:00, as in powercap's files."""
    begin, end = (datetime.datetime.fromtimestamp(at_s, ZoneInfo(zone)) for at_s in (point.start_s, point.end_s))
    midnight = end.hour == end.minute == 0
    return f"{begin:%H:%M}-{'24:00' if midnight else f'{end:%H:%M}'}"


def rfc3339(at_s: float) -> str:
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_powercap(facts: NodeFacts) -> dict[str, str | None]:
    """menraromial/powercap's ANNOTATIONS.md: microwatts, MWh and EUR/MWh as text."""
    market = facts.volume_mwh or facts.price_eur_per_mwh
    return {
        "rapl/pmax": None if facts.cap_w is None else str(round(facts.cap_w * UW_PER_W)),
        "rapl/max_power_uw": str(round(facts.max_w * UW_PER_W)),
        "rapl/provider": _text(facts.provider),
        "rapl/last-update": rfc3339(facts.at_s),
        "rapl/market-period": None if market is None else period(market, facts.zone),
        "rapl/market-volume": _value(facts.volume_mwh, 1),
        "rapl/market-price": _value(facts.price_eur_per_mwh, 2),
        "power-manager/initialized": "true",
    }


def _tier(share: float) -> Tier:
    return next((tier for border, tier in BORDERS if share >= border), Tier.LOW)


def _unlike(wanted: Mapping[str, str | None], known: Mapping[str, str | None]) -> dict[str, str | None]:
    return {key: value for key, value in wanted.items() if known.get(key) != value}


def _watts(watts: float | None) -> str | None:
    return None if watts is None else f"{watts:.1f}"


def _value(point: SignalPoint | None, digits: int) -> str | None:
    return None if point is None else f"{point.value:.{digits}f}"


def _text(text: str) -> str | None:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:MAX_TEXT]) or None
