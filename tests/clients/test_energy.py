# SPDX-License-Identifier: Apache-2.0
"""A running agent with `[energy]`, over a folder that stands for /sys: as its users see it, and after a kill -9."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tests import patience
from tests.agent.energy.sysfs_tree import SysfsTree
from tests.agent.mqtt.brokers import PATIENCE_S, Watcher
from tests.clients.demo import Demo, start_demo

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.client

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
LIMIT = "class/powercap/intel-rapl:0/constraint_0_power_limit_uw"
FOUND_UW = 65_000_000
GOLDEN_UW = 21_724_710
"""65.5 of 120.6 MWh of 40 W."""
SITE = """
[self]
[energy]
zone = "UTC"
min_w = 10
max_w = 40
look_s = 1
sysfs = "{folder}/sys"
proc = "{folder}/proc"
actuator = {{ kind = "powercap" }}

[energy.signals.volume]
kind = "file"
zone = "UTC"
options = {{ unit = "MWh", pattern = "{folder}/epex_data_{{day}}.csv" }}

[[energy.policies]]
kind = "volume"
signal = "volume"
"""


class Machine:
    """A folder with a processor package, days of a market, and a site file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = SysfsTree(folder / "sys")
        (folder / "proc").mkdir()
        self.tree.control_type()
        self.tree.package(0, FOUND_UW / 1e6)
        today = datetime.datetime.now(datetime.UTC).date()
        for offset in (0, 1):
            self.day(today + datetime.timedelta(days=offset))
        self.site = folder / "site.toml"
        self.site.write_text(SITE.format(folder=folder))

    def day(self, day: datetime.date) -> None:
        """The original's form: every quarter alike, but for one in the middle of the night that nobody tests in."""
        rows = ["Period,Volume (MWh),Price (€/MWh)"]
        for quarter in range(96):
            start, end = quarter * 15, quarter * 15 + 15
            volume = 120.6 if quarter in self.peaks() else 65.5
            rows.append(f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d},{volume},50.0")
        (self.folder / f"epex_data_{day}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    @staticmethod
    def peaks() -> tuple[int]:
        """The day's largest volume is twelve hours away."""
        now = datetime.datetime.now(datetime.UTC)
        return (((now.hour + 12) % 24) * 4,)

    @property
    def limit_uw(self) -> int:
        return self.tree.number(LIMIT)

    def start(self, state_dir: Path) -> Demo:
        return start_demo(state_dir, "--config", str(self.site))


def until(what: Callable[[], bool], why: Callable[[], Any]) -> None:
    patience.until(what, why, PATIENCE_S)


def test_a_cap_follows_a_market_and_is_given_back(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    demo = machine.start(tmp_path / "state")
    watcher = Watcher(demo.ready["mqtt"]["port"])
    until(lambda: machine.limit_uw == GOLDEN_UW, lambda: demo.pgood("energy"))
    for told in ("volume: volume is 65.5 of 120.6", "22 W by powercap"):
        until(lambda told=told: told in demo.pgood("energy"), lambda: demo.pgood("energy"))  # type: ignore[misc]
    until(lambda: any(b'"capping"' in one for one in watcher.payloads("energy/state")), lambda: watcher.seen)
    until(lambda: any(b"cap_w" in one for one in watcher.payloads("telemetry")), lambda: watcher.seen)
    state = json.loads(watcher.payloads("energy/state")[-1])
    Draft202012Validator(json.loads((SCHEMAS / "energy-state.json").read_text())).validate(state)
    telemetry = Draft202012Validator(json.loads((SCHEMAS / "telemetry.json").read_text()))
    telemetry.validate(json.loads(watcher.payloads("telemetry")[-1]))
    assistant = Watcher(demo.ready["mqtt"]["port"], "assistant", "homeassistant/#")
    until(lambda: bool(assistant.on("board/config")), lambda: assistant.seen)
    board = json.loads(assistant.payloads("board/config")[-1])
    assert {"power_cap", "signal_volume", "cap_policy", "node_energy_today"} <= board["components"].keys()
    watcher.close()
    assistant.close()
    assert "pgood_power_cap_watts 21.72" in demo.pgood("metrics", "--prometheus")
    caps = [event for event in demo.until_told("energy.cap") if event["kind"] == "energy.cap"]
    assert caps[-1]["args"][1:3] == ["21.7", "volume"]
    code, output = demo.stop()
    assert code == 0, output
    assert "Traceback" not in output
    assert machine.limit_uw == FOUND_UW
    assert not (tmp_path / "state" / "energy-restore.json").exists()


def test_a_killed_agent_is_followed_by_one_that_knows_what_was_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    demo = machine.start(tmp_path / "state")
    until(lambda: machine.limit_uw == GOLDEN_UW, lambda: demo.pgood("energy"))
    demo.process.kill()
    demo.process.communicate()
    assert machine.limit_uw == GOLDEN_UW
    demo = machine.start(tmp_path / "state")
    demo.until_told("energy.recovered")
    until(lambda: machine.limit_uw == GOLDEN_UW, lambda: demo.pgood("energy"))
    code, output = demo.stop()
    assert code == 0, output
    assert machine.limit_uw == FOUND_UW


def test_without_the_table_nothing_of_it_is_there(tmp_path: Path) -> None:
    demo = start_demo(tmp_path / "state")
    try:
        assert "[energy]" in demo.pgood("energy", code=1)
        assert "energy" not in demo.status()["telemetry"]
    finally:
        demo.stop()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "powercap"', 'kind = "powercup"', "energy.actuator.kind: no such actuator (here: 'powercup'"),
        ("max_w = 40", "max_w = 4", "energy.min_w: must not be larger than max_w"),
        ('signal = "volume"', 'signal = "price"', "energy.policies[0].signal: names no signal (here: 'price'"),
        ("look_s = 1", "look_s = 1\nlok_s = 2", "energy.lok_s: unknown key; did you mean 'look_s'"),
        ('zone = "UTC"\nmin_w', 'zone = "Mars/Olympus"\nmin_w', "energy.zone: is no time zone"),
        ("[self]", "", "add a table [self]"),
        ('sysfs = "', 'sysfs = "/sys"\nproc = "/proc"\n#', "a simulated board does not cap the computer"),
    ],
)
def test_what_is_wrong_in_the_site_file_is_said(tmp_path: Path, old: str, new: str, told: str) -> None:
    machine = Machine(tmp_path)
    text = machine.site.read_text()
    assert old in text
    if old.startswith("sysfs"):
        text = text.replace('proc = "', "#", 1)
    machine.site.write_text(text.replace(old, new, 1))
    with pytest.raises(AssertionError) as refused:
        machine.start(tmp_path / "state")
    assert told in str(refused.value)
