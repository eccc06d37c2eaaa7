# SPDX-License-Identifier: Apache-2.0
"""What this controller is, in the bits that Get Device ID and the MC locator record share (IPMI 2.0 section 20.1)."""

from __future__ import annotations

import enum
from typing import Final


class Support(enum.IntFlag):
    SENSORS = 0x01
    SDR_REPOSITORY = 0x02
    SEL = 0x04
    FRU = 0x08
    CHASSIS = 0x80


SUPPORTED: Final = Support.SENSORS | Support.SDR_REPOSITORY | Support.SEL | Support.FRU | Support.CHASSIS
