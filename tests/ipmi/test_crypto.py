# SPDX-License-Identifier: Apache-2.0
"""Vectors made with hashlib and `openssl` from the formulas of the specification, not with the code under test."""

from __future__ import annotations

import pytest

from ipmi.crypto import SUITES, Exchange, packet_keys

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
        "aes": "0b12309f7ef8ba87d5ed98d6a875c79b",
    },
    17: {
        "rakp2": "2d03363163123f0c25898e9f25fe87d951af14b66038102fb46f46c1cb8b7171",
        "rakp3": "dd972a33b7809fb317111e0a21d905140f8513938a0fee486aa14f6843cffd67",
        "sik": "b0414ce546b0115c739487168a0381f0cb3940c5568c77c1240c1b5c83258678",
        "rakp4": "96121a603e8e3dd3c580244a6d326f29",
        "k1": "10f69f714e932f7d69b76ea9765d661e2694aa7ad70b591619eadd35a2a13db0",
        "aes": "1e593805390005cc814c5ed653e3cdf0",
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
    k1, k2 = packet_keys(suite, session_key)
    assert k1 == bytes.fromhex(vector["k1"]).ljust(64, b"\0")
    assert k2.hex() == vector["aes"]


@pytest.mark.parametrize("number", [3, 17])
def test_trailing_zeros_of_a_password_change_nothing(number: int) -> None:
    suite = SUITES[number]
    assert EXCHANGE.rakp2_code(suite, b"secret") == EXCHANGE.rakp2_code(suite, b"secret".ljust(20, b"\0"))


def test_suite_records() -> None:
    assert SUITES[3].record.hex() == "c003014181"
    assert SUITES[17].record.hex() == "c011034481"
