# SPDX-License-Identifier: Apache-2.0
"""Meters tell what they measure, whether it is estimated, and why there is nothing; never an old or made-up number."""

from __future__ import annotations

import errno
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.energy.meters.hwmon_power import HwmonPower
from agent.energy.meters.interface import NoReading, Quantity, Reading
from agent.energy.meters.load_model import LoadModel, Utilisation, ticks
from agent.energy.meters.meter_set import MeterSet
from agent.energy.meters.pi_pmic import PiPmic, rails_w
from agent.energy.meters.pi_throttling import Throttling, parse, read
from agent.energy.meters.rapl import MOST_W, Count, RaplMeter, mean_w
from agent.energy.meters.supply_power import SupplyPower
from agent.energy.rapl import Domain
from agent.energy.sysfs import Sysfs
from agent.hardware.hwmon import HwmonChip, KernelHwmon
from tests.agent.energy.sysfs_tree import FakeKernel, SysfsTree

if TYPE_CHECKING:
    from pathlib import Path

S = 1_000_000_000
RANGE = 262_143_328_850


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    return SysfsTree(tmp_path / "sys")


def watts(answer: Reading | NoReading) -> float:
    assert isinstance(answer, Reading), answer
    return answer.watts


def reason(answer: Reading | NoReading) -> str:
    assert isinstance(answer, NoReading), answer
    return answer.reason


# ---------------------------------------------------------------------- RAPL


@given(st.integers(0, RANGE - 1), st.floats(0.0, 500.0), st.floats(0.1, 100.0))
def test_a_wrapped_counter_gives_the_same_power(start_uj: int, power_w: float, seconds: float) -> None:
    used_uj = round(power_w * seconds * 1e6)
    now = Count((start_uj + used_uj) % RANGE, RANGE, round(seconds * S))
    found = mean_w(Count(start_uj, RANGE, 0), now)
    assert found == pytest.approx(power_w, abs=0.01)


