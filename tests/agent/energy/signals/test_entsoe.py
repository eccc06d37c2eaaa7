# SPDX-License-Identifier: Apache-2.0
"""ENTSO-E: curves, auctions, resolutions, hostile XML, and the token that nobody gets to see."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.day_store import DayStore
from agent.energy.feed import SignalFeed
from agent.energy.refresh import is_complete
from agent.energy.signals.entsoe_xml import read_document
from agent.energy.signals.interface import SignalError, SignalUnit
from agent.energy.slots import day_slot
from tests.agent.energy.signals.misbehaving import Server, say, serving
from tests.agent.energy.signals.sources import ANSWERS, PARIS, fetch, refusal, source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.energy.signals.interface import SignalSource

DAY = datetime.date(2026, 9, 25)
START_S = day_slot(DAY, PARIS).start_utc_s
GERMANY, FRANCE = "10Y1001A1001A82H", "10YFR-RTE------C"
TOKEN = "hidden-0815"
PRICES = (ANSWERS / "entsoe_a44.xml").read_bytes()
BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><Publication_MarketDocument>&c;</Publication_MarketDocument>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Publication_MarketDocument>&x;</Publication_MarketDocument>"""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    return file


def entsoe(server: Server, token_file: Path, **options: Any) -> SignalSource:
    return source("entsoe", **{"area": GERMANY, "token_file": str(token_file), "url": server.url, **options})


def values(of: SignalSource) -> dict[int, float]:
    return {(point.start_s - START_S) // 900: point.value for point in fetch(of, DAY).points}


def test_the_first_auction_with_repeated_prices_filled_in(server: Server, token_file: Path) -> None:
    server.answers["*"] = say("200 OK", PRICES, "Content-Type: text/xml")
    made = entsoe(server, token_file)
    data = fetch(made, DAY)
    assert is_complete(DAY, data)
    assert {point.duration_s for point in data.points} == {900}
    found = values(made)
    assert [found[i] for i in (0, 1, 2, 3)] == [101.5, 99.0, 99.0, 98.25]
    assert [found[i] for i in (49, 50, 52, 53, 58, 59, 82, 83, 95)] == [
        -2.5,
        -2.5,
        -2.5,
        0.0,
        0.0,
        33.3,
        33.3,
        120,
        120,
    ]
    query = server.requests[0].split(b" ")[1].decode()
    assert query == (
        f"/?documentType=A44&in_Domain={GERMANY}&out_Domain={GERMANY}"
        f"&periodStart=202609242200&periodEnd=202609252200&securityToken={TOKEN}"
    )


def test_the_second_auction_is_never_mixed_with_the_first(server: Server, token_file: Path) -> None:
    server.answers["*"] = say("200 OK", PRICES)
    first, second = entsoe(server, token_file), entsoe(server, token_file, sequence=2)
    assert [values(second)[i] for i in (0, 95)] == [201.0, 296.0]
    assert max(values(first).values()) < 200
    assert first.origin != second.origin
    assert not values(entsoe(server, token_file, sequence=3))


def test_the_resolution_can_be_chosen_and_is_one(server: Server, token_file: Path) -> None:
    server.answers["*"] = say("200 OK", PRICES)
    hours = fetch(entsoe(server, token_file, resolution="PT60M"), DAY)
    assert [(point.duration_s, point.value) for point in hours.points] == [(3600, 501.0 + i) for i in range(24)]


def test_a_zone_with_one_auction_does_not_number_it(server: Server, token_file: Path) -> None:
    plain = re.sub(rb"<classificationSequence.*?</class[^>]*>", b"", PRICES)
    one = plain[: plain.index(b"<TimeSeries>")] + plain[plain.index(b"  <TimeSeries>\n    <mRID>2<") :]
    server.answers["*"] = say("200 OK", one)
    assert values(entsoe(server, token_file))[0] == 101.5
    assert not values(entsoe(server, token_file, sequence=2))


def test_a_curve_of_single_points_is_not_filled(server: Server, token_file: Path) -> None:
    server.answers["*"] = say("200 OK", PRICES.replace(b"A03", b"A01"))
    assert 2 not in values(entsoe(server, token_file))


def test_two_series_that_contradict_each_other(server: Server, token_file: Path) -> None:
    both = PRICES.replace(b".position>2<", b".position>1<")
    server.answers["*"] = say("200 OK", both)
    assert "two values hold" in str(refusal(entsoe(server, token_file), DAY))


def test_prices_in_another_currency(server: Server, token_file: Path) -> None:
    server.answers["*"] = say("200 OK", PRICES.replace(b">EUR<", b">PLN<"))
    error = refusal(entsoe(server, token_file), DAY)
    assert (error.retry, "PLN, not EUR" in str(error)) == (False, True)


def test_load(server: Server, token_file: Path) -> None:
    server.answers["*"] = say("200 OK", (ANSWERS / "entsoe_a65.xml").read_bytes())
    data = fetch(entsoe(server, token_file, area=FRANCE, series="load"), DAY)
    assert data.unit is SignalUnit.MW
    assert [point.value for point in data.points] == [50_000, 49_000, 49_000, 48_000]
    assert f"documentType=A65&processType=A16&outBiddingZone_Domain={FRANCE}&".encode() in server.requests[0]


def test_generation_is_a_sum_without_consumption(server: Server, token_file: Path) -> None:
    server.answers["*"] = say("200 OK", (ANSWERS / "entsoe_a75.xml").read_bytes())
    data = fetch(entsoe(server, token_file, area=FRANCE, series="generation"), DAY)
    assert [point.value for point in data.points] == [40_000, 40_000, 40_000, 40_010]


def test_no_data_yet_is_said_in_its_words_and_asked_again(server: Server, token_file: Path) -> None:
    server.answers["*"] = say("200 OK", (ANSWERS / "entsoe_no_data.xml").read_bytes())
    error = refusal(entsoe(server, token_file), DAY)
    assert (error.retry, "No matching data found" in str(error)) == (True, True)


@pytest.mark.parametrize(
    ("status", "retry", "after_s"),
    [("401 No", False, None), ("400 Bad", True, None), ("429 Slow", True, 30.0), ("503 No", True, 30.0)],
)
def test_refusals(server: Server, token_file: Path, status: str, retry: bool, after_s: float | None) -> None:
    headers = ["Retry-After: 30"] if after_s else []
    server.answers["*"] = say(status, b"", *headers)
    error = refusal(entsoe(server, token_file), DAY)
    assert (error.retry, error.after_s) == (retry, after_s)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BOMB, "DTD"),
        (OUTSIDE, "DTD"),
        (b'<!DOCTYPE a SYSTEM "http://elsewhere.example/a.dtd"><Publication_MarketDocument/>', "DTD"),
        (BOMB.decode().replace('version="1.0"', 'version="1.0" encoding="utf-16"').encode("utf-16"), "DTD"),
        (b"<a>" * 1000, "nested deeper"),
        (b"", "no XML"),
        (b"<html></html>", "no document"),
        (b"<Publication_MarketDocument>", "no XML"),
        (b"<Publication_MarketDocument>&x;</Publication_MarketDocument>", "no XML"),
        (PRICES[: len(PRICES) // 2], "no XML"),
        (PRICES.replace(b"<position>1<", b"<position>x<"), "without position"),
        (PRICES.replace(b"<position>2<", b"<position>1<"), "twice"),
        (PRICES.replace(b"<position>96<", b"<position>97<"), "do not fit"),
        (PRICES.replace(b"<position>1<", b"<position>-1<"), "do not fit"),
        (PRICES.replace(b"PT15M", b"P1Y"), "known resolution"),
        (PRICES.replace(b"2026-09-25T22:00Z</end>", b"2926-09-25T22:00Z</end>"), "do not fit"),
        (PRICES.replace(b"2026-09-24T22:00Z</start>", b"soon</start>"), "no time"),
        (PRICES.replace(b"utf-8", b"no-such-code"), "no XML"),
    ],
)
def test_xml_that_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(SignalError, match=why):
        read_document(body, "here")


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_any_bytes(noise: bytes) -> None:
    at = len(noise) * 37 % len(PRICES)
    for body in (noise, PRICES[:at] + noise + PRICES[at:]):
        with contextlib.suppress(SignalError):
            assert all(period.count > 0 for one in read_document(body, "here").series for period in one.periods)


