# SPDX-License-Identifier: Apache-2.0
"""Adapter `ipmi`: a machine that has a BMC of its own, switched and sensed over IPMI 2.0; its sensors can be read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from agent.hardware.adapters.child import Child, ChildFailed
from agent.hardware.adapters.interface import (
    Ability,
    AdapterKind,
    AdapterOptions,
    Level,
    PreconditionFailed,
    Sense,
)
from agent.hardware.adapters.polled import PolledSense
from agent.hardware.adapters.secret_file import read_secret
from agent.hardware.remote_power_limit import LimitFault, NoLimit, RemoteLimit
from agent.hardware.remote_sensors import RemoteReading, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.hardware.adapters.interface import AdapterError, Precondition, Surroundings

CHILD = "agent.hardware.adapters.ipmi_child"
SENSOR_S = 30.0
"""Deadline of a sensor's reading: the first one reads the controller's whole list."""
LIMIT_FAULTS = {
    0x84: (LimitFault.REFUSED, "so many watts are out of its range"),
    0x85: (LimitFault.REFUSED, "its correction time is another"),
    0x89: (LimitFault.REFUSED, "its sampling period is another"),
    0xC1: (LimitFault.ABSENT, "it has no DCMI power management"),
    0xD4: (LimitFault.FORBIDDEN, 'the user may not; set privilege = "administrator", or give the user more rights'),
    0xD5: (LimitFault.ABSENT, "it has none to switch on"),
}
"""By completion code (DCMI 1.5 tables 6-18 and 6-19; IPMI 2.0 table 5-2)."""
ABILITIES = frozenset(Ability)


class IpmiOptions(AdapterOptions, frozen=True, kw_only=True):
    """Where the BMC is and who we are there."""

    timeout_s: Annotated[float, msgspec.Meta(ge=1, le=120)] = 10.0
    host: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:-]{1,253}$")]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 623
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
    password_file: str
    kg_file: str = ""
    privilege: Literal["operator", "administrator"] = "operator"
    poll_s: Annotated[float, msgspec.Meta(ge=0.5, le=3600)] = 3.0


def abilities(options: IpmiOptions) -> frozenset[Ability]:
    return ABILITIES


class IpmiAdapter:
    """Implements PowerAdapter, RemoteSensors and RemotePowerLimit of agent.hardware.

    Power, sensors and limits have a child process each: reading a long list of sensors delays no command.
    """

    abilities = ABILITIES
    reports = True

    def __init__(self, options: IpmiOptions, around: Surroundings) -> None:
        self._options = options
        self._around = around
        self._sense = PolledSense(around.place, self._look, options.poll_s)
        self._power: Child | None = None
        self._sensors: Child | None = None
        self._limits: Child | None = None

    # ------------------------------------------------------------------ PowerAdapter

    async def start(self, tell: Callable[[Sense], None]) -> None:
        await self.close()
        login = self._login()
        self._power, self._sensors, self._limits = (Child(CHILD, login) for _ in range(3))
        self._sense.start(tell)

    async def act(self, ability: Ability, when: Precondition) -> None:
        if ability is Ability.SENSE:
            raise self._around.error("'sense' is no command")
        when.confirm()
        # The child asks for the state and sends the command in one go.
        expected = when.level.value if when.own else None
        answer = await self._ask({"do": "act", "what": ability.value, "when": expected})
        if "refused" in answer:
            why = f"the machine was to be {expected} and is {answer['refused']}"
            raise PreconditionFailed(f"{self._around.place}: {why}; nothing was sent")
        self._sense.hurry()

    async def close(self) -> None:
        await self._sense.close()
        children = (self._power, self._sensors, self._limits)
        self._power = self._sensors = self._limits = None
        for child in children:
            if child is not None:
                await child.close()

    # ------------------------------------------------------------------ RemoteSensors

    async def sensor(self, name: str) -> RemoteReading | Unavailable:
        if self._sensors is None:
            return Unavailable(f"{self._around.place}: is not started")
        try:
            answer = await self._sensors.call({"do": "sensor", "name": name}, SENSOR_S)
        except ChildFailed as error:
            return Unavailable(str(self._failed(error)))
        value = answer.get("value")
        if not isinstance(value, float):
            return Unavailable(f"{self._around.place}: {answer.get('unavailable', 'no reading')}")
        return RemoteReading(value, str(answer.get("unit", "")), time.monotonic_ns())

    # ------------------------------------------------------------------ RemotePowerLimit

    async def power_limit(self) -> RemoteLimit | NoLimit:
        return await self._limit({"do": "limit"})

    async def limit_power(self, limit: RemoteLimit) -> RemoteLimit | NoLimit:
        values = [limit.active, limit.watts, limit.action, limit.correction_ms, limit.sampling_s]
        return await self._limit({"do": "set limit", "limit": values})

    async def _limit(self, request: Mapping[str, object]) -> RemoteLimit | NoLimit:
        if self._limits is None:
            return NoLimit(LimitFault.REFUSED, f"{self._around.place}: is not started")
        try:
            answer = await self._limits.call(request, self._options.timeout_s)
        except ChildFailed as error:
            return NoLimit(LimitFault.REFUSED, str(self._failed(error)))
        match answer:
            case {"limit": [bool(active), int(watts), int(action), int(correction_ms), int(sampling_s)]}:
                return RemoteLimit(active, watts, action, correction_ms, sampling_s)
            case {"code": int(code)}:
                fault, why = LIMIT_FAULTS.get(code, (LimitFault.REFUSED, f"completion code {code:02X}h"))
                return NoLimit(fault, f"{self._around.place}: the BMC sets no power limit: {why}")
        return NoLimit(LimitFault.REFUSED, f"{self._around.place}: the child process gave no limit")

    # ------------------------------------------------------------------ inside

    def _login(self) -> dict[str, Any]:
        options = self._options
        login: dict[str, Any] = {key: getattr(options, key) for key in ("host", "port", "user", "privilege")}
        login["password"] = read_secret(options.password_file, "password_file", self._around)
        if options.kg_file:
            login["kg"] = read_secret(options.kg_file, "kg_file", self._around)
        return login

    async def _look(self) -> Sense:
        answer = await self._ask({"do": "power"})
        if not isinstance(answer.get("on"), bool):
            raise self._around.error("the child process gave no power state")
        return Sense(Level.ON if answer["on"] else Level.OFF)

    async def _ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        if self._power is None:
            raise self._around.error("is not started")
        try:
            return await self._power.call(request, self._options.timeout_s)
        except ChildFailed as error:
            raise self._failed(error) from error

    def _failed(self, error: ChildFailed) -> AdapterError:
        options = self._options
        return self._around.error(f"BMC {options.host} port {options.port}, user {options.user!r}: {error}")


KIND = AdapterKind(
    "a machine with a BMC of its own, over IPMI (needs pgood[remote-bmc])", IpmiOptions, abilities, IpmiAdapter
)
