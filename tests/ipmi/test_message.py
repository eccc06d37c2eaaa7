# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipmi.message import MalformedMessage, Message, checksum, decode_request, encode_request, encode_response

GET_DEVICE_ID = bytes.fromhex("2018c88104017a")


def test_request_of_a_real_client() -> None:
    assert decode_request(GET_DEVICE_ID) == Message(6, 0, 0x81, 0x04, 0x01, b"")


def test_response_swaps_addresses_and_keeps_the_sequence() -> None:
    response = encode_response(decode_request(GET_DEVICE_ID), b"\x00\x20")
    assert response == bytes.fromhex("811c632004010020bb")


def test_response_swaps_luns() -> None:
    request = Message(0x0A, 2, 0x81, 0x05, 0x20, b"")
    response = encode_response(request, b"\xc2")
    assert response[1] == 0x0B << 2 | 1
    assert response[4] == 0x04 | 2


@given(
    st.builds(
        Message,
        st.integers(0, 31).map(lambda half: half * 2),
        st.integers(0, 3),
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 255),
        st.binary(max_size=300),
    )
)
def test_round_trip(message: Message) -> None:
    assert decode_request(encode_request(message)) == message


@given(st.binary(max_size=40))
def test_response_sums_to_zero(body: bytes) -> None:
    response = encode_response(decode_request(GET_DEVICE_ID), body)
    assert sum(response[:3]) % 256 == 0
    assert sum(response[3:]) % 256 == 0
    assert response[6:-1] == body


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        GET_DEVICE_ID[:-1],
        GET_DEVICE_ID[:-1] + b"\x00",
        b"\x21" + GET_DEVICE_ID[1:],
        bytes.fromhex("2218c68104017a"),
        bytes.fromhex("201cc48104017a"),
    ],
    ids=["empty", "short", "second checksum", "first checksum", "other address", "a response"],
)
def test_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_request(payload)


@given(st.binary(max_size=64))
def test_any_bytes_give_a_message_or_one_error(payload: bytes) -> None:
    try:
        message = decode_request(payload)
    except MalformedMessage:
        return
    assert encode_request(message) == payload


@given(st.binary())
def test_checksum(data: bytes) -> None:
    assert (sum(data) + checksum(data)) % 256 == 0
