# SPDX-License-Identifier: Apache-2.0
"""Kinds of other packages, the tables of the site file, and the conformance test for both."""

from __future__ import annotations

import asyncio
import datetime
import importlib
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.energy.feeds import make_feeds, make_source, problems
from agent.energy.policies.situation import Freshness
from agent.energy.signals import registry
from agent.energy.signals.conformance import check_source
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit
from agent.energy.signals.table import SignalTable
from agent.energy.slots import day_slot
from agent.energy.test_data import write_day
from tests.agent.energy.signals.misbehaving import say, serving
from tests.agent.energy.signals.sources import ANSWERS, PARIS, Scripted, around, day_of, source

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = datetime.date(2026, 9, 25)
NOON_S = day_slot(DAY, PARIS).start_utc_s + 12 * 3600.0

ACME = """
from agent.energy.signals.interface import SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind, SignalOptions
from agent.energy.slots import quarters

class Options(SignalOptions, frozen=True, kw_only=True):
    level_m: float

class Tide:
    unit, step_s, ahead = SignalUnit.MW, 900, True
    def __init__(self, options, around):
        self.name, self.zone, self.options = around.name, around.zone, options
        self.origin = f"acme tide {options.level_m}"
    async def fetch(self, day):
        level = self.options.level_m
        return day_said(self, tuple(SignalPoint(s.start_utc_s, 900, level) for s in quarters(day, self.zone)))

def explodes(options, around):
    raise RuntimeError("boom")

KIND = SignalKind("power of the tide", Options, Tide)
EXPLODES = SignalKind("x", Options, explodes)
def confused(options):
    raise RuntimeError("boom")

CONFUSED = SignalKind("x", Options, Tide, confused)
STRANGE = SignalKind("x", dict, Tide)
NOTHING = object()
"""
ENTRY_POINTS = """[pgood.signals]
acme-tide = acme_tide:KIND
acme-explodes = acme_tide:EXPLODES
acme-strange = acme_tide:STRANGE
acme-confused = acme_tide:CONFUSED
acme-nothing = acme_tide:NOTHING
acme-lost = acme_tide:NOT_THERE
acme-broken = acme_broken:KIND
acme-exits = acme_exits:KIND
mock = acme_tide:KIND
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package as an installer leaves it."""
    site = tmp_path / "site-packages"
    info = site / "acme_tide-2.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tide\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (site / "acme_tide.py").write_text(ACME)
    (site / "acme_broken.py").write_text("import a_library_that_is_not_installed\n")
    (site / "acme_exits.py").write_text("raise SystemExit(1)\n")
    monkeypatch.syspath_prepend(str(site))
    yield info
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


def test_every_kind_of_ours_describes_itself() -> None:
    for name in registry.BUILT_IN:
        found = registry.find(name)
        assert found is not None
        assert found.kind is not None
        assert found.kind.summary
    assert registry.find("nobody-has-this") is None


@pytest.mark.usefixtures("acme")
def test_a_foreign_kind_is_found_with_its_origin() -> None:
    found = registry.find("acme-tide")
    assert found is not None
    assert found.kind is not None
    assert (found.origin, found.kind.summary) == ("acme-tide 2.1", "power of the tide")
    assert set(registry.BUILT_IN) | {"acme-tide", "acme-broken"} <= set(registry.names())


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("acme-broken", "ModuleNotFoundError: No module named 'a_library_that_is_not_installed'"),
        ("acme-exits", "cannot be imported: SystemExit"),
        ("acme-lost", "cannot be imported: AttributeError"),
        ("acme-nothing", "is no SignalKind"),
        ("acme-strange", "are no SignalOptions"),
    ],
)
def test_a_broken_foreign_kind_costs_only_its_own_signal(tmp_path: Path, name: str, why: str) -> None:
    tables = {"tide": SignalTable(kind=name), "price": SignalTable(kind="mock")}
    feeds = make_feeds(tables, tmp_path, lambda: NOON_S)

    async def story() -> None:
        assert await feeds["price"].step()
        assert not await feeds["tide"].step()

    asyncio.run(story())
    assert why in feeds["tide"].last_error
    assert "acme-tide 2.1" in feeds["tide"].last_error
    assert feeds["tide"].value_at(NOON_S).state is Freshness.EXPIRED


@pytest.mark.usefixtures("acme")
def test_a_foreign_kind_whose_source_cannot_be_made(tmp_path: Path) -> None:
    feeds = make_feeds({"x": SignalTable(kind="acme-explodes", options={"level_m": 1.0})}, tmp_path, lambda: NOON_S)
    asyncio.run(feeds["x"].step())
    assert "energy.signals.x: RuntimeError: boom" in feeds["x"].last_error


@pytest.mark.usefixtures("acme")
def test_a_foreign_kind_that_cannot_judge_its_options() -> None:
    found = list(problems({"x": SignalTable(kind="acme-confused", options={"level_m": 1.0})}))
    assert [one.path for one in found] == [("energy", "signals", "x", "options")]
    assert "RuntimeError: boom" in found[0].text


