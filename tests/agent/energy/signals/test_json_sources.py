# SPDX-License-Identifier: Apache-2.0
"""energy-charts, aWATTar, GB carbon intensity, Electricity Maps: what is asked, and what is made of answers."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest

from agent.energy.refresh import is_complete
from agent.energy.signals import awattar
from agent.energy.signals.interface import SignalUnit
from agent.energy.slots import day_slot
from tests.agent.energy.signals.misbehaving import Server, say, serving
from tests.agent.energy.signals.sources import ANSWERS, PARIS, fetch, refusal, source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = datetime.date(2026, 9, 25)
START_S = day_slot(DAY, PARIS).start_utc_s
JSON = "Content-Type: application/json"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def answer(server: Server, file: str, path: str = "*") -> None:
    server.answers[path] = say("200 OK", (ANSWERS / file).read_bytes(), JSON)


def asked(server: Server) -> str:
    return server.requests[-1].split(b" ")[1].decode()


def changed(file: str, **keys: Any) -> bytes:
    return say("200 OK", json.dumps({**json.loads((ANSWERS / file).read_bytes()), **keys}).encode(), JSON)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("hidden-0815\n")
    file.chmod(0o600)
    return file


def test_energy_charts_price(server: Server) -> None:
    answer(server, "energy_charts_price.json", "/price")
    data = fetch(source("energy-charts", bidding_zone="DE-LU", url=server.url + "/price"), DAY)
    assert asked(server) == "/price?bzn=DE-LU&start=2026-09-24T22%3A00Z&end=2026-09-25T22%3A00Z"
    assert (data.unit, data.source) == (SignalUnit.EUR_PER_MWH, "energy-charts price DE-LU")
    values = {point.start_s: point.value for point in data.points}
    assert len(values) == 95  # the day before is left out, null is a hole
    assert START_S + 70 * 900 not in values
    assert [values[START_S + i * 900] for i in range(52, 56)] == [-3.1, -5.02, 0.0, -0.01]
    assert not is_complete(DAY, data)


def test_energy_charts_in_another_unit(server: Server) -> None:
    server.answers["*"] = changed("energy_charts_price.json", unit="CHF/MWh")
    error = refusal(source("energy-charts", bidding_zone="CH", url=server.url), DAY)
    assert (error.retry, "CHF/MWh" in str(error)) == (False, True)


@pytest.mark.parametrize(
    "keys",
    [
        {"unix_seconds": [START_S], "price": []},
        {"unix_seconds": [START_S, START_S + 7], "price": [1, 2]},
        {"unix_seconds": [START_S, START_S], "price": [1, 2]},
        {"unix_seconds": [START_S + 900, START_S], "price": [1, 2]},
        {"unix_seconds": "no"},
        {"price": [True]},
        {"price": ["1"]},
    ],
)
def test_energy_charts_that_makes_no_sense(server: Server, keys: dict[str, Any]) -> None:
    server.answers["*"] = changed("energy_charts_price.json", **keys)
    assert refusal(source("energy-charts", bidding_zone="FR", url=server.url), DAY).retry


def test_energy_charts_hours_on_a_day_of_25(server: Server) -> None:
    day = datetime.date(2026, 10, 25)
    start_s = day_slot(day, PARIS).start_utc_s
    hours = [start_s + 3600 * i for i in range(25)]
    server.answers["*"] = changed("energy_charts_price.json", unix_seconds=hours, price=[float(i) for i in range(25)])
    data = fetch(source("energy-charts", bidding_zone="FR", url=server.url), day)
    assert [point.value for point in data.points] == list(range(25))
    assert is_complete(day, data)


def test_energy_charts_forecast_of_the_renewable_share(server: Server) -> None:
    answer(server, "energy_charts_ren_share_forecast.json", "/ren_share_forecast")
    made = source("energy-charts-power", country="de", url=server.url)
    data = fetch(made, DAY)
    assert asked(server) == "/ren_share_forecast?country=de"
    assert (data.unit, made.ahead, is_complete(DAY, data)) == (SignalUnit.PERCENT, True, True)
    assert max(point.value for point in data.points) > 100
    tomorrow = DAY + datetime.timedelta(days=1)
    assert is_complete(tomorrow, fetch(made, tomorrow))


@pytest.mark.parametrize(
    ("series", "unit", "first", "hole"),
    [
        ("renewable-share", SignalUnit.PERCENT, 40.0, None),
        ("load", SignalUnit.MW, 50_000.0, None),
        ("generation", SignalUnit.MW, 1500.0 + 4000.0 + 6000.5 + 9000.0, 5),
    ],
)
def test_energy_charts_measured(server: Server, series: str, unit: SignalUnit, first: float, hole: int | None) -> None:
    answer(server, "energy_charts_public_power.json", "/public_power")
    made = source("energy-charts-power", country="de", series=series, url=server.url)
    data = fetch(made, DAY)
    assert asked(server).startswith("/public_power?country=de&start=2026-09-24T22%3A00Z&end=")
    assert (data.unit, made.ahead, data.points[0].value) == (unit, False, first)
    starts = {(point.start_s - START_S) // 900 for point in data.points}
    assert starts == set(range(60)) - {hole}


def test_energy_charts_country_without_the_row(server: Server) -> None:
    server.answers["*"] = changed("energy_charts_public_power.json", production_types=[])
    error = refusal(source("energy-charts-power", country="ie", series="load", url=server.url), DAY)
    assert (error.retry, "no row Load" in str(error)) == (False, True)


def test_awattar(server: Server) -> None:
    answer(server, "awattar.json", "/v1/marketdata")
    data = fetch(source("awattar", country="de", url=server.url + "/v1/marketdata"), DAY)
    assert asked(server) == f"/v1/marketdata?start={START_S * 1000}&end={(START_S + 86_400) * 1000}"
    assert [point.duration_s for point in data.points] == [3600] * 24
    assert data.points[0].start_s == START_S
    assert is_complete(DAY, data)


def test_awattar_has_an_address_per_country() -> None:
    made = [awattar.address(awattar.AwattarOptions(country=country)) for country in awattar.Country]
    assert made == ["https://api.awattar.de/v1/marketdata", "https://api.awattar.at/v1/marketdata"]


@pytest.mark.parametrize(
    ("keys", "retry"), [({"unit": "ct/kWh"}, False), ({"end_timestamp": 0}, True), ({"start_timestamp": 1}, True)]
)
def test_awattar_that_makes_no_sense(server: Server, keys: dict[str, Any], retry: bool) -> None:
    first = json.loads((ANSWERS / "awattar.json").read_bytes())["data"][0]
    server.answers["*"] = changed("awattar.json", data=[{**first, **keys}])
    assert refusal(source("awattar", url=server.url), DAY).retry is retry


@pytest.mark.parametrize(("series", "count", "first"), [("forecast", 48, 150), ("actual", 20, 160)])
def test_gb_carbon(server: Server, series: str, count: int, first: float) -> None:
    answer(server, "gb_carbon_fw48h.json", "/intensity/2026-09-24T23:00Z/fw48h")
    made = source("gb-carbon", "Europe/London", series=series, url=server.url)
    data = fetch(made, DAY)
    assert (data.unit, made.ahead) == (SignalUnit.G_PER_KWH, series == "forecast")
    assert len(data.points) == count
    assert (data.points[0].value, data.points[0].duration_s) == (first, 1800)
    assert "CC BY" in data.source


def test_gb_carbon_with_local_times(server: Server) -> None:
    item = {"from": "2026-09-25T12:00", "to": "2026-09-25T12:30", "intensity": {"forecast": 1, "actual": None}}
    server.answers["*"] = changed("gb_carbon_fw48h.json", data=[item])
    assert "offset from UTC" in str(refusal(source("gb-carbon", url=server.url), DAY))


def test_electricity_maps_history(server: Server, token_file: Path) -> None:
    answer(server, "electricity_maps_history.json", "/carbon-intensity/history")
    made = source("electricity-maps", area="FR", token_file=str(token_file), url=server.url)
    data = fetch(made, DAY)
    assert asked(server) == "/carbon-intensity/history?zone=FR"
    assert b"\r\nauth-token: hidden-0815\r\n" in server.requests[-1]
    assert (data.unit, made.ahead) == (SignalUnit.G_PER_KWH, False)
    assert [point.value for point in data.points] == [20 + i for i in range(9, 24)]
    measured = source("electricity-maps", area="FR", token_file=str(token_file), url=server.url, estimated=False)
    assert [point.value for point in fetch(measured, DAY).points] == [20 + i for i in range(9, 22)]
    assert measured.origin != made.origin
    assert "average" in made.origin


def test_electricity_maps_forecast(server: Server, token_file: Path) -> None:
    answer(server, "electricity_maps_forecast.json", "/carbon-intensity/forecast")
    made = source("electricity-maps", area="FR", token_file=str(token_file), url=server.url, series="forecast")
    assert made.ahead
    assert is_complete(DAY, fetch(made, DAY))


def test_electricity_maps_of_another_zone(server: Server, token_file: Path) -> None:
    answer(server, "electricity_maps_history.json")
    error = refusal(source("electricity-maps", area="DE", token_file=str(token_file), url=server.url), DAY)
    assert (error.retry, "for FR, not for DE" in str(error)) == (False, True)


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        (b"hidden-0815", 0o644, "chmod 600"),
        (b"", 0o600, "one line"),
        (b"hidden\n0815", 0o600, "one line"),
        (b"hidden\xff0815", 0o600, "one line"),
        (b"x" * 5000, 0o600, "one line"),
    ],
)
def test_a_token_file_that_cannot_be_used(
    server: Server, token_file: Path, content: bytes, mode: int, why: str
) -> None:
    token_file.write_bytes(content)
    token_file.chmod(mode)
    error = refusal(source("electricity-maps", area="FR", token_file=str(token_file), url=server.url), DAY)
    assert (error.retry, why in str(error), "hidden" in str(error)) == (False, True, False)
    assert not server.requests


def test_a_token_file_that_is_missing(server: Server, tmp_path: Path) -> None:
    error = refusal(source("electricity-maps", area="FR", token_file=str(tmp_path / "no"), url=server.url), DAY)
    assert (error.retry, "mode 0600" in str(error)) == (False, True)
