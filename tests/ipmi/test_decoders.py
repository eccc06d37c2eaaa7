# SPDX-License-Identifier: Apache-2.0
"""Decoders against arbitrary bytes, led towards longer and accepted inputs. PGOOD_EXAMPLES sets the effort."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st

from .console import classic, message, open_session, plus
from .decoders import DECODERS, Decoder, feed

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "100"))
SEEDS = (
    message(0x06, 0x01),
    classic(message(0x06, 0x38, b"\x8e\x04")),
    plus(0x10, open_session(17)),
    plus(0xC0, bytes(32), 7, 3) + b"\xff\xff\x02\x07" + bytes(16),
    open_session(3),
    bytes(4) + bytes(4) + bytes(16) + b"\x14\0\0\x05admin",
    bytes(8) + bytes(32),
    bytes.fromhex("0600ff06 000011be 80 2a 0000"),
    bytes.fromhex("04 01 00 00 5802"),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good input with a part replaced, or anything."""
    seed = draw(st.sampled_from(SEEDS))
    start = draw(st.integers(0, len(seed)))
    end = draw(st.integers(start, len(seed)))
    return seed[:start] + draw(st.binary(max_size=40)) + seed[end:]


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)
@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.one_of(damaged(), st.binary(max_size=300)))
def test_nothing_but_a_refusal(decoder: Decoder, data: bytes) -> None:
    accepted = feed(decoder, data)
    target(float(accepted), label="accepted")
    target(float(len(data)), label="length")
