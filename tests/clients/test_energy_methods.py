# SPDX-License-Identifier: Apache-2.0
"""Every method of `[energy]` of a running agent, asked well and badly, against its schema; and the verbs over it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.demo import PGOOD, start_demo
from tests.clients.test_energy import until
from tests.clients.test_request_schemas import ALL_METHODS, answers, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

METHODS = {method: schema for method, schema in ALL_METHODS.items() if method.startswith("energy/")}
SITE = """
[energy]
zone = "UTC"
min_w = 10
max_w = 400
look_s = 1
[energy.signals.price]
kind = "mock"
zone = "UTC"
options = { mean = 40.0, swing = 60.0 }
[energy.signals.carbon]
kind = "mock"
zone = "UTC"
options = { unit = "gCO2/kWh", mean = 300.0, swing = 150.0 }
[[energy.policies]]
kind = "price"
signal = "price"
[[energy.policies]]
kind = "carbon"
signal = "carbon"
[[energy.policies]]
kind = "carbon-budget"
signal = "carbon"
budget_g = 5000
[[energy.policies]]
kind = "thermal"
zone = "cpu"
[[energy.policies]]
kind = "supply"
[[energy.policies]]
kind = "battery"
"""

GOOD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("energy/get", {}),
    ("energy/when", {"duration": "2h", "before": "12h"}),
    ("energy/when", {"duration": "30m", "before": "3h", "signal": "carbon", "min_saving_percent": 0}),
    ("energy/when", {"duration": "2h", "before": "1h"}),
    ("energy/forecast", {}),
    ("energy/forecast", {"of": "price", "hours": 24}),
    ("energy/what-if", {"load_w": 50}),
    ("energy/what-if", {"zone": "cpu", "lost_of_fans": 2}),
    ("energy/report", {}),
    ("energy/report", {"hours": 336}),
)
BAD: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("energy/get", {"zone": "cpu"}, "bad-arguments"),
    ("energy/when", {"duration": "2h"}, "bad-arguments"),
    ("energy/when", {"duration": "soon", "before": "06:00"}, "bad-arguments"),
    ("energy/when", {"duration": "2h", "before": "06:00", "signal": "gold"}, "bad-arguments"),
    ("energy/forecast", {"of": "gold"}, "bad-arguments"),
    ("energy/forecast", {"hours": 25}, "bad-arguments"),
    ("energy/what-if", {}, "bad-arguments"),
    ("energy/what-if", {"load_w": 1, "ambient_k": 1}, "bad-arguments"),
    ("energy/what-if", {"zone": "attic", "load_w": 1}, "bad-arguments"),
    ("energy/what-if", {"ambient_k": 1e9}, "bad-arguments"),
    ("energy/report", {"hours": 0}, "bad-arguments"),
    ("energy/boost", {"seconds": 10}, "blocked"),
)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("energy")
    (folder / "site.toml").write_text(SITE)
    running = start_demo(folder / "state", "--config", str(folder / "site.toml"))
    until(
        lambda: json.loads(running.pgood("energy", "--json"))["state"]["cap_w"] is not None,
        lambda: running.pgood("energy"),
    )
    yield running
    code, output = running.stop()
    assert code == 0, output
    assert "Traceback" not in output, output


def test_every_method_is_there_and_tells_its_schema(board: Demo) -> None:
    (listed,) = answers(board, "methods/list", {})
    elsewhere = {method for method in ALL_METHODS if method.startswith("fleet/")}  # this board is in no fleet
    assert set(listed["data"]["methods"]) == ALL_METHODS.keys() - elsewhere
    for method, schemas in METHODS.items():
        (told,) = answers(board, "methods/describe", {"method": method})
        assert {key: told["data"][key] for key in ("method", "request", "answer")} == schemas


@pytest.mark.parametrize(("method", "given"), GOOD)
def test_answers_are_as_described(board: Demo, method: str, given: dict[str, Any]) -> None:
    schemas = METHODS[method]
    assert not wrong(schemas["request"], given)
    (told,) = answers(board, method, given)
    assert told["ok"], told
    assert not wrong(schemas["answer"], told["data"]), told


@pytest.mark.parametrize(("method", "given", "verdict"), BAD)
def test_refusals_say_why(board: Demo, method: str, given: dict[str, Any], verdict: str) -> None:
    (told,) = answers(board, method, given)
    assert (told["ok"], told["verdict"]) == (False, verdict), told
    assert told["reason"]


def test_every_method_is_asked() -> None:
    assert {method for method, _ in GOOD} | {method for method, *_ in BAD} == METHODS.keys()


def test_the_verbs_of_a_person(board: Demo) -> None:
    told = board.pgood("when", "--duration", "2h", "--before", "23h")
    assert "(price, EUR/MWh)" in told
    window = json.loads(board.pgood("when", "--duration", "2h", "--before", "23h", "--json"))["window"]
    assert window["mean"] <= window["mean_now"]
    assert "do not fit" in board.pgood("when", "--duration", "2h", "--before", "1h", code=1)
    assert "is no duration" in board.pgood("when", "--duration", "x", "--before", "1h", code=1)
    assert "days of history are there" in board.pgood("energy", "forecast", code=1)
    assert "trip" in board.pgood("energy", "what-if", "--load", "30", code=1)
    report = board.pgood("energy", "report")
    for told in ("cap adjustments", "refresh success    100.0%", "RAPL errors        0", "data availability"):
        assert told in report
    assert "nothing is tuned" in board.pgood("energy", "boost", "--seconds", "5", code=1)


def test_a_made_up_day_is_one_that_a_file_signal_reads(board: Demo) -> None:
    where = board.state_dir / "days"
    asked = [PGOOD, "energy", "test-data", "--directory", str(where), "--zone", "UTC", "--seed", "7"]
    ours, original = (Path(board.client([*asked, *form], 0).strip()) for form in ([], ["--form", "powercap"]))
    assert ours.read_text().count("\n") == original.read_text().count("\n") == 97
    assert original.read_text().startswith("Period,Volume (MWh),Price (€/MWh)\n00:00-00:15,")
    assert "\n23:45-24:00," in original.read_text()
    before = ours.read_bytes(), original.read_bytes()
    for form in ([], ["--form", "powercap"]):
        board.client([*asked, *form], 0)
    assert (ours.read_bytes(), original.read_bytes()) == before
