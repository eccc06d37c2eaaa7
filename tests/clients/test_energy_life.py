# SPDX-License-Identifier: Apache-2.0
"""What happens to a machine that is capped: its battery empties, it gets hot, its cluster and its sources fail.

Whatever it is, the power verbs work all the time.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.energy.kubernetes.authority import make_authority
from tests.agent.energy.kubernetes.scripted import NODE, ScriptedServer
from tests.agent.processes import running_with
from tests.clients.demo import start_demo
from tests.clients.test_energy import FOUND_UW, GOLDEN_UW, LIMIT, Machine, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

SAFE_UW = 10_000_000


def document(demo: Demo) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(demo.pgood("energy", "--json"))["state"]
    return state


def kinds(demo: Demo) -> list[str]:
    return [event["kind"] for event in demo.events()]


def power_works(demo: Demo) -> None:
    """On, off and on again, by a foreign client."""
    for state in ("on", "off", "on"):
        switch(demo, state)


def switch(demo: Demo, state: str) -> None:
    """What is under way is waited for."""
    until(lambda: "busy" not in demo.ipmitool("chassis", "power", state, code=None), lambda: demo.pgood("operations"))
    demo.until(state)


def end(demo: Demo, machine: Machine) -> None:
    code, output = demo.stop()
    assert code == 0, output
    assert "Traceback" not in output, output
    assert machine.limit_uw == FOUND_UW


def test_a_battery_at_its_reserve_shuts_the_machine_down_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    battery = machine.tree.files(
        "class/power_supply/BAT0", {"type": "Battery", "present": 1, "status": "Charging", "capacity": 80}
    )
    mains = machine.tree.files("class/power_supply/AC", {"type": "Mains", "online": 1})
    options = "{ confirm_s = 5, recover_s = 5 }"
    machine.site.write_text(f"{machine.site.read_text()}\n[energy.battery]\noptions = {options}\n")
    demo = machine.start(tmp_path / "state")
    demo.ipmitool("chassis", "power", "on")
    demo.until("on")
    until(lambda: (document(demo)["battery"] or {}).get("state") == "mains", lambda: document(demo))
    machine.tree.write(f"{mains}/online", 0)
    machine.tree.write(f"{battery}/status", "Discharging")
    machine.tree.write(f"{battery}/capacity", 12)
    demo.until("off", 60)
    (told,) = [event for event in demo.events() if event["kind"] == "energy.reserve"]
    assert "12% left, and 20% is the reserve" in " ".join(told["args"])

    def ours() -> list[dict[str, Any]]:
        """What the audit trail has of it."""
        whole, _, _ = (demo.state_dir / "audit.jsonl").read_text().rpartition("\n")
        return [line for line in map(json.loads, whole.splitlines()) if line["who"] == "energy:battery"]

    until(lambda: len(ours()) >= 2, ours)
    assert [(line["what"], line["targets"], line["verdict"]) for line in ours()] == [
        ("soft-off", ["host/0"], "accepted"),
        ("soft-off", ["host/0"], "done"),
    ]
    machine.tree.write(f"{mains}/online", 1)
    machine.tree.write(f"{battery}/status", "Charging")
    until(lambda: "energy.reserve_over" in kinds(demo), lambda: kinds(demo))
    assert kinds(demo).count("energy.reserve") == 1
    assert not demo.powered()
    power_works(demo)
    end(demo, machine)


def test_a_zone_at_its_trip_lowers_the_cap_at_once_and_is_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    text = machine.site.read_text().replace("look_s = 1", "look_s = 1\nlower_w_per_s = 0.1")
    machine.site.write_text(f'{text}\n[[energy.policies]]\nkind = "thermal"\nzone = "cpu"\n')
    demo = machine.start(tmp_path / "state")
    until(lambda: machine.limit_uw == GOLDEN_UW, lambda: demo.pgood("energy"))
    demo.pgood("sim", "sensor", "cpu", "95")
    until(lambda: document(demo)["policy"] == "thermal", lambda: document(demo))
    until(lambda: machine.limit_uw == SAFE_UW, lambda: document(demo))
    assert "of 90 C" in document(demo)["why"]

    def caps() -> list[list[str]]:
        return [event["args"] for event in demo.events() if event["kind"] == "energy.cap"]

    until(lambda: caps()[-1][2] == "thermal", caps)
    demo.pgood("sim", "sensor", "cpu", "50")
    until(lambda: machine.limit_uw == GOLDEN_UW, lambda: document(demo))
    end(demo, machine)


def test_a_node_of_a_cluster_is_told_and_cleaned(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    ca_file, context = make_authority(tmp_path / "ca")
    server = ScriptedServer(context)
    server.script = [503, 401, 429]
    (tmp_path / "token").write_text("a-secret-token")
    (tmp_path / "token").chmod(0o600)
    table = {"server": server.url, "token_file": str(tmp_path / "token"), "ca_file": str(ca_file), "node": NODE}
    rows = "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
    rows += "rapl_keys = true\nmin_interval_s = 5\nspread_s = 0\n"
    machine.site.write_text(f"{machine.site.read_text()}\n[energy.kubernetes]\n{rows}")
    demo = machine.start(tmp_path / "state")
    power_works(demo)
    until(lambda: "rapl/pmax" in (server.metadata["annotations"] or {}), lambda: (server.metadata, document(demo)))
    assert server.metadata["annotations"]["other"] == "kept"
    until(lambda: document(demo)["kubernetes"]["state"] == "published", lambda: document(demo))
    assert document(demo)["kubernetes"]["node"] == NODE
    code, output = demo.stop()
    assert code == 0, output
    assert "a-secret-token" not in output
    assert server.metadata["annotations"] == {"other": "kept"}
    assert machine.limit_uw == FOUND_UW
    server.shutdown()


def test_the_environment_of_powercap_is_a_whole_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path)
    machine.site.write_text(
        f'[self]\n[energy]\nenvironment = true\nlook_s = 1\nsysfs = "{tmp_path}/sys"\nproc = "{tmp_path}/proc"\n'
        'actuator = { kind = "powercap" }\n'
    )
    environ = {
        "MAX_SOURCE": "40000000",
        "RAPL_MIN_POWER": "10000000",
        "STABILISATION_TIME": "5",
        "TIMEZONE": "UTC",
        "POWER_CALC_MODE": "max",
        "DATA_PROVIDER": "file",
        "PROVIDER_PARAMS": json.dumps({"pattern": f"{tmp_path}/epex_data_{{day}}.csv", "unit": "MWh"}),
        "DATA_REFRESH_CRON": "0 13 * * *",
        "NODE_NAME": "worker-1",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    demo = machine.start(tmp_path / "state")
    until(lambda: machine.limit_uw == GOLDEN_UW, lambda: demo.pgood("energy"))
    machine.tree.write(LIMIT, 30_000_000)  # somebody else; set again after STABILISATION_TIME
    until(lambda: machine.limit_uw == GOLDEN_UW, lambda: demo.pgood("energy"))
    end(demo, machine)
    monkeypatch.setenv("MAX_SOURCE", "plenty")
    with pytest.raises(AssertionError, match="MAX_SOURCE = 'plenty'"):
        machine.start(tmp_path / "state")


PACKAGE = """
from agent.energy.signals.interface import SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind, SignalOptions
from agent.energy.slots import quarters

