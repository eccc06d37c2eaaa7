# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ipmi.records.sel import SystemEvent, decode, encode

BYTE = st.integers(0, 255)


def test_supply_two_pulled() -> None:
    """Power Unit Redundancy, sensor 02h: redundancy lost."""
    event = SystemEvent(0x09, 0x02, 0x0B, (0x01, 0xFF, 0xFF), logged_at=1_700_000_000, record_id=5)
    assert encode(event) == bytes.fromhex("0500 02 00f15365 2000 04 09 02 0b 01 ff ff")


def test_deassertion() -> None:
    assert encode(SystemEvent(0x08, 0x10, 0x6F, (0x00, 0xFF, 0xFF), asserted=False))[12] == 0xEF


@given(
    st.builds(
        SystemEvent,
        BYTE,
        BYTE,
        st.integers(0, 127),
        st.tuples(BYTE, BYTE, BYTE),
        st.booleans(),
        st.integers(0, 2**32 - 2),
        st.integers(0, 0xFFFF),
    )
)
def test_round_trip(event: SystemEvent) -> None:
    assert decode(encode(event)) == event


@given(st.binary(max_size=20))
def test_any_bytes_give_an_event_or_nothing(record: bytes) -> None:
    event = decode(record)
    assert (event is None) == (len(record) != 16 or record[2] != 2)
