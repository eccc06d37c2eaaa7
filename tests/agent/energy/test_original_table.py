# SPDX-License-Identifier: Apache-2.0
"""Every environment name of the original has an effect on what the agent does."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.energy.cron import parse_cron
from agent.energy.original_environment import settings_from
from agent.energy.original_table import with_original
from agent.energy.tables import EnergyTable, energy_table
from agent.energy.timed_refresh import TimedRefresh
from agent.profile.problem import ConfigError
from tests.agent.energy.control_rig import NOON_S, ZONE

if TYPE_CHECKING:
    from pathlib import Path

    from agent.energy.policy_tables import VolumeTable

EVERYTHING = {
    "NODE_NAME": "worker-1",
    "STABILISATION_TIME": "120",
    "RAPL_MIN_POWER": "10000000",
    "MAX_SOURCE": "40000000",
    "TIMEZONE": "Europe/Berlin",
    "POWER_CALC_MODE": "average",
    "DATA_PROVIDER": "epex",
    "PROVIDER_URL": "https://market.example/results",
    "PROVIDER_PARAMS": '{"market_area": "FR"}',
    "DATA_REFRESH_CRON": "0 13 * * *",
}


def table(environ: dict[str, str], **given: Any) -> EnergyTable:
    return with_original(msgspec.convert(given, EnergyTable), settings_from(environ))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("STABILISATION_TIME", "apply_s", 120.0),
        ("RAPL_MIN_POWER", "min_w", 10.0),
        ("MAX_SOURCE", "max_w", 40.0),
        ("TIMEZONE", "zone", "Europe/Berlin"),
        ("DATA_REFRESH_CRON", "refresh_cron", "0 13 * * *"),
    ],
)
def test_one_name_changes_one_key(name: str, key: str, value: object) -> None:
    before, after = EnergyTable(), table({name: EVERYTHING[name]})
    assert getattr(after, key) == value != getattr(before, key)
    assert msgspec.structs.replace(after, **{key: getattr(before, key)}) == before


def test_a_provider_alone_is_a_signal_and_the_rule_of_three() -> None:
    made = table({"DATA_PROVIDER": "mock"})
    assert made.signals["market"].kind == "mock"
    assert made.signals["market"].options == {"unit": "MWh"}
    (policy,) = made.policies
    assert (policy.title, policy.signal) == ("volume", "market")  # type: ignore[union-attr]


def test_everything_at_once_is_a_good_table(tmp_path: Path) -> None:
    made = energy_table({"environment": True}, tmp_path / "site.toml", "", (), EVERYTHING)
    market = made.signals["market"]
    assert (market.kind, market.zone) == ("epex-table", "Europe/Berlin")
    assert market.options["url"] == (
        "https://market.example/results?market_area=FR&delivery_date={day}&trading_date={day_before}&data_mode=table"
    )
    volume: VolumeTable = made.policies[0]  # type: ignore[assignment]
    assert volume.reference == "average"
    assert energy_table({}, tmp_path / "site.toml", "", (), EVERYTHING) == EnergyTable()


def test_an_address_that_has_its_day_is_taken_as_it_is() -> None:
    made = table({"DATA_PROVIDER": "epex", "PROVIDER_URL": "https://mine.example/{day}.html"})
    assert made.signals["market"].options["url"] == "https://mine.example/{day}.html"


def test_the_site_files_own_policies_and_signals_stay() -> None:
    mine = {"price": {"kind": "mock"}}
    made = table({"POWER_CALC_MODE": "average"}, signals=mine, policies=[{"kind": "price", "signal": "price"}])
    assert list(made.signals) == ["price"]
    assert [policy.title for policy in made.policies] == ["price"]


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"STABILISATION_TIME": "soon"}, "STABILISATION_TIME = 'soon'"),
        ({"DATA_PROVIDER": "nobody"}, "energy.signals.market.kind: no such kind"),
        ({"DATA_PROVIDER": "epex"}, "energy.signals.market.options: give either path"),
        ({"DATA_PROVIDER": "mock", "PROVIDER_PARAMS": '{"seed": "many"}'}, "energy.signals.market.options.seed"),
        ({"MAX_SOURCE": "40000000", "RAPL_MIN_POWER": "90000000"}, "RAPL_MIN_POWER = 90000000 is above"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(tmp_path: Path, environ: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        energy_table({"environment": True}, tmp_path / "site.toml", "", (), environ)
    assert told in str(refused.value)


class Asked:
    """Counts what a feed is asked for."""

    def __init__(self) -> None:
        self.times = 0

    def again(self) -> None:
        self.times += 1


def test_a_refresh_comes_at_its_time_and_once_a_day() -> None:
    clock, feed = [NOON_S], Asked()
    timed = TimedRefresh(parse_cron("0 13 * * *"), ZONE, [feed], lambda: clock[0])  # type: ignore[list-item]
    seen: list[int] = []
    for _ in range(3 * 24 * 60):
        clock[0] += 60
        if timed.step():
            seen.append(round(clock[0]))
    assert feed.times == len(seen) == 3
    local = [datetime.datetime.fromtimestamp(at_s, datetime.UTC).hour for at_s in seen]
    assert local == [12, 12, 12]
