# SPDX-License-Identifier: Apache-2.0
"""The environment of powercap laid over the site file's table, where `energy.environment` asks for it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from agent.energy.policy_tables import VolumeTable
from agent.energy.signals.interface import SignalUnit
from agent.energy.signals.table import SignalTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.energy.original_environment import OriginalSettings
    from agent.energy.tables import EnergyTable

MARKET = "market"
"""The signal that DATA_PROVIDER stands for."""
KINDS = {"epex": "epex-table"}
"""The original's providers that have another name here."""
BY_UNIT = frozenset({"epex-table", "mock", "static", "file"})
"""Kinds that must be told what they are asked for: the volume."""
DAYS = {"delivery_date": "{day}", "trading_date": "{day_before}", "data_mode": "table"}
"""What the original adds to the address of the exchange."""
DEFAULT_PROVIDER = "epex"


def with_original(table: EnergyTable, given: OriginalSettings) -> EnergyTable:
    """What the environment names wins; what it does not name stays."""
    changes: dict[str, object] = {
        "apply_s": given.period_s,
        "min_w": given.min_w,
        "max_w": given.max_w,
        "zone": given.zone,
        "refresh_cron": given.refresh_cron,
    }
    table = msgspec.structs.replace(table, **{key: value for key, value in changes.items() if value is not None})
    signals = dict(table.signals)
    if given.provider is not None or given.provider_url is not None or given.provider_params is not None:
        signals[MARKET] = _market(given, signals.get(MARKET))
    if given.zone is not None:
        signals = {name: msgspec.structs.replace(signal, zone=given.zone) for name, signal in signals.items()}
    policies = table.policies
    if MARKET in signals and not any(isinstance(one, VolumeTable) for one in policies):
        policies = (*policies, VolumeTable(signal=MARKET))
    if given.reference is not None:
        mode = given.reference.value
        policies = tuple(_compared(one, mode) if isinstance(one, VolumeTable) else one for one in policies)
    return msgspec.structs.replace(table, signals=signals, policies=policies)


def _compared(policy: VolumeTable, reference: str) -> VolumeTable:
    return msgspec.structs.replace(policy, reference=reference)


def _market(given: OriginalSettings, before: SignalTable | None) -> SignalTable:
    """A provider that is not named is the site file's, else the original's own."""
    provider = given.provider or (before.kind if before else DEFAULT_PROVIDER)
    kind = KINDS.get(provider, provider)
    options: dict[str, object] = dict(before.options) if before is not None and before.kind == kind else {}
    if kind in BY_UNIT:
        options.setdefault("unit", SignalUnit.MWH.value)
    params = given.provider_params or {}
    if kind == KINDS["epex"]:
        if given.provider_url is not None:
            options["url"] = _with_days(given.provider_url, params)
    else:
        options |= {key: _number(text) for key, text in params.items()}
        if given.provider_url is not None:
            options["url"] = given.provider_url
    if before is not None:
        return msgspec.structs.replace(before, kind=kind, options=options)
    return SignalTable(kind=kind, options=options)


def _with_days(url: str, params: Mapping[str, str]) -> str:
    """An address that says itself where its day goes is taken as it is."""
    query = dict(params) if "{day}" in url else {**params, **DAYS}
    if not query:
        return url
    return url + ("&" if "?" in url else "?") + urlencode(query, safe="{}")


def _number(text: str) -> object:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text else number
