# SPDX-License-Identifier: Apache-2.0
"""The OEM commands byte for byte, with ipmitool, down to the role registers of the supplies."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.clients.demo import start_demo
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client


def get(demo: Demo, *selector: str) -> str:
    return demo.ipmitool("raw", "0x30", "0x2e", *selector).strip()


def put(demo: Demo, *data: str, code: int | None = 0) -> str:
    return demo.ipmitool("raw", "0x30", "0x2d", *data, code=code).strip()


def in_force(demo: Demo, ranks: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (now := get(demo, "0x06")) != f"06 {ranks}" or get(demo, "0x00") != "00 00":
        assert time.monotonic() < deadline, now
        time.sleep(0.2)


def test_enable_rotation_and_period_round_trip(demo: Demo) -> None:
    for selector in ("0x01", "0x02"):
        for value in ("0x00", "0x01"):
            assert put(demo, selector, value) == "00"
            assert get(demo, selector) == f"{selector[2:]} {value[2:]}"
    assert put(demo, "0x04", "0x80", "0x51", "0x01", "0x00") == "00"
    assert get(demo, "0x04") == "04 80 51 01 00"
    assert put(demo, "0x04", "0x00", "0x37", "0xf5", "0x00") == "00"
    assert get(demo, "0x04") == "04 00 37 f5 00"
    assert get(demo, "0x05") == "05 02"


def test_ranks_act_on_the_supplies(demo: Demo) -> None:
    assert put(demo, "0x01", "0x01") == "00"
    assert put(demo, "0x03", "0x01", "0x02", "0x01") == "00"
    assert get(demo, "0x03") == "03 01 02 01"
    in_force(demo, "02 01")
    assert put(demo, "0x03", "0x00") == "00"
    assert get(demo, "0x03").startswith("03 00")
    in_force(demo, "01 02")
    demo.pgood("sim", "load", "120")  # what a host draws when it starts must not wake the second supply either
    demo.pgood("power", "on")
    deadline = time.monotonic() + PATIENCE_S
    while (watts := [_sensor(demo, f"PSU{slot} Output W") for slot in (1, 2)]) != ["120 Watts", "0 Watts"]:
        assert time.monotonic() < deadline, watts
        time.sleep(0.5)
    assert put(demo, "0x01", "0x00") == "00"
    in_force(demo, "00 00")


def _sensor(demo: Demo, name: str) -> str:
    line = next(line for line in demo.ipmitool("sdr").splitlines() if line.startswith(name))
    return line.split("|")[1].strip()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (("0x00", "0x01"), "0x80"),
        (("0x05", "0x02"), "0x80"),
        (("0x06", "0x01", "0x02"), "0x80"),
        (("0x07", "0x00"), "0x80"),
        (("0x01",), "0xc7"),
        (("0x02", "0x00", "0x00"), "0xc7"),
        (("0x03",), "0xc7"),
        (("0x03", "0x01", "0x01"), "0xc7"),
        (("0x03", "0x01", "0x01", "0x02", "0x03"), "0xc7"),
        (("0x04", "0x80", "0x51", "0x01"), "0xc7"),
        (("0x01", "0x02"), "0xcc"),
        (("0x02", "0xff"), "0xcc"),
        (("0x03", "0x02"), "0xcc"),
        (("0x03", "0x01", "0x01", "0x01"), "0xcc"),
        (("0x03", "0x01", "0x01", "0x03"), "0xcc"),
        (("0x04", "0x7f", "0x51", "0x01", "0x00"), "0xcc"),
        (("0x04", "0x01", "0x37", "0xf5", "0x00"), "0xcc"),
    ],
)
def test_bad_values_change_nothing(demo: Demo, data: tuple[str, ...], code: str) -> None:
    selectors = ("0x01", "0x02", "0x03", "0x04")
    before = [get(demo, selector) for selector in selectors]
    assert f"rsp={code}" in put(demo, *data, code=1)
    assert [get(demo, selector) for selector in selectors] == before


def test_get_of_an_unknown_selector(demo: Demo) -> None:
    assert "rsp=0x80" in demo.ipmitool("raw", "0x30", "0x2e", "0x07", code=1)
    assert "rsp=0xc7" in demo.ipmitool("raw", "0x30", "0x2e", code=1)


def test_a_pulled_supply_is_one_incident_and_leaves_the_order(demo: Demo) -> None:
    put(demo, "0x03", "0x00")
    put(demo, "0x01", "0x01")
    in_force(demo, "01 02")
    seen = len(demo.events())
    demo.pgood("sim", "supply", "1", "remove")
    demo.until_told("redundancy.nonredundant_sufficient", seen)
    in_force(demo, "00 01")
    demo.pgood("sim", "supply", "1", "insert")
    told = demo.until_told("redundancy.regained", seen)
    in_force(demo, "01 02")
    kinds = [event["kind"] for event in told]
    assert [kind for kind in kinds if kind.startswith(("psu.", "redundancy.")) and not kind.endswith("ranked")] == [
        "psu.removed",
        "redundancy.lost",
        "redundancy.nonredundant_sufficient",
        "psu.inserted",
        "redundancy.regained",
    ]
    demo.until_logged("Redundancy Lost", "Fully Redundant")


def test_what_was_set_survives_kill_9(tmp_path: Path) -> None:
    board = start_demo(tmp_path / "board")
    try:
        put(board, "0x03", "0x01", "0x02", "0x01")
        put(board, "0x04", "0x80", "0x51", "0x01", "0x00")
        board.process.kill()  # the answer was given: nothing may be missing
        board.process.communicate(timeout=10)
        board = start_demo(tmp_path / "board")
        assert get(board, "0x03") == "03 01 02 01"
        assert get(board, "0x04") == "04 80 51 01 00"
        in_force(board, "02 01")
    finally:
        board.stop()
