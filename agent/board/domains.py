# SPDX-License-Identifier: Apache-2.0
"""From the profile's tables to the domains of a board. Pure; the profile was checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.domain import Domain, DomainType

if TYPE_CHECKING:
    from agent.profile.domain_tables import DomainTable
    from agent.profile.schema import Profile


def domains(profile: Profile) -> tuple[Domain, ...]:
    """Chassis and auxiliary domains in the order of their tables, then hosts in the order of theirs."""
    tables = {table.name: table for table in profile.domains}
    rails = [_domain(table) for table in profile.domains if table.type != "host"]
    hosts = [
        _domain(tables[host.name]) if host.name in tables else Domain(host.name, DomainType.HOST)
        for host in profile.hosts
    ]
    return (*rails, *hosts)


def _domain(table: DomainTable) -> Domain:
    return Domain(
        table.name,
        DomainType(table.type),
        table.needs,
        table.start_delay_ms,
        table.stop_delay_ms,
        table.watts,
    )