def test_what_may_have_wrapped_twice_or_was_set_back_is_no_power() -> None:
    longest_s = RANGE / 1e6 / MOST_W
    assert mean_w(Count(0, RANGE, 0), Count(1, RANGE, round(longest_s * S) + S)) is None
    assert mean_w(Count(5_000_000, RANGE, 0), Count(1_000, RANGE, S)) is None  # the module was loaded anew
    assert mean_w(Count(0, RANGE, 0), Count(0, RANGE // 2, S)) is None
    assert mean_w(Count(0, RANGE, S), Count(5, RANGE, S)) is None


def test_packages_are_summed_and_twins_counted_once(tree: SysfsTree) -> None:
    first, second = tree.package(0), tree.package(1)
    twin = tree.package(0, kind="intel-rapl-mmio")
    tree.child(first, 0, "dram")
    meter = RaplMeter(FakeKernel(tree.root))
    assert "second reading" in reason(meter.read(0))
    for zone, joules in ((first, 30), (second, 10), (twin, 30)):
        tree.write(f"{zone}/energy_uj", 1_000_000 + joules * 1_000_000)
    answer = meter.read(2 * S)
    assert answer == Reading(Quantity.CPU_W, 20.0, "rapl package", False, 2 * S)
    assert meter.read(2 * S + 1) is answer  # too soon for another mean


def test_a_counter_for_root_only_says_so(tree: SysfsTree) -> None:
    kernel = FakeKernel(tree.root)
    kernel.not_read[f"{tree.package(0)}/energy_uj"] = errno.EACCES
    said = reason(RaplMeter(kernel).read(0))
    assert "run pgood as root" in said
    assert "energy_uj" in said
    assert "no psys zone" in reason(RaplMeter(kernel, Domain.PSYS).read(0))
    assert RaplMeter(kernel, Domain.PSYS).quantity is Quantity.NODE_W


def test_a_package_that_comes_up_later_makes_no_leap(tree: SysfsTree) -> None:
    tree.amd_package(0)
    meter = RaplMeter(FakeKernel(tree.root))
    meter.read(0)
    tree.amd_package(1)
    assert "second reading" in reason(meter.read(S))
    assert watts(meter.read(2 * S)) == 0.0


# ---------------------------------------------------------------------- hwmon, supplies


@pytest.mark.parametrize(
    ("name", "attributes", "channel", "expected_w"),
    [
        ("ina226", {"power1_input": 12_500_000, "in1_input": 1, "curr1_input": 1}, 1, 12.5),
        ("ina3221", {"in2_input": 5100, "curr2_input": 600}, 2, 3.06),
        ("power_meter", {"power1_average": 180_000_000}, 1, 180.0),
    ],
)
def test_hwmon_power(
    tree: SysfsTree, name: str, attributes: dict[str, object], channel: int, expected_w: float
) -> None:
    tree.hwmon(3, name, **attributes)
    meter = HwmonPower(KernelHwmon(tree.root / "class/hwmon"), HwmonChip(name), channel)
    answer = meter.read(7)
    assert watts(answer) == pytest.approx(expected_w)
    assert answer == Reading(Quantity.NODE_W, watts(answer), f"{name} channel {channel}", False, 7)


def test_hwmon_that_tells_no_power_says_why(tree: SysfsTree) -> None:
    port = KernelHwmon(tree.root / "class/hwmon")
    meter = HwmonPower(port, HwmonChip("ina219"))
    assert "no chip ina219" in reason(meter.read(0))
    folder = tree.hwmon(0, "ina219", in1_input=12_000)
    assert "neither power nor voltage" in reason(meter.read(0))
    tree.write(f"{folder}/power1_input", -5_000_000)
    assert "shunt" in reason(meter.read(0))
    tree.write(f"{folder}/power1_input", "lots")
    assert "no number" in reason(meter.read(0))


def test_supplies_tell_all_or_nothing() -> None:
    assert watts(SupplyPower(lambda: 212.5).read(0)) == 212.5
    answers: list[float | None] = [None, math.nan, math.inf, -3.0]
    meter = SupplyPower(answers.pop)
    for _ in range(4):
        assert "not every supply" in reason(meter.read(0))


# ---------------------------------------------------------------------- the model


def test_the_model_is_marked_and_follows_the_load(tree: SysfsTree) -> None:
    tree.write("stat", "cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3")
    model = LoadModel(Utilisation(Sysfs(tree.root)), idle_w=10.0, busy_w=50.0)
    assert "second reading" in reason(model.read(0))
    tree.write("stat", "cpu  150 0 125 750 175 0 0 0 99 0\ncpu0 1 2 3")
    answer = model.read(S)
    assert answer == Reading(Quantity.NODE_W, 25.0, "load model", True, S)
    assert "second reading" in reason(model.read(2 * S))  # no time has passed
    with pytest.raises(ValueError, match="idle_w <= busy_w"):
        LoadModel(Utilisation(Sysfs(tree.root)), 50.0, 10.0)


@given(st.text(max_size=60))
def test_any_text_for_proc_stat(text: str) -> None:
    found = ticks("cpu " + text)
    assert found is None or 0 <= found.idle <= found.whole


# ---------------------------------------------------------------------- Raspberry Pi


@pytest.mark.parametrize("text", ["throttled=0x50005\n", "0x50005", "50005"])
def test_throttling_bits(text: str) -> None:
    found = parse(text, "test")
    assert found is not None
    assert found.now == Throttling.UNDER_VOLTAGE | Throttling.THROTTLED
    assert found.since_boot == Throttling.UNDER_VOLTAGE | Throttling.THROTTLED
    assert parse("0", "test") == parse("throttled=0x0", "test")


@pytest.mark.parametrize("text", ["", "error=1", "throttled=", "0x", "0x123456789", "throttled=0x5 0x5"])
def test_what_is_no_throttling_is_none(text: str) -> None:
    assert parse(text, "test") is None


def test_throttling_by_file_by_command_and_by_voltage(tree: SysfsTree) -> None:
    kernel, missing = Sysfs(tree.root), (str(tree.root / "no-such-program"),)
    assert read(kernel, missing) is None
    tree.hwmon(1, "rpi_volt", in0_lcrit_alarm=1)
    by_voltage = read(kernel, missing)
    assert by_voltage is not None
    assert (by_voltage.now, by_voltage.source) == (Throttling.UNDER_VOLTAGE, "rpi_volt")
    by_command = read(kernel, ("echo", "throttled=0x20002"))
    assert by_command is not None
    assert (by_command.since_boot, by_command.source) == (Throttling.FREQUENCY_CAPPED, "echo")
    tree.get_throttled("8")
    by_file = read(kernel, ("echo", "throttled=0x20002"))
    assert by_file is not None
    assert by_file.now == Throttling.SOFT_TEMPERATURE_LIMIT


PMIC = """\
     3V7_WL_SW_A current(0)=0.10000000A
   VDD_CORE_A current(7)=2.00000000A
     3V7_WL_SW_V volt(8)=3.70000000V
   VDD_CORE_V volt(15)=0.80000000V
   EXT5V_V volt(24)=5.14706000V
 BATT_V volt(25)=0.00683760V
"""


def test_a_pi_5_sums_its_rails_and_says_that_it_is_an_estimate(tmp_path: Path) -> None:
    assert rails_w(PMIC) == pytest.approx(0.37 + 1.6)
    said = tmp_path / "said"
    said.write_text(PMIC)
    answer = PiPmic(("cat", str(said))).read(0)
    assert watts(answer) == pytest.approx(1.97 * 1.1451 + 0.5879)
    assert isinstance(answer, Reading)
    assert answer.estimated
    assert "only a Raspberry Pi 5" in reason(PiPmic(("false",)).read(0))
    assert "only a Raspberry Pi 5" in reason(PiPmic(("echo", "error=2")).read(0))


@given(st.text(max_size=200))
def test_any_text_for_the_pmic(text: str) -> None:
    found = rails_w(text)
    assert found is None or found >= 0


# ---------------------------------------------------------------------- all of them


class Fixed:
    """A meter of a test."""

    def __init__(self, name: str, quantity: Quantity, answer_w: float | None, estimated: bool = False) -> None:
        self.name, self.quantity = name, quantity
        self._answer_w, self._estimated = answer_w, estimated

    def read(self, now_ns: int) -> Reading | NoReading:
        if self._answer_w is None:
            return NoReading(self.name, "not now")
        return Reading(self.quantity, self._answer_w, self.name, self._estimated, now_ns)


class Broken(Fixed):
    def read(self, now_ns: int) -> Reading | NoReading:
        raise RuntimeError("boom")


def test_measured_wins_over_estimated_and_a_broken_meter_costs_itself() -> None:
    meters = MeterSet(
        [
            Broken("broken", Quantity.NODE_W, 1.0),
            Fixed("model", Quantity.NODE_W, 40.0, estimated=True),
            Fixed("supplies", Quantity.NODE_W, 55.0),
            Fixed("second", Quantity.NODE_W, 99.0),
            Fixed("rapl", Quantity.CPU_W, None),
        ]
    )
    measured = meters.read(5)
    assert (measured.watts(Quantity.NODE_W), measured.watts(Quantity.CPU_W)) == (55.0, None)
    assert measured.readings[Quantity.NODE_W].source == "supplies"
    assert [one.source for one in measured.missing] == ["broken", "rapl"]


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_no_reading_holds_what_is_no_power(bad: float) -> None:
    with pytest.raises(ValueError, match="is no power"):
        Reading(Quantity.CPU_W, bad, "test", False, 0)