def test_values_that_are_no_numbers_are_holes(server: Server, token_file: Path) -> None:
    server.answers["*"] = say("200 OK", PRICES.replace(b">99.0<", b">NaN<").replace(b">98.25<", b">inf<"))
    found = values(entsoe(server, token_file))
    assert [i for i in range(6) if i not in found] == [1, 2, 3]


def test_nobody_gets_to_see_the_token(
    server: Server, token_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that repeats the request in every way that it can: as a reason, as an error, as its status line."""
    caplog.set_level(logging.DEBUG)
    reason = (ANSWERS / "entsoe_no_data.xml").read_bytes().replace(b"No matching data", TOKEN.encode())
    answers = [
        say("200 OK", reason),
        say(f"400 {TOKEN}", TOKEN.encode()),
        say("302 Found", b"", f"Location: /{TOKEN}"),
        say("200 OK", PRICES, f"X: {TOKEN}"),
        say("200 OK", PRICES.replace(b">EUR<", f">{TOKEN}<".encode())),
        say("200 OK", f"<{TOKEN}/>".encode()),
    ]
    now = [START_S + 3600.0]
    feed = SignalFeed(entsoe(server, token_file), DayStore(tmp_path / "days"), lambda: now[0])

    async def story() -> None:
        server.answers["*"] = lambda connection, request: connection.sendall(request)
        await feed.step()
        told = [feed.last_error]
        for answer in answers:
            now[0] += 2 * 86_400
            server.answers["*"] = answer
            await feed.step()
            told.append(feed.last_error)
        assert TOKEN not in " ".join(told)
        assert all(told[:4])

    asyncio.run(story())
    assert len(server.requests) == 1 + len(answers)
    assert all(TOKEN.encode() in request for request in server.requests)
    assert TOKEN not in caplog.text
    for file in (tmp_path / "days").glob("*"):
        assert TOKEN not in file.read_text()
