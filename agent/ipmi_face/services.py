# SPDX-License-Identifier: Apache-2.0
"""Which services the IPMI face stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.limits.watch import LimitWatch
    from agent.power.front_panel import FrontPanel
    from agent.power.host import Host
    from agent.power.hours import PowerOnHours
    from agent.power.identify import IdentifyLed
    from agent.power.manager import PowerManager
    from agent.power.restoration import Restoration
    from agent.power.restore import RestorePolicy
    from agent.psu.monitor import SupplyMonitor
    from agent.psu.power_meter import PowerMeter
    from agent.psu.redundancy import ColdRedundancy
    from agent.thermal.fans import Fans
    from agent.thermal.monitor import SensorMonitor
    from agent.thermal.zones import ThermalZones


class IpmiServices(Protocol):
    """Implemented by agent.board.services.Services."""

    @property
    def hosts(self) -> Mapping[str, Host]: ...

    @property
    def hours(self) -> Mapping[str, PowerOnHours]: ...

    @property
    def identify_leds(self) -> Mapping[str, IdentifyLed]: ...

    @property
    def panels(self) -> Mapping[str, FrontPanel]: ...

    @property
    def manager(self) -> PowerManager: ...

    @property
    def restore(self) -> Restoration: ...

    @property
    def restore_policy(self) -> RestorePolicy: ...

    @property
    def supplies(self) -> SupplyMonitor: ...

    @property
    def redundancy(self) -> ColdRedundancy: ...

    @property
    def sensors(self) -> SensorMonitor: ...

    @property
    def zones(self) -> ThermalZones: ...

    @property
    def fans(self) -> Fans: ...

    @property
    def limits(self) -> LimitWatch: ...

    @property
    def power_meter(self) -> PowerMeter: ...