class Options(SignalOptions, frozen=True, kw_only=True):
    level: float

class Tide:
    unit, step_s, ahead = SignalUnit.MWH, 900, True
    def __init__(self, options, around):
        self.name, self.zone, self.level, self.origin = around.name, around.zone, options.level, "acme tide"
    async def fetch(self, day):
        if self.level < 0:
            raise SystemExit("the tide is out")
        return day_said(self, tuple(SignalPoint(one.start_utc_s, 900, self.level) for one in quarters(day, self.zone)))

def explodes(options, around):
    raise RuntimeError("boom")

KIND = SignalKind("power of the tide", Options, Tide)
EXPLODES = SignalKind("x", Options, explodes)
"""
SIGNALS = """
[self]
[energy]
zone = "UTC"
min_w = 10
max_w = 40
look_s = 1
sysfs = "{folder}/sys"
proc = "{folder}/proc"
actuator = {{ kind = "powercap" }}
"""


def signal(name: str, kind: str, options: str) -> str:
    return (
        f'[energy.signals.{name}]\nkind = "{kind}"\nzone = "UTC"\noptions = {options}\n'
        f'[[energy.policies]]\nkind = "volume"\nname = "by-{name}"\nsignal = "{name}"\n'
    )


def test_signals_of_another_package_good_and_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "site-packages" / "acme_tide-2.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tide\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text(
        "[pgood.signals]\nacme-tide = acme_tide:KIND\nacme-out = acme_tide:EXPLODES\n"
    )
    (info.parent / "acme_tide.py").write_text(PACKAGE)
    monkeypatch.setenv("PYTHONPATH", f"{info.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    machine = Machine(tmp_path)
    rows = signal("tide", "acme-tide", "{ level = 60 }")
    machine.site.write_text(SIGNALS.format(folder=tmp_path) + rows)
    demo = machine.start(tmp_path / "good")
    until(lambda: machine.limit_uw == 40_000_000, lambda: document(demo))
    assert document(demo)["signals"]["tide"]["value"] == 60
    end(demo, machine)
    rows += signal("ebb", "acme-tide", "{ level = -1 }") + signal("boom", "acme-out", "{ level = 1 }")
    machine.site.write_text(SIGNALS.format(folder=tmp_path) + rows)
    demo = machine.start(tmp_path / "bad")
    power_works(demo)
    until(lambda: machine.limit_uw == SAFE_UW, lambda: document(demo))
    signals = document(demo)["signals"]
    assert "the tide is out" in signals["ebb"]["error"]
    assert "boom" in signals["boom"]["error"]
    assert signals["tide"]["freshness"] == "fresh"
    end(demo, machine)


def test_files_of_every_damage_leave_the_machine_alone(tmp_path: Path) -> None:
    """A file that is garbage, huge, a folder, a pipe that nobody writes, missing, of another day; and one that goes."""
    machine = Machine(tmp_path)
    today = next(iter(sorted(tmp_path.glob("epex_data_*.csv")))).stem.removeprefix("epex_data_")
    (tmp_path / f"garbage_{today}.csv").write_bytes(bytes(range(256)) * 40)
    (tmp_path / f"huge_{today}.csv").write_bytes(b"Period,Volume (MWh),Price\n" + b"x" * 20_000_000)
    (tmp_path / f"folder_{today}.csv").mkdir()
    os.mkfifo(tmp_path / f"pipe_{today}.csv")
    names = ("garbage", "huge", "folder", "pipe", "missing")
    rows = [signal("good", "file", f'{{ unit = "MWh", pattern = "{tmp_path}/epex_data_{{day}}.csv" }}')]
    rows += [signal(name, "file", f'{{ unit = "MWh", pattern = "{tmp_path}/{name}_{{day}}.csv" }}') for name in names]
    machine.site.write_text(SIGNALS.format(folder=tmp_path) + "".join(rows))
    demo = machine.start(tmp_path / "state")
    power_works(demo)
    until(lambda: machine.limit_uw == SAFE_UW, lambda: document(demo))
    for file in tmp_path.glob("epex_data_*.csv"):
        file.unlink()
    until(
        lambda: all(document(demo)["signals"][name]["error"] for name in names if name != "pipe"),
        lambda: document(demo),
    )
    signals = document(demo)["signals"]
    assert {name: signals[name]["freshness"] for name in names} == dict.fromkeys(names, "expired")
    assert (signals["good"]["freshness"], signals["good"]["value"]) == ("fresh", 65.5)
    assert demo.powered()
    demo.process.kill()
    demo.process.communicate()
    machine.site.write_text(SIGNALS.format(folder=tmp_path) + rows[0])
    demo = machine.start(tmp_path / "state")
    until(lambda: machine.limit_uw == GOLDEN_UW, lambda: document(demo))  # the day is in store
    power_works(demo)
    end(demo, machine)


DEFECTS = """
from agent.energy import {module} as module

