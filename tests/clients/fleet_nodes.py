# SPDX-License-Identifier: Apache-2.0
"""Machines of a fleet as processes, and the owner who writes their targets; everything between is a real mosquitto."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from agent.control.client import AgentUnreachable, Refused, call, stream
from agent.fleet.node.documents import Asker, Direction, Document, Report, Target, decode, encode
from agent.fleet.node.topics import Leaf, place, topic
from tests.agent.mqtt.brokers import HOST, Mosquitto, Watcher
from tests.patience import PATIENCE_S, until

ROOT = Path(__file__).parents[2]
SEGMENT = "hall"
AWAKE_S = 5
"""After its start a machine stays awake so long."""
QUICK = "tests.clients.quick_agent"
OWN = """\
schema = 1
name = "{name}"
[board]
simulated = true
[adapters.os]
kind = "command"
soft_off = ["sh", "-c", '''mosquitto_sub -h {host} -p {port} -C 1 -W 5 -t {report} >> {folder}/went''']
sense = ["true"]
[[hosts]]
name = "os"
controls = {{ soft_off = "os", sense = "os" }}
"""
"""Its shutdown is harmless: it writes down what the broker knew of the machine at that moment."""
OWN_SITE = """\
[board]
id = "{name}"
[self]
[mqtt]
url = "{url}"
[fleet]
segment = "hall"
node = "{name}"
target = true
users_command = ["cat", "{folder}/users"]
[fleet.times]
awake_s = {awake_s}
settle_s = 1
"""
BOARD = """\
schema = 1
name = "{name}"
[board]
simulated = true
[lines]
power = {{direction = "output", class = "momentary", max_press_ms = 6000}}
good = {{direction = "input", rise_ms = 5, fall_ms = 5}}
power2 = {{direction = "output", class = "momentary", max_press_ms = 6000}}
good2 = {{direction = "input", rise_ms = 5, fall_ms = 5}}
[[hosts]]
name = "0"
power_good = "good"
power_button = "power"
timing = {{force_off_ms = 6000, soft_off_timeout_ms = 8000, power_on_timeout_ms = 4000}}
[[hosts]]
name = "1"
power_good = "good2"
power_button = "power2"
timing = {{force_off_ms = 6000, soft_off_timeout_ms = 8000, power_on_timeout_ms = 4000}}
"""
BOARD_SITE = """\
[board]
id = "{name}"
[mqtt]
url = "{url}"
[fleet]
segment = "hall"
node = "{name}"
[fleet.times]
awake_s = {awake_s}
settle_s = 1
"""


class Agent:
    """`pgood run` in a process and a folder of its own."""

    def __init__(self, folder: Path, profile: str, site: str) -> None:
        self.folder = folder
        (folder / "profile.toml").write_text(profile)
        (folder / "site.toml").write_text(site)
        self._socket = folder / "state" / "pgood.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        files = ["--profile", str(self.folder / "profile.toml"), "--config", str(self.folder / "site.toml")]
        words = [sys.executable, "-m", QUICK, "run", *files, "--state-dir", str(self.folder / "state"), "--keep-world"]
        environment = os.environ | {"PGOOD_CLOCKS": str(self.folder / "clocks")}
        with (self.folder / "agent.log").open("ab") as told:
            self._process = subprocess.Popen(words, stdout=told, stderr=told, cwd=ROOT, env=environment)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_S)
            self._process = None

    def said(self) -> str:
        return (self.folder / "agent.log").read_text()

    def move_clocks(self, wall_s: float = 0.0, suspended_s: float = 0.0) -> None:
        fresh = self.folder / "clocks.new"
        fresh.write_text(json.dumps({"wall_s": wall_s, "suspended_s": suspended_s}))
        fresh.replace(self.folder / "clocks")

    def machine(self, node: str) -> dict[str, Any]:
        """What it says of one of its machines; nothing while it does not answer."""
        try:
            (told,) = stream(self._socket, "call", name="fleet/get", given={})
        except (AgentUnreachable, Refused, OSError):
            return {}
        assert told["ok"], told
        return next(one for one in told["data"]["machines"] if one["node"] == node)

    def power(self, action: str, host: str = "0") -> None:
        def done() -> bool:
            try:
                return bool(call(self._socket, "power", action=action, host=host)["verdict"] == "done")
            except (AgentUnreachable, Refused, OSError):
                return False

        until(done, f"{action} of {host}")

    def powered(self, host: str = "0") -> bool:
        (told,) = stream(self._socket, "call", name="hosts/status", given={"host": host})
        return bool(told["data"]["hosts"][host]["state"] == "on")

    def presses(self, node: str) -> list[str]:
        """What the fleet asked of this board's hosts, under the name of `node`."""
        (told,) = stream(self._socket, "call", name="operations/list", given={})
        return [one["what"] for one in told["data"]["operations"] if one["origin"] == f"fleet:{node}"]


def own_node(folder: Path, name: str, broker: Mosquitto) -> Agent:
    """A machine that shuts itself down; `users` in its folder says who uses it."""
    home = folder / name
    home.mkdir()
    (home / "users").touch()
    report = topic(SEGMENT, name, Leaf.REPORT)
    profile = OWN.format(name=name, host=HOST, port=broker.port, report=report, folder=home)
    return Agent(home, profile, OWN_SITE.format(name=name, url=broker.url, folder=home, awake_s=AWAKE_S))


def board(folder: Path, name: str, broker: Mosquitto, hosts: dict[str, str]) -> Agent:
    """`hosts`: the line of the site file for each."""
    home = folder / name
    home.mkdir()
    url = broker.url.replace("//", f"//{name}@")
    site = BOARD_SITE.format(name=name, url=url, awake_s=AWAKE_S)
    site += "".join(f"[fleet.hosts.{host}]\n{line}\n" for host, line in hosts.items())
    return Agent(home, BOARD.format(name=name), site)


class Owner:
    """Writes targets and hears everything."""

    def __init__(self, broker: Mosquitto, user: str = "") -> None:
        self._broker = broker
        self._user = user
        self._watcher = Watcher(broker.port, "owner", "pgood/fleet/#", user)

    def close(self) -> None:
        self._watcher.close()

    def want(self, node: str, target: Direction, revision: int, *, retain: bool = True) -> None:
        """As a person, who need not wait."""
        document = Target(node=node, target=target, revision=revision, asked_by=Asker.PERSON)
        self.say(topic(SEGMENT, node, Leaf.TARGET), document, retain=retain)

    def say(self, name: str, document: Document, *, retain: bool = False, user: str = "") -> None:
        who = user or self._user
        options = [*(["-r"] if retain else []), *(["-u", who] if who else []), "-q", "1"]
        self._broker.publish(name, encode(document), *options)

    def heard(self, node: str, leaf: Leaf) -> list[Document]:
        """In order; what is no document fails."""
        found = []
        for seen in list(self._watcher.seen):
            at = place(seen.topic)
            if at is not None and at[1:] == (node, leaf) and seen.payload:
                document = decode(seen.payload, leaf, node)
                assert isinstance(document, Document), document
                found.append(document)
        return found

    def reports(self, node: str) -> list[Report]:
        return [one for one in self.heard(node, Leaf.REPORT) if isinstance(one, Report)]

    def last(self, node: str) -> Report | None:
        found = self.reports(node)
        return found[-1] if found else None
