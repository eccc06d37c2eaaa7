# SPDX-License-Identifier: Apache-2.0
"""`[energy]` of a site file: every kind of policy and meter, every error with its place and cure, and hostile TOML.

PGOOD_EXAMPLES sets how much of the latter is tried (the long runs try more).
"""

from __future__ import annotations

import datetime
import math
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.cap_limits import LimitsError, cap_limits
from agent.energy.meter_tables import BY_ITSELF, MeterGround, make_meters
from agent.energy.meters.interface import Quantity
from agent.energy.policies.situation import CapRange
from agent.energy.sysfs import Sysfs
from agent.energy.tables import EnergyTable, energy_table
from agent.profile.problem import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "150"))
FILE = Path("site.toml")
ZONES = ("cpu", "inlet")
PRICE = '[energy.signals.price]\nkind = "mock"\noptions = { unit = "EUR/MWh", mean = 50 }\n'
VOLUME = '[energy.signals.volume]\nkind = "static"\noptions = { unit = "MWh", value = 60 }\n'


def table(text: str, environ: Mapping[str, str] | None = None) -> EnergyTable:
    return energy_table(tomllib.loads(text)["energy"], FILE, text, ZONES, environ or {})


def problems(text: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as refused:
        table(text, environ)
    return str(refused.value)


def policies(*rows: str) -> str:
    return PRICE + VOLUME + "".join(f"[[energy.policies]]\n{row}\n" for row in rows)


def test_nothing_but_the_table_is_needed() -> None:
    empty = table("[energy]")
    assert empty.policies == ()
    assert empty.signals == {}
    assert empty.actuator == {"kind": "none"}
    assert not empty.environment


def test_every_key_is_taken() -> None:
    text = """
[energy]
zone = "Europe/Berlin"
min_w = 20
safe_w = 40
max_w = 400
actuator = { kind = "powercap", cpu_share = 0.5 }
apply_s = 120
look_s = 2
dead_band_w = 0
raise_w_per_s = 5
lower_w_per_s = 50
work_command = ["/usr/bin/jobs-done"]
work_unit = "jobs"
sysfs = "/host/sys"
proc = "/host/proc"
environment = false
refresh_cron = "0 13 * * *"
tuning = true
battery = { hosts = ["0"], options = { reserve = 0.25 } }
kubernetes = { node = "worker-1", rapl_keys = true }
"""
    keys = set(tomllib.loads(text)["energy"])
    taken = table(text)
    assert keys | {"signals", "policies", "meters"} == set(EnergyTable.__struct_fields__)
    assert (taken.min_w, taken.safe_w, taken.max_w, taken.apply_s, taken.look_s) == (20, 40, 400, 120, 2)
    assert taken.battery is not None
    assert (taken.battery.hosts, taken.battery.options.reserve) == (("0",), 0.25)
    assert taken.kubernetes is not None
    assert taken.kubernetes.rapl_keys


KINDS = (
    'kind = "volume"\nsignal = "volume"\nreference = "average"',
    'kind = "price"\nsignal = "price"\ncheap = -50\ndear = 200',
    'kind = "renewable"\nsignal = "volume"\nlow_percent = 20\nhigh_percent = 80',
    'kind = "carbon"\nsignal = "price"\nthreshold_g_per_kwh = 300\nreduction_percent = 20\nhold_h = 0',
    'kind = "carbon-budget"\nsignal = "price"\nbudget_g = 1000',
    'kind = "thermal"\nzone = "cpu"\ntrip_c = 80\nahead_s = 300',
    'kind = "supply"',
    'kind = "battery"\nreserve_percent = 0',
)


def test_every_kind_of_policy_is_made_under_its_name() -> None:
    made = [one.make() for one in table(policies(*KINDS)).policies]
    kinds = [row.split('"')[1] for row in KINDS]
    assert [one.name for one in made] == kinds
    named = table(policies(*(f'{row}\nname = "rule-{number}"' for number, row in enumerate(KINDS)))).policies
    assert [one.make().name for one in named] == [f"rule-{number}" for number in range(len(KINDS))]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('kind = "gold"', "energy.policies[0]"),
        ('signal = "price"', "energy.policies[0]"),
        ('kind = "price"', "signal"),
        ('kind = "price"\nsignal = "gold"', "names no signal (here: 'gold'; there are: price, volume)"),
        ('kind = "price"\nsignal = "price"\ncheap = 5\ndear = 5', "cheap must be below dear (5 and 5)"),
        ('kind = "price"\nsignal = "price"\ncheap = nan', "cheap is no price (here: nan)"),
        ('kind = "price"\nsignal = "price"\ndear = inf', "dear is no price (here: inf)"),
        ('kind = "renewable"\nsignal = "price"\nlow_percent = 70\nhigh_percent = 60', "must be below high_percent"),
        ('kind = "renewable"\nsignal = "price"\nlow_percent = nan', "low_percent"),
        ('kind = "carbon"\nsignal = "price"\nthreshold_g_per_kwh = 0', "threshold_g_per_kwh"),
        ('kind = "carbon-budget"\nsignal = "price"', "budget_g"),
        ('kind = "thermal"\nzone = "attic"', "names no thermal zone (here: 'attic'; the profile has: cpu, inlet)"),
        ('kind = "thermal"\nzone = "cpu"\nahead_s = 1', "ahead_s"),
        ('kind = "battery"\nreserve_percent = 100', "reserve_percent"),
        ('kind = "supply"\nsignal = "price"', "unknown key"),
        ('kind = "supply"\nname = "two words"', "name"),
    ],
)
def test_a_wrong_policy_is_told_with_its_place(row: str, told: str) -> None:
    text = problems(policies(row))
    assert told in text
    assert "site.toml:" in text
    assert "energy.policies[0]" in text


