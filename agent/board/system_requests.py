# SPDX-License-Identifier: Apache-2.0
"""Requests that look, and those that change settings: status, health, operations, configuration, policies, domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.board.audit_line import audit_line
from agent.board.domain_documents import domain_list
from agent.board.health import problems
from agent.board.options import effective
from agent.board.policies import PoliciesChange, change_words
from agent.board.tunables import ConfigChange
from agent.requests import data
from agent.requests.endpoint import Answer, Endpoint, Failure, NoArguments, RequestFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from agent.board.documents import Documents
    from agent.board.options import Options
    from agent.board.policies import Policies
    from agent.board.services import Services
    from agent.board.tunables import Tunables
    from agent.power.request import Reply
    from agent.store.audit import AuditTrail
    from agent.store.settings import Settings

MAX_LISTED = 256


class _WhichHost(msgspec.Struct, forbid_unknown_fields=True):
    host: str | None = None


class _Listing(msgspec.Struct, forbid_unknown_fields=True):
    active: bool = False
    """Only those that still run."""
    id: str | None = None
    latest: int = 32


class _AuditListing(msgspec.Struct, forbid_unknown_fields=True):
    latest: int = 32


class SystemRequests:
    """Used on the loop's thread."""

    def __init__(
        self,
        services: Services,
        documents: Documents,
        policies: Policies,
        tunables: Tunables,
        options: Options,
        settings: Settings,
        audit: AuditTrail,
    ) -> None:
        self._services = services
        self._documents = documents
        self._policies = policies
        self._tunables = tunables
        self._options = options
        self._settings = settings
        self._audit = audit

    def table(self) -> dict[str, Endpoint]:
        return {
            "hosts/status": Endpoint(False, _WhichHost, self._hosts, (data.HostStatuses,)),
            "chassis/status": _looks(self._chassis, data.ChassisStatus),
            "system/status": _looks(self._system, data.SystemStatus),
            "operations/list": Endpoint(False, _Listing, self._operations, (data.OperationList,)),
            "audit/list": Endpoint(False, _AuditListing, self._audit_list, (data.AuditLines,)),
            "health/check": _looks(self._health, data.Health),
            "config/get": _looks(self._config, data.Config),
            "config/update": Endpoint(True, ConfigChange, self._config_update, (data.Config,)),
            "policies/get": _looks(self._policies.document, data.Policies),
            "policies/update": Endpoint(True, PoliciesChange, self._policies_update, (data.Policies,)),
            "domains/list": _looks(self._domains, data.DomainList),
        }

    # ------------------------------------------------------------------ looking

    async def _hosts(self, given: _WhichHost, origin: str) -> AsyncIterator[Answer]:
        hosts = self._services.hosts
        if given.host is not None and given.host not in hosts:
            known = ", ".join(hosts) or "none"
            raise RequestFailed(Failure.UNKNOWN_HOST, f"this board has no host {given.host!r}; it has: {known}")
        wanted = hosts if given.host is None else (given.host,)
        yield Answer.done({"hosts": {name: self._host(name) for name in wanted}})

    def _host(self, name: str) -> dict[str, object]:
        services = self._services
        operation = services.operations.of_target(f"host/{name}")
        return self._documents.host(name) | {"power_on_h": services.hours[name].hours(), "operation": operation}

    def _chassis(self) -> dict[str, object]:
        services = self._services
        supplies = services.supplies.slots
        return {
            "powered": any(host.view().powered for host in services.hosts.values()),
            "hosts": {name: self._documents.host(name) for name in services.hosts},
            "domains": {
                services.power.graph.domains[name].source: self._documents.rail(name) for name in services.power.rails
            },
            "spare_w": services.capacity.spare_w(),
            "supplies": {slot.name: self._documents.supply(index) for index, slot in enumerate(supplies)},
            "redundancy": self._documents.redundancy() if supplies else None,
            "input_w": services.power_meter.present_w(),
        }

    def _system(self) -> dict[str, object]:
        return {
            "documents": self._documents.all(),
            "telemetry": self._documents.telemetry(),
            "health": self._health(),
            "operations": [one.document() for one in self._services.operations.all() if one.running],
        }

    async def _operations(self, given: _Listing, origin: str) -> AsyncIterator[Answer]:
        operations = self._services.operations
        if given.id is not None and operations.get(given.id) is None:
            raise RequestFailed(Failure.UNKNOWN_OPERATION, f"no operation {given.id!r}: it may be too long ago")
        wanted = [
            one
            for one in operations.all()
            if (one.running or not given.active) and (given.id is None or one.id == given.id)
        ]
        latest = wanted[-max(1, min(given.latest, MAX_LISTED)) :]
        yield Answer.done({"operations": [one.document() for one in latest]})

    async def _audit_list(self, given: _AuditListing, origin: str) -> AsyncIterator[Answer]:
        yield Answer.done({"lines": await self._audit.latest(max(1, min(given.latest, MAX_LISTED)))})

    def _health(self) -> dict[str, object]:
        found = list(problems(self._services))
        return {"healthy": not found, "problems": [{"source": source, "reason": why} for source, why in found]}

    def _config(self) -> dict[str, object]:
        settings = {
            setting.key: {"value": setting.value, "origin": setting.origin.value}
            for setting in effective(self._options, self._settings)
        }
        return {"settings": settings, "can_be_changed": list(self._tunables.keys)}

    def _domains(self) -> dict[str, object]:
        return {"domains": domain_list(self._services.power, self._options.profile)}

    # ------------------------------------------------------------------ changing

    async def _config_update(self, given: ConfigChange, origin: str) -> AsyncIterator[Answer]:
        reply = await self._tunables.update(given, origin)
        self._record(origin, "config/update", reply)
        yield Answer.of(reply, self._config() if reply.verdict.good else None)

    async def _policies_update(self, given: PoliciesChange, origin: str) -> AsyncIterator[Answer]:
        reply = await self._policies.update(given, origin)
        self._record(origin, f"policies/update {', '.join(change_words(given))}", reply)
        yield Answer.of(reply, self._policies.document() if reply.verdict.good else None)

    def _record(self, origin: str, what: str, reply: Reply) -> None:
        self._audit.note(audit_line(origin, what, (), reply, None, self._services.bus.boot))


def _looks(look: Callable[[], Mapping[str, object]], answered: type[data.Data]) -> Endpoint:
    async def serve(given: NoArguments, origin: str) -> AsyncIterator[Answer]:
        yield Answer.done(look())

    return Endpoint(False, NoArguments, serve, (answered,))
