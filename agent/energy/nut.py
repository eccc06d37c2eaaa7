# SPDX-License-Identifier: Apache-2.0
"""Reads a UPS from a NUT server: `LIST VAR` over TCP port 3493 (RFC 9271). Looks only, needs no password.

Blocks up to its time-out, and while the name is looked up: use it on a thread of its own.
"""

from __future__ import annotations

import math
import re
import socket
import time

import msgspec

from agent.energy.battery import BatteryReading, NoBatteryReading

PORT = 3493
MAX_BYTES = 65_536
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")
VALUE = re.compile(r'VAR (\S+) (\S+) "((?:[^"\\]|\\.)*)"')
ESCAPED = re.compile(r"\\(.)")
SHOWN = 60
MOST_S = 30 * 86_400.0
MOST_W = 100_000.0


class NutOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Raises ValueError."""

    ups: str
    host: str = "localhost"
    port: int = PORT
    timeout_s: float = 3.0

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.ups):
            raise ValueError(f"ups = {self.ups[:SHOWN]!r} is no name of a UPS: letters, digits, '.', '_' and '-'")
        if not HOST.fullmatch(self.host):
            raise ValueError(f"host = {self.host[:SHOWN]!r} is no name or address")
        if not 0 < self.port < 65_536 or not 0 < self.timeout_s <= 60:
            raise ValueError("port is within 1 and 65535, timeout_s above 0 and at most 60")


class NutError(Exception):
    """One sentence with the server and the cure."""


class NutBattery:
    """Implements BatterySource: a connection per reading, so that a server that is restarted costs one reading."""

    def __init__(self, options: NutOptions) -> None:
        self.name = f"{options.ups}@{options.host}"
        self._options = options

    def read(self) -> BatteryReading | NoBatteryReading:
        try:
            return reading(list_variables(self._options))
        except NutError as error:
            return NoBatteryReading(str(error))


def list_variables(options: NutOptions) -> dict[str, str]:
    """All that the server says of the UPS. Raises NutError."""
    place = f"NUT server {options.host}:{options.port}"
    end_s = time.monotonic() + options.timeout_s
    try:
        with socket.create_connection((options.host, options.port), options.timeout_s) as connection:
            connection.sendall(f"LIST VAR {options.ups}\nLOGOUT\n".encode("ascii"))
            return parse(_answer(connection, end_s, options.ups, place), options.ups, place)
    except OSError as error:
        raise NutError(f"{place} does not answer: {error}; is upsd running there, and listening?") from error


def parse(answer: str, ups: str, place: str) -> dict[str, str]:
    """The variables by name. Raises NutError unless the list is whole."""
    lines = answer.splitlines()
    if lines and lines[0].startswith("ERR "):
        raise NutError(f"{place} refuses {ups}: {lines[0][:SHOWN]}{_cure(lines[0])}")
    if not lines or lines[0] != f"BEGIN LIST VAR {ups}" or f"END LIST VAR {ups}" not in lines:
        raise NutError(f"{place} gave no whole list for {ups}: {answer[:SHOWN]!r}")
    found = {}
    for line in lines[1 : lines.index(f"END LIST VAR {ups}")]:
        match = VALUE.fullmatch(line)
        if match is None or match[1] != ups:
            raise NutError(f"{place} gave a line that is no variable of {ups}: {line[:SHOWN]!r}")
        found[match[2]] = ESCAPED.sub(r"\1", match[3])
    return found


def reading(variables: dict[str, str]) -> BatteryReading | NoBatteryReading:
    """From `ups.status` (OL = on line, OB = on battery), `battery.charge`, `battery.runtime`, `ups.load`."""
    flags = variables.get("ups.status", "").split()
    if ("OL" in flags) == ("OB" in flags):
        told = variables.get("ups.status", "nothing")[:SHOWN]
        return NoBatteryReading(f"the UPS does not say whether it is on battery: its status is {told}")
    percent = _number(variables, "battery.charge", 100.0)
    power_w = _number(variables, "ups.realpower", MOST_W)
    load, most_w = _number(variables, "ups.load", 1000.0), _number(variables, "ups.realpower.nominal", MOST_W)
    if power_w is None and load is not None and most_w is not None:
        power_w = load / 100 * most_w
    charge = None if percent is None else percent / 100
    return BatteryReading("OL" in flags, charge, power_w, None, _number(variables, "battery.runtime", MOST_S))


def _number(variables: dict[str, str], name: str, most: float) -> float | None:
    try:
        number = float(variables[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) and 0 <= number <= most else None


def _answer(connection: socket.socket, end_s: float, ups: str, place: str) -> str:
    received = bytearray()
    while True:
        left_s = end_s - time.monotonic()
        if left_s <= 0:
            raise NutError(f"{place} gave no whole answer in time")
        connection.settimeout(left_s)
        chunk = connection.recv(4096)
        received += chunk
        text = received.decode("utf-8", "replace")
        if not chunk or text.startswith("ERR ") or f"\nEND LIST VAR {ups}\n" in text:
            return text
        if len(received) > MAX_BYTES:
            raise NutError(f"{place} says more than {MAX_BYTES} bytes about {ups}")


def _cure(line: str) -> str:
    if "UNKNOWN-UPS" in line:
        return " (see `upsc -l` for the names that it has)"
    if "DATA-STALE" in line or "DRIVER-NOT-CONNECTED" in line:
        return " (its driver has lost the UPS: look at the cable)"
    return ""
