# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ipmi import timestamp


@pytest.mark.parametrize(
    ("seconds", "encoded"),
    [(0, "00000000"), (1_700_000_000, "00f15365"), (-1, "00000000"), (2**32 - 1, "feffffff"), (2**40, "feffffff")],
)
def test_encode(seconds: int, encoded: str) -> None:
    assert timestamp.encode(seconds).hex() == encoded
