# SPDX-License-Identifier: Apache-2.0
"""The child process of adapter `ipmi`: pyghmi, whose state is global and whose calls block, behind lines of JSON.

The first line on standard input says where to log in; every further line is one request, answered by one line on
standard output. After an error of the session the child answers and ends: a new one begins with a clean state.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import IO, Any

CHASSIS = 0x00
GET_STATUS = 0x01
CONTROL = 0x02
CONTROLS = {"off": 0, "on": 1, "reset": 3, "nmi": 4, "soft_off": 5}
"""Chassis Control's parameter (IPMI 2.0, table 28-4) for each ability."""
POWER_BIT = 0x01
ONCE_S = 3600.0
TURN_S = 0.02
GROUP, DCMI = 0x2C, 0xDC
GET_LIMIT, SET_LIMIT, ACTIVATE_LIMIT = 0x03, 0x04, 0x05
LIMIT = struct.Struct("<BHI2xH")
"""DCMI 1.5 table 6-17: exception action, watts, correction time in ms, statistics sampling period in s."""
NOT_ACTIVE = 0x80
PRIVILEGES = {"operator": 3, "administrator": 4}


class Remote:
    """One session. Methods block; they return what is answered, and raise whatever pyghmi raises."""

    def __init__(self, login: dict[str, Any]) -> None:
        from pyghmi.ipmi.command import Command

        kg = login.get("kg")
        self._bmc = Command(
            bmc=login["host"],
            port=login["port"],
            userid=login["user"],
            password=login["password"],
            kg=kg.encode() if kg else None,
            privlevel=PRIVILEGES[login["privilege"]],
        )

    def power(self) -> dict[str, Any]:
        """Get Chassis Status."""
        data = self._raw(GET_STATUS, ())
        return {"on": bool(data[0] & POWER_BIT)}

    def act(self, what: str, when: str | None) -> dict[str, Any]:
        """Chassis Control, once: neither here nor in pyghmi is it sent again when no answer comes."""
        if when is not None:
            state = "on" if self.power()["on"] else "off"
            if state != when:
                return {"refused": state}
        self._raw(CONTROL, (CONTROLS[what],), once=True)
        return {}

    def sensor(self, name: str) -> dict[str, Any]:
        """One reading by name. The first call reads the controller's list of sensors, which may take seconds."""
        reading = self._bmc.get_sensor_reading(name)
        if reading.unavailable or reading.value is None:
            return {"unavailable": f"sensor {name!r} has no reading now"}
        return {"value": float(reading.value), "unit": str(reading.units or "")}

    def limit(self) -> dict[str, Any]:
        """Get Power Limit; some controllers tell the fields of a limit that is not active, others do not."""
        code, data = self._dcmi(GET_LIMIT, bytes(2))
        if code not in (0, NOT_ACTIVE):
            return {"code": code}
        if len(data) < 3 + LIMIT.size:
            if code == 0:
                raise OSError("the BMC tells its power limit in too few bytes")
            return {"limit": [False, 0, 0, 0, 0]}
        action, watts, correction_ms, sampling_s = LIMIT.unpack_from(data, 3)
        return {"limit": [code == 0, watts, action, correction_ms, sampling_s]}

    def set_limit(self, active: bool, watts: int, action: int, correction_ms: int, sampling_s: int) -> dict[str, Any]:
        """Set (unless there is nothing to set), activate or deactivate, read back. Doing it twice is doing it once."""
        if watts:
            code, _ = self._dcmi(SET_LIMIT, bytes(3) + LIMIT.pack(action, watts, correction_ms, sampling_s))
            if code:
                return {"code": code}
        code, _ = self._dcmi(ACTIVATE_LIMIT, bytes([active, 0, 0]))
        return {"code": code} if code else self.limit()

    def _dcmi(self, command: int, data: bytes) -> tuple[int, bytes]:
        """Completion code and answer, the group byte first."""
        answer = self._bmc.raw_command(netfn=GROUP, command=command, data=[DCMI, *data])
        if "error" in answer and not answer.get("code"):
            raise OSError(str(answer["error"]))
        return int(answer.get("code", 0)), bytes(answer.get("data", b""))

    def _raw(self, command: int, data: tuple[int, ...], once: bool = False) -> bytes:
        if once:
            answer = self._once(command, data)
        else:
            answer = self._bmc.raw_command(netfn=CHASSIS, command=command, data=list(data))
        if "error" in answer:
            raise OSError(str(answer["error"]))
        if answer.get("code"):
            raise OSError(f"the BMC refuses it (completion code {answer['code']:02X}h)")
        return bytes(answer["data"])

    def _once(self, command: int, data: tuple[int, ...]) -> dict[str, Any]:
        """Send one request one time: pyghmi would send it again after `timeout`, and the agent ends us long before.

        pyghmi's own wait sleeps through an answer that is faster than it begins to wait, so that we turn its loop.
        """
        session = self._bmc.ipmi_session
        answers: list[dict[str, Any]] = []
        session.raw_command(netfn=CHASSIS, command=command, data=list(data), timeout=ONCE_S, callback=answers.append)
        while not answers:
            session.wait_for_rsp(timeout=TURN_S)
        session.incommand = False
        while session.evq:
            session.evq.popleft().set()
        return answers[0]


def answer(remote: Remote, request: dict[str, Any]) -> dict[str, Any]:
    match request:
        case {"do": "power"}:
            return remote.power()
        case {"do": "act", "what": str(what), "when": when}:
            return remote.act(what, when)
        case {"do": "sensor", "name": str(name)}:
            return remote.sensor(name)
        case {"do": "limit"}:
            return remote.limit()
        case {"do": "set limit", "limit": [bool(active), int(watts), int(action), int(correction_ms), int(sampling_s)]}:
            return remote.set_limit(active, watts, action, correction_ms, sampling_s)
        case _:
            return {"error": "no such request"}


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Until standard input ends: then the agent is gone, or does not want us any more."""
    login = json.loads(requests.readline())
    remote: Remote | None = None
    for line in requests:
        request = json.loads(line)
        try:
            remote = remote or Remote(login)
            result = answer(remote, request)
        except ImportError as error:
            result = {"error": f"{error}: install it with: pip install 'pgood[remote-bmc]'", "end": True}
        except Exception as error:  # noqa: BLE001  (told to the agent, which knows what to do about it)
            result = {"error": f"{error}" or type(error).__name__, "end": not _missing(error)}
        answers.write(json.dumps(result | {"id": request["id"]}) + "\n")
        answers.flush()
        if result.get("end"):
            return


def _missing(error: Exception) -> bool:
    """A sensor that is not there does not end the session."""
    return "sensor not found" in str(error).lower()


def main() -> None:
    """What libraries print must not mix with the answers."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
