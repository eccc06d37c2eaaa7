# SPDX-License-Identifier: Apache-2.0
"""Adapter `wol`: a machine on the network. Woken by a magic packet, shut down by a command, sensed by a TCP port."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.hardware.adapters.argv import Argv, CommandFailed, run
from agent.hardware.adapters.interface import Ability, AdapterKind, AdapterOptions, Level, Sense
from agent.hardware.adapters.magic_packet import MAC, mac_bytes, magic_packet
from agent.hardware.adapters.polled import PolledSense
from agent.hardware.adapters.secret_file import read_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.hardware.adapters.interface import Fault, Precondition, Surroundings
    from agent.profile.schema import Profile

OURSELVES = {errno.ENETUNREACH, errno.ENETDOWN, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}
"""Errors of a connection that say something of this board's network, and nothing of the machine."""


class WolOptions(AdapterOptions, frozen=True, kw_only=True):
    """`mac` of the machine's network card; the rest has defaults."""

    mac: Annotated[str, msgspec.Meta(pattern=MAC)]
    broadcast: Annotated[str, msgspec.Meta(pattern=r"^[0-9.]{7,15}$")] = "255.255.255.255"
    """The broadcast address of the machine's network: needed where this board is in several networks."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 9
    bursts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    """So many packets for one wake: the network may lose one."""
    gap_ms: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    secure_on_file: str = ""
    """A file with the SecureOn password, written like a MAC address."""
    shutdown: Argv = ()
    """A command that asks the operating system to shut down."""
    sense_host: str = ""
    """Name or address to connect to; a port that is refused is a machine that is on, too."""
    sense_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 22
    poll_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 5.0
    connect_s: Annotated[float, msgspec.Meta(ge=0.05, le=30)] = 2.0
    off_after: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    """So many connections in a row that nobody answers are a machine that is off."""


def abilities(options: WolOptions) -> frozenset[Ability]:
    found = {Ability.ON: True, Ability.SOFT_OFF: options.shutdown, Ability.SENSE: options.sense_host}
    return frozenset(ability for ability, given in found.items() if given)


def faults(options: WolOptions, profile: Profile) -> Iterator[Fault]:
    if mac_bytes(options.mac)[0] & 1:
        yield "mac", "is an address of many machines (its first byte is odd): give the one of the card"
    try:
        socket.inet_pton(socket.AF_INET, options.broadcast)
    except OSError:
        yield "broadcast", "is no IPv4 address, such as 192.0.2.255"


class WolAdapter:
    """Implements PowerAdapter."""

    def __init__(self, options: WolOptions, around: Surroundings) -> None:
        self.abilities = abilities(options)
        self.reports = bool(options.sense_host)
        self._options = options
        self._around = around
        self._sense = PolledSense(around.place, self._look, options.poll_s)
        self._level = Level.UNKNOWN
        self._missed = 0

    async def start(self, tell: Callable[[Sense], None]) -> None:
        if self._options.sense_host:
            self._sense.start(tell)

    async def act(self, ability: Ability, when: Precondition) -> None:
        if ability not in self.abilities or ability is Ability.SENSE:
            raise self._around.error(f"cannot do {ability.value!r}")
        packet = self._packet() if ability is Ability.ON else b""
        fresh = await self._sense.now() if when.own and self._options.sense_host else None
        when.confirm(fresh)
        if ability is Ability.ON:
            await self._wake(packet)
        else:
            await self._shut_down()
        self._sense.hurry()

    async def close(self) -> None:
        await self._sense.close()

    def _packet(self) -> bytes:
        options = self._options
        secure_on = b""
        if options.secure_on_file:
            text = read_secret(options.secure_on_file, "secure_on_file", self._around)
            try:
                secure_on = mac_bytes(text)
            except ValueError:
                why = f"{options.secure_on_file}: write six bytes like a MAC address, aa:bb:cc:dd:ee:ff"
                raise self._around.error(f"secure_on_file: {why}") from None
        return magic_packet(mac_bytes(options.mac), secure_on)

    async def _wake(self, packet: bytes) -> None:
        options = self._options
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            for number in range(options.bursts):
                if number:
                    await asyncio.sleep(options.gap_ms / 1000)
                try:
                    sender.sendto(packet, (options.broadcast, options.port))
                except OSError as error:
                    to = f"{options.broadcast}:{options.port}"
                    raise self._around.error(f"the wake packet cannot be sent to {to}: {error.strerror}") from error

    async def _shut_down(self) -> None:
        try:
            result = await run(self._options.shutdown, self._options.timeout_s)
        except CommandFailed as error:
            raise self._around.error(f"shutdown: {error}") from error
        if result.code != 0:
            raise self._around.error(f"shutdown: exit code {result.code}: {result.first_error_line}")

    async def _look(self) -> Sense:
        """One silence may be a lost packet; `off_after` of them in a row are a machine that is off."""
        options = self._options
        try:
            async with asyncio.timeout(options.connect_s):
                _, writer = await asyncio.open_connection(options.sense_host, options.sense_port)
            writer.close()
        except (ConnectionRefusedError, ConnectionResetError):
            pass  # somebody is there to say no
        except TimeoutError:
            return self._silence()
        except socket.gaierror as error:
            why = f"sense_host {options.sense_host!r} cannot be found: {error.strerror}"
            raise self._around.error(why) from error
        except OSError as error:
            if error.errno in OURSELVES:
                why = f"{options.sense_host} cannot be reached from here: {error.strerror}"
                raise self._around.error(why) from error
            return self._silence()
        self._missed, self._level = 0, Level.ON
        return Sense(Level.ON)

    def _silence(self) -> Sense:
        self._missed += 1
        if self._missed >= self._options.off_after:
            self._level = Level.OFF
        if self._level is Level.UNKNOWN:
            return Sense(Level.UNKNOWN, f"{self._around.place}: {self._options.sense_host} has not answered yet")
        return Sense(self._level)


KIND = AdapterKind(
    "wake-on-LAN, shutdown by a command, sensed by a TCP port",
    WolOptions,
    abilities,
    WolAdapter,
    faults,
    frozenset({Ability.ON, Ability.SOFT_OFF, Ability.SENSE}),
)
