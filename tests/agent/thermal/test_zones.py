# SPDX-License-Identifier: Apache-2.0
"""What zones do to hosts, and what the gates say against switching on."""

from __future__ import annotations

from agent.events.catalog import CATALOG
from agent.events.event import EventKind
from agent.power.gate import Policy
from agent.power.request import Action
from agent.profile.thermal_tables import TripTable, ZoneTable
from agent.thermal.gate import ThermalGate
from agent.thermal.reading import SensorReading
from agent.thermal.zones import ThermalZones
from tests.agent.thermal.recorders import RecordedEmergency, RecordedEvents

CPU = ZoneTable(
    name="cpu", sensors=("cpu",), domains=("host/1",), hot=TripTable(celsius=80), critical=TripTable(celsius=90)
)
ROOM = ZoneTable(name="room", sensors=("inlet",), hot=TripTable(celsius=50))
HOSTS = ("host/0", "host/1")


class Scene:
    def __init__(self) -> None:
        self.emergency, self.events = RecordedEmergency(), RecordedEvents()
        self.changed: list[str] = []
        self.now_ns = 1
        self.zones = ThermalZones(
            (CPU, ROOM),
            {"cpu": "i2c/a", "inlet": "i2c/b"},
            HOSTS,
            lambda: self.emergency,
            self.events,
            self.changed.append,
            lambda: self.now_ns,
        )
        self.gate = ThermalGate(self.zones)

    def poll(self, cpu: float | None, inlet: float | None) -> None:
        self.now_ns += 2_000_000_000
        values = {"cpu": cpu, "inlet": inlet}
        self.zones.look({name: SensorReading(value, self.now_ns, "silent") for name, value in values.items()})

    def refused(self, action: Action = Action.ON) -> list[str]:
        return [host for host in HOSTS if self.gate.refusal(host, action) is not None]


def test_heat_acts_on_the_domains_of_its_zone_only() -> None:
    scene = Scene()
    for cpu, inlet in ((85, 20), (85, 20), (95, 20), (95, 60), (95, 60)):
        scene.poll(cpu, inlet)
    assert scene.emergency.asked == [
        ("soft-off", ("1",), "thermal:cpu"),
        ("emergency-off", ("1",), "thermal:cpu"),
        ("soft-off", ("0", "1"), "thermal:room"),
    ]
    for kind, _, args in scene.events.told:  # every event has a text for its arguments
        assert CATALOG[kind].text.format(*args)
    assert EventKind.THERMAL_EMERGENCY_OFF in scene.events.kinds()


def test_a_hot_zone_refuses_on_and_cycle_until_it_has_cooled() -> None:
    scene = Scene()
    scene.poll(85, 20)
    assert scene.refused() == []
    scene.poll(85, 20)
    assert scene.refused() == ["host/1"]
    assert scene.refused(Action.CYCLE) == ["host/1"]
    assert scene.refused(Action.SOFT_OFF) == scene.refused(Action.FORCE_OFF) == []
    refusal = scene.gate.refusal("host/1", Action.ON)
    assert refusal is not None
    assert refusal.policy is Policy.THERMAL
    assert refusal.text == "thermal-check: zone cpu is hot, cpu reads 85.0 C; let it cool below 77 C"
    scene.poll(77, 20)
    scene.poll(77, 20)
    assert scene.refused() == ["host/1"]
    scene.poll(76, 20)
    scene.poll(76, 20)
    assert scene.refused() == []


def test_a_lost_sensor_refuses_on_but_lets_a_running_host_cycle() -> None:
    scene = Scene()
    scene.poll(40, 20)
    scene.poll(40, None)
    assert scene.refused() == []
    scene.poll(40, None)
    assert scene.refused() == list(HOSTS)
    assert scene.refused(Action.CYCLE) == []
    refusal = scene.gate.refusal("host/0", Action.ON)
    assert refusal is not None
    assert "sensor inlet of zone room is lost (silent)" in refusal.text
    assert scene.emergency.asked == []
    scene.poll(40, 20)
    assert scene.refused() == []


def test_a_fault_keeps_no_other_zone_from_acting_and_what_failed_is_tried_again() -> None:
    scene = Scene()
    scene.poll(85, 60)
    scene.emergency.broken = True
    scene.poll(85, 60)
    assert scene.emergency.asked == []
    scene.emergency.broken = False
    scene.poll(85, 60)
    assert [what for what, _, _ in scene.emergency.asked] == ["soft-off", "soft-off"]
    scene.poll(85, 60)
    assert len(scene.emergency.asked) == 2


def test_what_failed_is_not_tried_again_when_it_has_cooled() -> None:
    scene = Scene()
    scene.poll(85, 20)
    scene.emergency.broken = True
    for cpu in (85, 20, 20):
        scene.poll(cpu, 20)
    scene.emergency.broken = False
    scene.poll(20, 20)
    assert scene.emergency.asked == []