def test_two_policies_of_one_name_are_told() -> None:
    assert "two policies are called 'supply': give one a name" in problems(
        policies('kind = "supply"', 'kind = "supply"')
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("min_w = 0", "energy.min_w"),
        ("min_w = nan", "energy.min_w"),
        ("max_w = inf", "energy.max_w"),
        ("min_w = 50\nmax_w = 40", "must not be larger than max_w (here: 50 and 40)"),
        ("safe_w = 50\nmax_w = 40", "must not be larger than max_w (here: 50 and 40)"),
        ("min_w = 50\nsafe_w = 40", "must not be larger than safe_w"),
        ('zone = "Mars/Olympus"', "is no time zone (here: 'Mars/Olympus')"),
        ('zone = "../../etc/passwd"', "is no time zone"),
        ('zone = ""', "is no time zone"),
        ('zone = "\\u0000"', "is no time zone"),
        ('refresh_cron = "soon"', "give five fields"),
        ('refresh_cron = "0 0 31 2 *"', "no month of these has a day 31"),
        ("look_s = 0.5", "energy.look_s"),
        ("apply_s = 0", "energy.apply_s"),
        ("dead_band_w = -1", "energy.dead_band_w"),
        ('work_command = [""]', "energy.work_command"),
        ('work_command = ["a\\u0000b"]', "energy.work_command"),
        ('sysfs = ""', "energy.sysfs"),
        ('sysfs = "/s\\u0000"', "energy.sysfs"),
        ('proc = "proc"', "energy.proc"),
        ('work_unit = ""', "energy.work_unit"),
        ("policys = []", "did you mean 'policies'"),
        ("actuator = 1", "energy.actuator"),
        ('[energy.signals.price]\nkind = "gold"', "energy.signals.price.kind: no such kind"),
        ('[energy.signals.price]\nkind = "mock"\nzone = "Mars"', "energy.signals.price.zone"),
        ('battery = { kind = "nut" }', "belong together"),
        ('battery = { hosts = ["a b"] }', "energy.battery.hosts"),
        ('kubernetes = { server = "http://cluster" }', "energy.kubernetes.server"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    assert told in problems(f"[energy]\n{text}")


def test_every_problem_is_told_at_once() -> None:
    text = problems('[energy]\nzone = "Mars"\nrefresh_cron = "x"\n' + policies('kind = "price"\nsignal = "gold"'))
    assert text.count("\n") == 2


# -------------------------------------------------------------------- the original's environment


def test_the_environment_counts_only_where_it_is_asked_for() -> None:
    environ = {"MAX_SOURCE": "40000000", "RAPL_MIN_POWER": "10000000", "DATA_PROVIDER": "mock"}
    assert table("[energy]", environ).max_w is None
    asked = table("[energy]\nenvironment = true\nmax_w = 500", environ)
    assert (asked.min_w, asked.max_w, asked.signals["market"].kind) == (10, 40, "mock")
    assert [one.make().name for one in asked.policies] == ["volume"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MAX_SOURCE", "much", "MAX_SOURCE = 'much'"),
        ("RAPL_MIN_POWER", "nan", "RAPL_MIN_POWER"),
        ("DATA_PROVIDER", "gold", "no such kind (here: 'gold'"),
        ("PROVIDER_PARAMS", "[]", "PROVIDER_PARAMS"),
        ("TIMEZONE", "Mars", "TIMEZONE"),
    ],
)
def test_a_wrong_environment_is_a_problem_of_the_table(name: str, value: str, told: str) -> None:
    assert told in problems("[energy]\nenvironment = true", {name: value})


def test_a_limit_of_the_environment_is_held_against_the_table() -> None:
    assert "must not be larger than max_w" in problems(
        "[energy]\nenvironment = true\nmin_w = 50", {"MAX_SOURCE": "40000000"}
    )


# -------------------------------------------------------------------- meters


def test_meters_are_made_in_their_order() -> None:
    text = """
[energy]
meters = [
  { kind = "supplies" }, { kind = "rapl", domain = "psys" }, { kind = "raspberry-pi-5" },
  { kind = "hwmon", chip = "ina226", channel = 2, quantity = "cpu_w" },
  { kind = "load-model", idle_w = 2, busy_w = 8 },
]
"""
    ground = MeterGround(Sysfs(Path("/nowhere")), Sysfs(Path("/nowhere")), lambda: 120.0, Port())
    tables = table(text).meters
    assert tables is not None
    made = make_meters(tables, ground)
    assert len(made) == len(tables)
    first = made[0].read(5)
    assert (getattr(first, "quantity", None), getattr(first, "watts", None)) == (Quantity.NODE_W, 120.0)
    assert [type(one) for one in make_meters(None, ground)] == [type(one) for one in make_meters(BY_ITSELF, ground)]
    assert make_meters((), ground) == ()


class Port:
    """Of no chip."""

    def read(self, *_: object) -> NoReturn:
        raise OSError("no chip")

    read_optional = write = attribute_of = read


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('{ kind = "gold" }', "energy.meters[0]"),
        ('{ kind = "load-model", idle_w = 9, busy_w = 8 }', "idle_w must not be larger than busy_w (9 and 8)"),
        ('{ kind = "load-model", idle_w = 9 }', "busy_w"),
        ('{ kind = "hwmon", chip = "../ina226" }', "energy.meters[0].chip"),
        ('{ kind = "hwmon", chip = "ina226", channel = 0 }', "energy.meters[0].channel"),
        ('{ kind = "rapl", domain = "core" }', "energy.meters[0].domain"),
        ('{ kind = "supplies", watts = 3 }', "unknown key"),
    ],
)
def test_a_wrong_meter_is_told_with_its_place(row: str, told: str) -> None:
    assert told in problems(f"[energy]\nmeters = [{row}]")


