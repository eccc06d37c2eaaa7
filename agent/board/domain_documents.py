# SPDX-License-Identifier: Apache-2.0
"""Power domains as JSON documents: the state of a chassis or auxiliary one, and the list of all with what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.domain import DomainType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.board.power_wiring import PowerWiring
    from agent.power.domain import Domain
    from agent.profile.schema import HostTable, Profile

Document = dict[str, object]

HOST_CONTROLS = ("power_button", "reset_button", "nmi_button")


def rail_document(power: PowerWiring, name: str) -> Document:
    """State of one chassis or auxiliary domain."""
    rail = power.rails[name]
    return {
        "state": rail.state.value,
        "raised": rail.raised,
        "power_good": rail.has_power_good,
        "reason": power.reason(name),
        "needs": list(power.graph.needs(name)),
        "operation": power.manager.running_on(name),
    }


def domain_list(power: PowerWiring, profile: Profile) -> list[Document]:
    """The chassis as a whole, then every domain in the order of the profile."""
    graph = power.graph
    sources = {name: domain.source for name, domain in graph.domains.items()}
    hosts = {table.name: table for table in profile.hosts}
    whole: Document = {"name": "chassis", "type": "chassis", "members": list(sources.values())}
    return [whole, *(_one(power, profile, domain, hosts, sources) for domain in graph.domains.values())]


def _one(
    power: PowerWiring,
    profile: Profile,
    domain: Domain,
    hosts: Mapping[str, HostTable],
    sources: Mapping[str, str],
) -> Document:
    if domain.type is DomainType.HOST:
        host = hosts[domain.name]
        controls = [line for key in HOST_CONTROLS if (line := getattr(host, key))]
        power_good = [host.power_good] if host.power_good else []
    else:
        table = next(table for table in profile.domains if table.name == domain.name)
        controls, power_good = list(table.controls), list(table.power_good)
    return {
        "name": domain.source,
        "type": domain.type.value,
        "members": [domain.source],
        "state": power.facts[domain.name].state.value,
        "controls": controls,
        "power_good": power_good,
        "needs": [sources[need] for need in domain.needs],
        "needed_by": [sources[other] for other in power.graph.dependents(domain.name)],
        "start_delay_ms": domain.start_delay_ms,
        "stop_delay_ms": domain.stop_delay_ms,
        "watts": domain.watts,
        "operation": power.manager.running_on(domain.name),
    }
