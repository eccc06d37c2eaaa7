# SPDX-License-Identifier: Apache-2.0
"""Vectors made with hashlib and `openssl` from the formulas of the specification, not with the code under test."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipmi.crypto import SUITES, DecryptionError, Exchange, PacketKeys

EXCHANGE = Exchange(
    console_id=bytes.fromhex("a1a2a3a4"),
    managed_id=bytes.fromhex("b1b2b3b4"),
    console_random=bytes(range(16)),
    managed_random=bytes(range(16, 32)),
    guid=bytes(range(32, 48)),
    role=0x14,
    name=b"admin",
)
PASSWORD = b"correct horse 17"
VECTORS = {
    3: {
        "rakp2": "b0ed56b415a65d3dbdd9847b5d1c77ba05e94395",
        "rakp3": "433606f02e566e8cbaa2b245bbe05990900c399b",
        "sik": "ec9a9b1734fc05bc74c93b9b3c0b94f87f6cf2f3",
        "rakp4": "a54a22719b3bad961684ddce",
        "k1": "6dde14b2e2d989e3204f66c6b156949ee67bc81b",
    },
    17: {
        "rakp2": "2d03363163123f0c25898e9f25fe87d951af14b66038102fb46f46c1cb8b7171",
        "rakp3": "dd972a33b7809fb317111e0a21d905140f8513938a0fee486aa14f6843cffd67",
        "sik": "b0414ce546b0115c739487168a0381f0cb3940c5568c77c1240c1b5c83258678",
        "rakp4": "96121a603e8e3dd3c580244a6d326f29",
        "k1": "10f69f714e932f7d69b76ea9765d661e2694aa7ad70b591619eadd35a2a13db0",
    },
}


@pytest.mark.parametrize("number", [3, 17])
def test_codes_and_keys(number: int) -> None:
    suite, vector = SUITES[number], VECTORS[number]
    assert EXCHANGE.rakp2_code(suite, PASSWORD).hex() == vector["rakp2"]
    assert EXCHANGE.rakp3_code(suite, PASSWORD).hex() == vector["rakp3"]
    session_key = EXCHANGE.session_key(suite, PASSWORD)
    assert session_key.hex() == vector["sik"]
    assert EXCHANGE.rakp4_code(suite, session_key).hex() == vector["rakp4"]
    keys = PacketKeys(suite, session_key)
    expected = hmac.new(bytes.fromhex(vector["k1"]), b"any packet", suite.digest).digest()[: suite.tag_length]
    assert keys.sign(b"any packet") == expected


@pytest.mark.parametrize("number", [3, 17])
def test_trailing_zeros_of_a_password_change_nothing(number: int) -> None:
    suite = SUITES[number]
    assert EXCHANGE.rakp2_code(suite, b"secret") == EXCHANGE.rakp2_code(suite, b"secret".ljust(20, b"\0"))


def test_suite_records() -> None:
    assert SUITES[3].record.hex() == "c003014181"
    assert SUITES[17].record.hex() == "c011034481"


def test_decrypts_what_openssl_encrypted() -> None:
    """`openssl enc -aes-128-cbc -nopad` with K2 of suite 17 and IV 00 01 .. 0f over 18 c8 81 padded to 16 bytes."""
    keys = PacketKeys(SUITES[17], bytes.fromhex(VECTORS[17]["sik"]))
    assert keys.decrypt(
        bytes.fromhex("000102030405060708090a0b0c0d0e0f7443b11b1c90e5022c8518245706f911")
    ) == bytes.fromhex("18c881")


@given(st.binary(max_size=200))
def test_encryption_round_trip(payload: bytes) -> None:
    keys = PacketKeys(SUITES[3], bytes(20))
    sealed = keys.encrypt(payload)
    assert len(sealed) % 16 == 0
    assert keys.decrypt(sealed) == payload


def test_each_packet_has_its_own_iv() -> None:
    keys = PacketKeys(SUITES[17], bytes(32))
    assert keys.encrypt(b"same")[:16] != keys.encrypt(b"same")[:16]


@pytest.mark.parametrize("length", [0, 1, 16, 31, 33])
def test_impossible_lengths(length: int) -> None:
    with pytest.raises(DecryptionError):
        PacketKeys(SUITES[17], bytes(32)).decrypt(bytes(length))


def test_wrong_padding() -> None:
    """Pad lengths over 15, and pad bytes other than 1, 2, 3 ..."""
    keys = PacketKeys(SUITES[17], bytes(32))
    good = keys.encrypt(b"x" * 12)
    for position, change in ((15, 0x10), (15, 0x80), (13, 0x01), (12, 0xFF)):
        iv = bytearray(good[:16])
        iv[position] ^= change
        with pytest.raises(DecryptionError):
            keys.decrypt(bytes(iv) + good[16:])


@given(st.binary(max_size=96))
def test_any_bytes_decrypt_or_raise_one_error(payload: bytes) -> None:
    try:
        PacketKeys(SUITES[3], bytes(20)).decrypt(payload)
    except DecryptionError:
        return


def test_signature_is_checked_whole() -> None:
    keys = PacketKeys(SUITES[3], bytes(20))
    code = keys.sign(b"packet")
    assert keys.is_signed(b"packet", code)
    assert not keys.is_signed(b"packet", code[:-1])
    assert not keys.is_signed(b"packet", b"")
    assert not keys.is_signed(b"packet", code[:-1] + bytes([code[-1] ^ 1]))
