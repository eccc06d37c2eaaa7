# SPDX-License-Identifier: Apache-2.0
"""Whatever a file holds: no exception, what is sound survives, the rest is reported with file and place."""

from __future__ import annotations

import os
import re
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.spool.frame import FRAME, Frame, Gap, encode, scan
from agent.spool.segment import FORMAT_VERSION, HEADER, MAGIC, file_name
from tests.agent.spool.spools import EVENT, keys, new_spool, record, segment_files

if TYPE_CHECKING:
    import pytest

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "60"))
COUNT = 12
SIZE = len(encode(1, 0, 0, 1, b""))


def filled(folder: Path) -> Path:
    spool = new_spool(folder)
    spool.append(EVENT, [record(key, 100) for key in range(1, COUNT + 1)])
    spool.close()
    (file,) = segment_files(folder)
    return file


def frames(data: bytes) -> list[Frame]:
    return [found for found in scan(1, HEADER.size, data[HEADER.size :]) if isinstance(found, Frame)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_a_file_cut_anywhere_gives_every_whole_record(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = filled(Path(name))
        whole = file.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        file.write_bytes(whole[:cut])
        expected = [frame.key for frame in frames(whole) if frame.end <= cut]
        spool = new_spool(Path(name))
        assert keys(spool, after=0) == expected
        spool.append(EVENT, [record(COUNT + 1)])
        assert keys(spool, after=0) == [*expected, COUNT + 1]
        assert keys(new_spool(Path(name)), after=0) == [*expected, COUNT + 1]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_a_changed_byte_costs_one_record_at_most_and_is_reported(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = filled(Path(name))
        whole = bytearray(file.read_bytes())
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] ^= data.draw(st.integers(1, 255))
        before = frames(file.read_bytes())
        file.write_bytes(whole)
        expected = [frame.key for frame in before if not frame.offset <= place < frame.end]
        spool = new_spool(Path(name))
        assert keys(spool, after=0) == expected
        damage = re.fullmatch(rf"{re.escape(str(file))}: bytes (\d+) to (\d+)", spool.state.damage)
        if place not in range(8, 10):  # a greater format version is another matter
            assert damage is not None
            assert int(damage[1]) <= place < int(damage[2])


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=300), st.integers(0, COUNT - 1)), max_size=8))
def test_any_mixture_of_rubbish_and_old_frames_is_survived(parts: list[bytes | int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = filled(Path(name))
        old = file.read_bytes()
        pieces = [old[f.offset : f.end] for f in frames(old)]
        content = b"".join(pieces[part] if isinstance(part, int) else part for part in parts)
        file.write_bytes(content)
        spool = new_spool(Path(name))
        found = keys(spool, after=0)
        assert found == sorted(set(found))
        spool.append(EVENT, [record(1000)])
        assert keys(spool, after=0)[-1] == 1000


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 2**63))
def test_scan_covers_every_byte_once(data: bytes, base: int) -> None:
    position = base
    for found in scan(3, base, data):
        assert found.end > found.offset if isinstance(found, Gap) else found.offset == position
        position = found.end
    assert position == base + len(data)


def test_a_lie_about_the_length_does_not_hide_what_follows(tmp_path: Path) -> None:
    file = filled(tmp_path)
    data = bytearray(file.read_bytes())
    third = frames(bytes(data))[2]
    data[third.offset + 4 : third.offset + 8] = (len(data) - third.offset - FRAME.size).to_bytes(4, "little")
    file.write_bytes(data)
    assert keys(new_spool(tmp_path), after=0) == [1, 2, *range(4, COUNT + 1)]


def test_damage_is_logged_once_with_its_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = filled(tmp_path)
    data = bytearray(file.read_bytes())
    fifth = frames(bytes(data))[4]
    data[fifth.offset + 30] ^= 0xFF
    file.write_bytes(data)
    spool = new_spool(tmp_path)
    for _ in range(3):
        keys(spool, after=0)
    text = f"{file}: bytes {fifth.offset} to {fifth.end}"
    assert caplog.text.count(text) == 1
    assert spool.state.damaged == 1


def test_damage_in_a_sealed_segment_in_the_middle(tmp_path: Path) -> None:
    spool = new_spool(tmp_path)
    spool.append(EVENT, [record(key) for key in range(1, 201)])
    spool.close()
    files = segment_files(tmp_path)
    middle = files[len(files) // 2]
    data = bytearray(middle.read_bytes())
    data[1000:1200] = bytes(200)
    middle.write_bytes(data)
    again = new_spool(tmp_path)
    found = keys(again, after=0)
    assert 195 <= len(found) < 200
    assert found == sorted(found)
    assert str(middle) in again.state.damage


def test_a_segment_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    later = tmp_path / EVENT.value / file_name(7)
    head = HEADER.pack(MAGIC, FORMAT_VERSION + 1, 64, 7, 0)[:-4]
    content = head + zlib.crc32(head).to_bytes(4, "little") + b"what it likes"
    later.write_bytes(content)
    spool = new_spool(tmp_path)
    assert f"format {FORMAT_VERSION + 1}" in spool.state.damage
    spool.append(EVENT, [record(COUNT + 1)])
    spool.acknowledge(EVENT, COUNT + 1)
    assert later.read_bytes() == content


def test_a_file_of_format_1_is_read_for_ever(tmp_path: Path) -> None:
    """Bytes written by the first version, kept here: a later one must read them."""
    folder = tmp_path / EVENT.value
    folder.mkdir()
    (folder / file_name(1)).write_bytes(bytes.fromhex(FORMAT_1))
    (one,) = new_spool(tmp_path).read(EVENT, 0, 10)
    assert (one.key, one.unix_ms, one.topic, one.payload) == (10000000001, 1800000000000, "event", b'{"id":"x"}')


FORMAT_1 = (
    "504753504f4f4c0a010018000100000000000000795ee0e5a75b00001c00000001e40b540200000086df9b7893cf000001a3"
    "185c5000a56576656e74c40a7b226964223a2278227d"
)