# -------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("given", "can_w", "expected"),
    [
        (EnergyTable(min_w=10, max_w=40), None, CapRange(10, 40, 10)),
        (EnergyTable(), (15, 65), CapRange(15, 65, 15)),
        (EnergyTable(min_w=10, max_w=400), (15, 65), CapRange(15, 65, 15)),
        (EnergyTable(min_w=20, max_w=40, safe_w=30), (15, 65), CapRange(20, 40, 30)),
        (EnergyTable(safe_w=5), (15, 65), CapRange(15, 65, 15)),
        (EnergyTable(safe_w=500), (15, 65), CapRange(15, 65, 65)),
    ],
)
def test_a_cap_moves_within_the_table_and_the_actuator(
    given: EnergyTable, can_w: tuple[float, float] | None, expected: CapRange
) -> None:
    assert cap_limits(given, "powercap", can_w) == expected


@pytest.mark.parametrize(
    ("given", "can_w", "told"),
    [
        (EnergyTable(), None, "tells no limits here: give energy.min_w and energy.max_w"),
        (EnergyTable(min_w=10), None, "tells no limits here: give energy.min_w and energy.max_w"),
        (
            EnergyTable(min_w=70),
            (15, 65),
            "no cap is at least 70 and at most 65 W (the actuator powercap takes 15 to 65 W)",
        ),
        (EnergyTable(), (0, 65), "takes 0 to 65 W, which is no range: give energy.min_w"),
        (EnergyTable(), (15, math.inf), "which is no range"),
    ],
)
def test_limits_that_leave_nothing_are_told(given: EnergyTable, can_w: tuple[float, float] | None, told: str) -> None:
    with pytest.raises(LimitsError) as refused:
        cap_limits(given, "powercap", can_w)
    assert told in str(refused.value)


