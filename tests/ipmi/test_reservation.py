# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ipmi.reservation import Reservation


def test_holds_until_cancelled() -> None:
    reservation = Reservation()
    given = reservation.current
    assert reservation.holds(given, needed=True)
    assert reservation.holds(b"\0\0", needed=False)
    assert not reservation.holds(b"\0\0", needed=True)
    reservation.cancel()
    assert not reservation.holds(given, needed=False)


def test_number_is_never_zero() -> None:
    reservation = Reservation()
    for _ in range(70_000):
        reservation.cancel()
        assert reservation.current != b"\0\0"