@pytest.mark.usefixtures("acme")
def test_a_built_in_kind_cannot_be_shadowed() -> None:
    found = registry.find("mock")
    assert found is not None
    assert found.origin == "pgood"


def test_damaged_metadata_is_survived(acme: Path) -> None:
    (acme / "entry_points.txt").write_bytes(b"\xff\xfe[[[pgood.signals")
    assert registry.find("acme-tide") is None
    assert registry.find("mock") is not None


@pytest.mark.usefixtures("acme")
def test_the_options_of_a_foreign_kind_are_checked_like_ours(tmp_path: Path) -> None:
    table = SignalTable(kind="acme-tide", options={"level_n": 1, "level_m": "high"})
    assert [problem.path for problem in problems({"tide": table})] == [
        ("energy", "signals", "tide", "options", "level_n"),
        ("energy", "signals", "tide", "options", "level_m"),
    ]
    feeds = make_feeds({"tide": SignalTable(kind="acme-tide", options={"level_m": 1.5})}, tmp_path, lambda: NOON_S)
    assert asyncio.run(feeds["tide"].step())
    assert feeds["tide"].value_at(NOON_S).value == 1.5
    assert (tmp_path / "signals" / "tide_2026-09-25.csv").exists()


@pytest.mark.parametrize(
    ("name", "table", "place"),
    [
        ("Price", SignalTable(kind="mock"), "energy.signals.Price: a signal cannot be called"),
        ("p", SignalTable(kind="mok"), "energy.signals.p.kind: no such kind (here: 'mok'; there are: file, static"),
        ("p", SignalTable(kind="mock", zone="Paris"), "energy.signals.p.zone: 'Paris' is no time zone"),
        ("p", SignalTable(kind="static"), "energy.signals.p.options: the key 'value' is missing"),
        ("p", SignalTable(kind="mock", options={"sed": 1}), "energy.signals.p.options.sed: unknown key; did you mean"),
        ("p", SignalTable(kind="mock", options={"unit": "EUR"}), "energy.signals.p.options.unit: invalid enum value"),
        ("p", SignalTable(kind="file", options={"pattern": "x"}), "energy.signals.p.options.pattern: is no path"),
        ("p", SignalTable(kind="epex-table"), "energy.signals.p.options: give either path"),
        ("p", SignalTable(kind="static", options={"value": 1e12}), "energy.signals.p.options.value: expected `float`"),
        (
            "p",
            SignalTable(kind="energy-charts", options={"bidding_zone": "FR", "url": "http://u:p@h/"}),
            "energy.signals.p.options.url: write http",
        ),
        (
            "p",
            SignalTable(kind="entsoe", options={"area": "10YFR-RTE------C"}),
            "energy.signals.p.options: the key 'token_file' is missing",
        ),
    ],
)
def test_a_wrong_table_is_named_with_its_cure(tmp_path: Path, name: str, table: SignalTable, place: str) -> None:
    with pytest.raises(SignalError) as raised:
        make_feeds({"good": SignalTable(kind="mock"), name: table}, tmp_path, time.time)
    assert place in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_every_example_of_the_page_is_right() -> None:
    page = (Path(__file__).parents[4] / "docs" / "energy-signals.md").read_text()
    shown = set()
    for example in re.findall(r"```toml\n(\[energy\.signals\..*?)```", page, re.DOTALL):
        tables = {
            name: msgspec.convert(table, SignalTable)
            for name, table in tomllib.loads(example)["energy"]["signals"].items()
        }
        assert not list(problems(tables))
        shown |= {table.kind for table in tables.values()}
    assert shown == set(registry.BUILT_IN)


