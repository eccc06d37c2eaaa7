# SPDX-License-Identifier: Apache-2.0
"""What the bare client sends: as long as ours, with the time in it."""

from __future__ import annotations

import json
import time

TELEMETRY_BYTES = 256


def event(number: int) -> bytes:
    """The length and keys of one of our events."""
    return json.dumps(
        {
            "id": f"00000001-{number:010d}",
            "boot": "boot-1",
            "seq": number,
            "time": "2026-11-21T00:41:31.355Z",
            "mono_ns": time.monotonic_ns(),
            "kind": "host.on",
            "source": "host/0",
            "severity": "OK",
            "message_id": "OpenBMC.0.1.DCPowerOn",
            "message": "Host 0 is on.",
            "args": ["0"],
        }
    ).encode()


def telemetry(number: int) -> bytes:
    return f"{number:0{TELEMETRY_BYTES}d}".encode()
