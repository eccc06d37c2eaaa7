# SPDX-License-Identifier: Apache-2.0
"""Which kinds of signal there are: ours, and those that installed packages publish under `pgood.signals`."""

from __future__ import annotations

from agent.energy.signals.kind import ENTRY_POINTS, SignalKind, SignalOptions
from agent.plugin_kinds import PluginKinds

BUILT_IN = {
    "file": "agent.energy.signals.file",
    "static": "agent.energy.signals.static",
    "mock": "agent.energy.signals.mock",
    "energy-charts": "agent.energy.signals.energy_charts",
    "energy-charts-power": "agent.energy.signals.energy_charts_power",
    "entsoe": "agent.energy.signals.entsoe",
    "awattar": "agent.energy.signals.awattar",
    "gb-carbon": "agent.energy.signals.gb_carbon",
    "electricity-maps": "agent.energy.signals.electricity_maps",
    "epex-table": "agent.energy.signals.epex_table",
}
"""Module of each kind of ours, imported when it is first asked for; each has a KIND."""

KINDS = PluginKinds(ENTRY_POINTS, BUILT_IN, SignalKind, SignalOptions)
find, names = KINDS.find, KINDS.names