def test_the_source_of_the_page_conforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[4] / "docs" / "energy-signals.md").read_text()
    (tmp_path / "acme_page.py").write_text(page.partition("```python\n# acme_tide.py\n")[2].partition("```")[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    kind = importlib.import_module("acme_page").KIND
    options = msgspec.convert({"turbine_mw": 3.0}, kind.options)
    assert not bad(asyncio.run(check_source(lambda: kind.make(options, around("tide")), DAY)))


def test_feeds_live_together(tmp_path: Path) -> None:
    write_day(tmp_path, "filed", DAY, PARIS, 1)
    with serving() as server:
        server.answers["*"] = say("200 OK", (ANSWERS / "awattar.json").read_bytes())
        tables = {
            "file": SignalTable(kind="file", options={"pattern": f"{tmp_path}/filed_{{day}}.csv"}),
            "tariff": SignalTable(kind="static", options={"value": 95.0}),
            "volume": SignalTable(kind="mock", options={"unit": "MWh", "mean": 65.0}),
            "market": SignalTable(kind="awattar", options={"url": server.url}, max_stale_h=6),
        }
        feeds = make_feeds(tables, tmp_path, lambda: NOON_S)

        async def story() -> list[bool]:
            return list(await asyncio.gather(*(feed.step() for feed in feeds.values())))

        assert asyncio.run(story()) == [True] * 4
    assert all(feed.value_at(NOON_S).state is Freshness.FRESH for feed in feeds.values())
    market = feeds["market"]
    end_s = day_slot(DAY, PARIS).end_utc_s
    assert market.value_at(end_s + 6 * 3600 - 1).state is Freshness.STALE
    assert market.value_at(end_s + 6 * 3600).state is Freshness.EXPIRED


def test_no_signal_costs_no_network_library() -> None:
    """What only sources on the network need is imported with them."""
    script = (
        "import sys; from agent.energy.feeds import make_feeds; from agent.energy.signals.table import SignalTable\n"
        "from pathlib import Path\n"
        "make_feeds({'a': SignalTable(kind='mock')}, Path('/nowhere'), lambda: 0.0)\n"
        "print(*sorted({'http.client', 'urllib.request', 'html.parser', 'xml.parsers.expat'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


# ---------------------------------------------------------------------- the conformance test


def bad(findings: list[Any]) -> list[str]:
    return [finding.name for finding in findings if not finding.good]


@pytest.mark.parametrize("kind", ["mock", "static", "file"])
def test_ours_without_network_conform(tmp_path: Path, kind: str) -> None:
    write_day(tmp_path, "p", DAY, PARIS, 1)
    options: dict[str, dict[str, Any]] = {"static": {"value": 1.0}, "file": {"pattern": f"{tmp_path}/p_{{day}}.csv"}}
    assert not bad(asyncio.run(check_source(lambda: source(kind, **options.get(kind, {})), DAY)))


@pytest.mark.parametrize(
    ("kind", "zone", "options", "answer"),
    [
        ("energy-charts", PARIS, {"bidding_zone": "FR"}, "energy_charts_price.json"),
        ("energy-charts-power", PARIS, {"country": "fr"}, "energy_charts_ren_share_forecast.json"),
        ("energy-charts-power", PARIS, {"country": "fr", "series": "load"}, "energy_charts_public_power.json"),
        ("awattar", "Europe/Berlin", {}, "awattar.json"),
        ("gb-carbon", "Europe/London", {}, "gb_carbon_fw48h.json"),
        ("electricity-maps", PARIS, {"area": "FR", "token_file": "TOKEN"}, "electricity_maps_history.json"),
        ("entsoe", PARIS, {"area": "10Y1001A1001A82H", "token_file": "TOKEN"}, "entsoe_a44.xml"),
    ],
)
def test_ours_on_the_network_conform(
    tmp_path: Path, kind: str, zone: str, options: dict[str, str], answer: str
) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    token.chmod(0o600)
    given = {key: str(token) if value == "TOKEN" else value for key, value in options.items()}
    with serving() as server:
        server.answers["*"] = say("200 OK", (ANSWERS / answer).read_bytes())
        assert not bad(asyncio.run(check_source(lambda: source(kind, zone, url=server.url, **given), DAY)))


def test_an_epex_page_conforms(tmp_path: Path) -> None:
    (tmp_path / f"{DAY}.html").write_bytes((ANSWERS / "epex_table.html").read_bytes())
    assert not bad(asyncio.run(check_source(lambda: source("epex-table", path=f"{tmp_path}/{{day}}.html"), DAY)))


@pytest.mark.usefixtures("acme")
def test_a_foreign_source_conforms() -> None:
    table = SignalTable(kind="acme-tide", options={"level_m": 2.0})
    assert not bad(asyncio.run(check_source(lambda: make_source("tide", table), DAY)))


class Blocks(Scripted):
    async def fetch(self, day: datetime.date) -> SignalDay:
        time.sleep(0.3)  # noqa: ASYNC251
        return await super().fetch(day)


class Leaves(Scripted):
    async def fetch(self, day: datetime.date) -> SignalDay:
        self.left = asyncio.create_task(asyncio.sleep(60), name="left-behind")
        return await super().fetch(day)


class Stubborn(Scripted):
    async def fetch(self, day: datetime.date) -> SignalDay:
        try:
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
        return await super().fetch(day)


class Steps(Scripted):
    step_s = 7


def same_day(_: datetime.date) -> tuple[SignalPoint, ...]:
    return day_of(1.0, DAY)


def no_unit(day: datetime.date) -> SignalDay:
    return SignalDay("price", SignalUnit.MW, PARIS, "scripted", 0.0, day_of(1.0, day))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: Blocks(lambda day: day_of(1.0, day)), "never blocks the loop"),
        (lambda: Leaves(lambda day: day_of(1.0, day)), "leaves no tasks behind"),
        (lambda: Stubborn(lambda day: day_of(1.0, day)), "ends when it is cancelled"),
        (lambda: Steps(lambda day: day_of(1.0, day)), "states what it is"),
        (lambda: Scripted(same_day), "tomorrow: points of that day, or a SignalError"),
        (lambda: Scripted(lambda day: day_of(time.perf_counter(), day)), "gives the same day again"),
        (lambda: Scripted(lambda _: KeyError("x")), "gives the day"),
        (lambda: Scripted(no_unit), "points are of the day, in order, in its unit"),
        (lambda: Scripted(lambda day: day_of(1.0, day)[::-1]), "points are of the day, in order, in its unit"),
    ],
)
def test_what_does_not_conform_is_found(made: Any, why: str) -> None:
    assert why in bad(asyncio.run(check_source(made, DAY)))
