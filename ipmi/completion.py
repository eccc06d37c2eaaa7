# SPDX-License-Identifier: Apache-2.0
"""Generic completion codes that this server gives (IPMI 2.0 table 5-2).

Codes 80h to BEh belong to a command and stand beside it.
"""

from __future__ import annotations

import enum


class Completion(enum.IntEnum):
    OK = 0x00
    NODE_BUSY = 0xC0
    INVALID_COMMAND = 0xC1
    INVALID_FOR_LUN = 0xC2
    TIMEOUT = 0xC3
    OUT_OF_SPACE = 0xC4
    RESERVATION_LOST = 0xC5
    LENGTH_INVALID = 0xC7
    PARAMETER_OUT_OF_RANGE = 0xC9
    NOT_PRESENT = 0xCB
    INVALID_DATA = 0xCC
    CANNOT_RESPOND = 0xCE
    INSUFFICIENT_PRIVILEGE = 0xD4
    NOT_IN_PRESENT_STATE = 0xD5
    UNSPECIFIED = 0xFF
