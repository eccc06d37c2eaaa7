# SPDX-License-Identifier: Apache-2.0
"""Which kinds of adapter there are: ours, and those that installed packages publish under `pgood.adapters`."""

from __future__ import annotations

from agent.hardware.adapters.interface import ENTRY_POINTS, AdapterKind, AdapterOptions
from agent.plugin_kinds import PluginKinds

BUILT_IN = {
    "gpio": "agent.hardware.adapters.gpio",
    "line": "agent.hardware.adapters.line",
    "pmbus": "agent.hardware.adapters.pmbus",
    "ipmi": "agent.hardware.adapters.ipmi",
    "wol": "agent.hardware.adapters.wol",
    "mqtt-plug": "agent.hardware.adapters.mqtt_plug",
    "command": "agent.hardware.adapters.command",
}
"""Module of each kind of ours, imported when it is first asked for; each has a KIND."""

KINDS = PluginKinds(ENTRY_POINTS, BUILT_IN, AdapterKind, AdapterOptions)
find, names, everything = KINDS.find, KINDS.names, KINDS.everything