def broken(*arguments, **named):
    raise ZeroDivisionError("a defect")

module.{what} = broken
"""


@pytest.mark.parametrize(
    ("module", "what", "limit_uw"),
    [
        ("policies.volume", "VolumePolicy.propose", SAFE_UW),
        ("meters.rapl", "RaplMeter.read", GOLDEN_UW),
        ("actuators.powercap", "Powercap.apply", FOUND_UW),
        ("actuators.powercap", "Powercap.restore", GOLDEN_UW),
        ("heat", "Heat.look", SAFE_UW),
        ("cap_limits", "CapRange", FOUND_UW),
        ("kubernetes.publisher", "node_keys", GOLDEN_UW),
    ],
)
def test_a_defect_of_any_part_breaks_no_power_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, what: str, limit_uw: int
) -> None:
    machine = Machine(tmp_path)
    machine.site.write_text(machine.site.read_text() + '\n[energy.kubernetes]\nserver = "https://127.0.0.1:1"\n')
    (tmp_path / "defect").mkdir()
    folder, _, name = module.rpartition(".")
    text = DEFECTS.format(module=name, what=what)
    text = text.replace("agent.energy import", f"agent.energy.{folder} import") if folder else text
    (tmp_path / "defect" / "sitecustomize.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'defect'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    demo = machine.start(tmp_path / "state")
    power_works(demo)
    until(lambda: machine.limit_uw == limit_uw, lambda: document(demo))
    monkeypatch.undo()
    demo.pgood("energy")
    power_works(demo)
    code, output = demo.stop()
    assert code == 0, output
    assert machine.limit_uw == (GOLDEN_UW if what == "Powercap.restore" else FOUND_UW)


def test_a_machine_behind_its_bmc_is_capped_and_given_back(tmp_path: Path) -> None:
    """The actuator dcmi of one agent against another agent; the first is killed in between."""
    bmc = start_demo(tmp_path / "bmc")
    ipmi = bmc.ready["ipmi"]
    secret = tmp_path / "password"
    secret.write_text(ipmi["password"])
    secret.chmod(0o600)
    site = tmp_path / "site.toml"
    site.write_text(
        f'[adapters.bmc]\nkind = "ipmi"\nhost = "{ipmi["host"]}"\nport = {ipmi["port"]}\nuser = "{ipmi["user"]}"\n'
        f'password_file = "{secret}"\nprivilege = "administrator"\n'
        '[energy]\nmin_w = 100\nmax_w = 300\nlook_s = 1\nactuator = { kind = "dcmi", bmc = "bmc" }\n'
    )

    def limit() -> str:
        return bmc.ipmitool("dcmi", "power", "get_limit", code=None)

    assert "No Active Power Limit" in limit()
    state_dir = tmp_path / "state"
    demo = start_demo(state_dir, "--config", str(site))
    until(lambda: "Power Limit Active" in limit(), lambda: demo.pgood("energy"))
    assert "300 Watts" in limit()
    demo.process.kill()
    demo.process.communicate()
    assert "Power Limit Active" in limit()
    demo = start_demo(state_dir, "--config", str(site))
    until(lambda: "energy.recovered" in kinds(demo), lambda: demo.pgood("energy"))
    until(lambda: document(demo)["state"] == "capping", lambda: demo.pgood("energy"))
    assert "Power Limit Active" in limit()
    power_works(demo)
    code, output = demo.stop()
    assert code == 0, output
    assert "No Active Power Limit" in limit()
    code, output = bmc.stop()
    assert code == 0, output


def test_a_counter_of_work_that_hangs_is_not_left_behind(tmp_path: Path) -> None:
    """A counter of work that hangs holds up nothing, not even the end."""
    machine = Machine(tmp_path)
    length = f"2718.{os.getpid()}"  # of this run, which may not be the only one on this computer
    command = f'work_command = ["sh", "-c", "sleep {length}"]'
    text = machine.site.read_text().replace("look_s = 1", f"look_s = 1\n{command}")
    machine.site.write_text(text)
    demo = machine.start(tmp_path / "state")
    until(lambda: machine.limit_uw == GOLDEN_UW, lambda: document(demo))
    end(demo, machine)
    until(lambda: not running_with("sleep", length), lambda: running_with("sleep", length))
    assert not running_with(f"sleep {length}")