# -------------------------------------------------------------------- hostile TOML

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["price", "volume", "mock", "cpu", "UTC", "powercap", "node_w", "\0", "1" * 500]),
    st.just(datetime.datetime(2026, 1, 1)),
    st.just(datetime.time(1)),
)
KEYS = st.sampled_from(
    [*EnergyTable.__struct_fields__, "kind", "signal", "name", "options", "chip", "idle_w", "busy_w", "trip_c", "hosts"]
) | st.text(max_size=8)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
NAMED = st.dictionaries(st.sampled_from(["price", "volume", "a/b", "", "\0", "../x"]), TREES, max_size=2)
KINDED = st.fixed_dictionaries(
    {"kind": st.sampled_from([row.split('"')[1] for row in KINDS] + ["rapl", "hwmon", "load-model", "mock", "file"])},
    optional={
        "signal": SCALARS,
        "zone": SCALARS,
        "options": TREES,
        "cheap": SCALARS,
        "name": SCALARS,
        "idle_w": SCALARS,
    },
)
SIGNALS = st.dictionaries(st.sampled_from(["price", "volume", "a/b", ""]), KINDED, max_size=2)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        **{key: SCALARS | TREES for key in EnergyTable.__struct_fields__ if key != "environment"},
        "signals": NAMED | SIGNALS,
        "policies": st.lists(KINDED, max_size=3) | TREES,
        "meters": st.lists(KINDED, max_size=3) | TREES,
        "environment": st.booleans(),
    },
)
ENVIRON = st.dictionaries(
    st.sampled_from(["MAX_SOURCE", "RAPL_MIN_POWER", "DATA_PROVIDER", "PROVIDER_PARAMS", "PROVIDER_URL", "TIMEZONE"]),
    st.text(max_size=12) | st.sampled_from(["40000000", "epex", "mock", "{}", '{"mean": "nan"}', "https://x/{day}"]),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(TABLES, ENVIRON)
def test_anything_is_a_table_or_a_problem_that_is_told(tree: dict[str, Any], environ: dict[str, str]) -> None:
    taken: EnergyTable | ConfigError
    try:
        taken = energy_table(tree, FILE, "[energy]\n", ZONES, environ)
    except ConfigError as error:
        taken = error
    if isinstance(taken, ConfigError):
        assert taken.problems
        assert all(one.path[0] == "energy" and one.text for one in taken.problems)
        return
    for policy in taken.policies:
        assert policy.make().name
    given_w = [watts for watts in (taken.min_w, taken.safe_w, taken.max_w) if watts is not None]
    assert all(0 < watts <= 100_000 for watts in given_w)
    assert given_w == sorted(given_w)
