# SPDX-License-Identifier: Apache-2.0
"""Sensor data records as clients read them: layout, order, partial reads, reservations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipmi.board import AnalogSensor, DiscreteSensor, Sensor, SensorKind, Thresholds
from ipmi.records import sdr
from ipmi.records.linear import Linear
from ipmi.records.repository import Repository

from .memory_board import SENSORS, MemoryBoard, MemoryInventory, MemorySensors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .bench import Bench
    from .console import Console

INLET = SENSORS[0]


def read(console: Console, record: int, offset: int = 0, count: int = 0xFF, reservation: bytes = b"\0\0") -> bytes:
    return console.run(0x0A, 0x23, reservation + record.to_bytes(2, "little") + bytes([offset, count]))


def test_full_record_byte_for_byte() -> None:
    assert isinstance(INLET, AnalogSensor)
    record = sdr.encode_full(2, INLET, Linear(5, -200, 0, -1))
    assert (
        record
        == bytes.fromhex(
            "0200 51 01 35"  # id, version, full record, 53 more bytes
            "20 00 01"  # owner, LUN, number
            "37 01 63 68 01 01"  # entity, instance, initialisation, capabilities, temperature, threshold
            "811a 817a 3939"  # events and comparisons below, above; limits readable and settable
            "00 01 00"  # units: unsigned, degrees C
            "00 05 00 38 c0 00 f0"  # linear; M = 5, B = -200, K2 = -1
            "00 00 00 00 ff 00"  # no nominal values; raw maximum and minimum
            "8c 82 78 00 00 28"  # 50, 45, 40 above; none, none, 0 below
            "04 04 00 00 00"  # hysteresis of 2 degrees
            "ca"
        )
        + b"Inlet Temp"
    )


def test_masks_of_full_record() -> None:
    thresholds = Thresholds(1, 2, 3, 4, 5, 6)
    assert sdr.readable_mask(thresholds) == 0x3F
    assert sdr.event_mask(0x3F) == 0b1010_1001_0101
    assert sdr.event_mask(0x01) == 1 << 0, "lower non-critical going low"
    assert sdr.event_mask(0x20) == 1 << 11, "upper non-recoverable going high"


def test_name_starts_at_byte_48_of_a_full_record() -> None:
    sensor = AnalogSensor(9, "N" * 30, SensorKind.FAN, 0, 100, 1, 1)
    record = sdr.encode_full(1, sensor, Linear(1, 0, 0, 0))
    assert record[47] == 0xC0 | 16
    assert record[48:] == b"N" * 16
    assert record[4] == len(record) - 5


def test_compact_record_byte_for_byte() -> None:
    sensor = DiscreteSensor(17, "Redundancy", 0x09, 0x0B, 0x00FF, 0x15, 1)
    assert (
        sdr.encode_compact(9, sensor)
        == bytes.fromhex("0900 51 02 25 20 00 11 15 01 63 43 09 0b ff00 ff00 ff00 c0 00 00 01 00 000000000000 ca")
        + b"Redundancy"
    )


def test_controller_comes_first(bench: Bench) -> None:
    answer = read(bench.login(), 0)
    assert answer[:3] == bytes.fromhex("00 02 00")
    assert answer[3:] == bytes.fromhex("0100 51 12 17 20 00 00 8f 000000 06 01 00 cc") + b"memory-board"


def test_walk_reaches_every_sensor_once(bench: Bench) -> None:
    console = bench.login()
    record, numbers, names = 0, [], []
    while record != 0xFFFF:
        answer = read(console, record)
        assert answer[0] == 0
        record, body = int.from_bytes(answer[1:3], "little"), answer[3:]
        assert len(body) == body[4] + 5
        if body[3] in (1, 2, 3):
            numbers.append(body[7])
            names.append(body[{1: 48, 2: 32, 3: 17}[body[3]] :].decode())
    assert numbers == [sensor.number for sensor in SENSORS]
    assert names == [sensor.name for sensor in SENSORS]
    assert console.run(0x0A, 0x20)[2:4] == (len(SENSORS) + 2).to_bytes(2, "little")


def test_partial_reads_join_to_the_whole(bench: Bench) -> None:
    """Header of five bytes, then pieces, as ipmitool reads."""
    console = bench.login()
    reservation = console.run(0x0A, 0x22)[1:]
    whole = read(console, 2)[3:]
    header = read(console, 2, 0, 5, reservation)[3:]
    rest = b"".join(read(console, 2, offset, 16, reservation)[3:] for offset in range(5, len(whole), 16))
    assert header + rest == whole


def test_reservation_is_needed_for_parts_and_shared(bench: Bench) -> None:
    console, other = bench.login(), bench.login()
    reservation = console.run(0x0A, 0x22)[1:]
    assert other.run(0x0A, 0x22)[1:] == reservation
    assert read(console, 2, 5, 8, reservation)[0] == 0
    assert read(console, 2, 5, 8)[0] == 0xC5
    assert read(console, 2, 0, 8, b"\xfe\xfe")[0] == 0xC5


@pytest.mark.parametrize(("record", "offset", "code"), [(200, 0, 0xCB), (2, 200, 0xC9)])
def test_out_of_range(bench: Bench, record: int, offset: int, code: int) -> None:
    console = bench.login()
    assert read(console, record, offset, 5, console.run(0x0A, 0x22)[1:])[0] == code


def test_last_record(bench: Bench) -> None:
    answer = read(bench.login(), 0xFFFF)
    assert answer[1:3] == b"\xff\xff"
    assert answer[3:] == bytes.fromhex("0b00 51 11 13 20 01 80 00 00 10 00 0a 01 00 c8") + b"PSU1 FRU"


def test_info_tells_when_the_sensors_changed(bench: Bench) -> None:
    info = bench.login().run(0x0A, 0x20)
    assert info[0:2] == b"\0\x51"
    assert info[6:10] == info[10:14] == (1_700_000_000).to_bytes(4, "little")
    assert len(info) == 15


@pytest.mark.parametrize(
    "sensors",
    [
        (AnalogSensor(1, "bad one", SensorKind.FAN, 5, 5, 1, 1),),
        (DiscreteSensor(1, "fine", 8, 0x6F, 1, 1, 1), DiscreteSensor(1, "bad one", 8, 0x6F, 1, 1, 1)),
        (DiscreteSensor(255, "bad one", 8, 0x6F, 1, 1, 1),),
    ],
    ids=["empty range", "number taken", "reserved number"],
)
def test_a_wrong_sensor_is_named(sensors: tuple[Sensor, ...]) -> None:
    class Wrong(MemorySensors):
        def sensors(self) -> Sequence[Sensor]:
            return sensors

    with pytest.raises(ValueError, match="bad one"):
        Repository(MemoryBoard().identity, Wrong(), MemoryInventory())
