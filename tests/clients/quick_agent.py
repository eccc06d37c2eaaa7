# SPDX-License-Identifier: Apache-2.0
"""`pgood` whose machines look and tell of themselves every second or two, and whose clocks a test may move.

The file that PGOOD_CLOCKS names holds how far the time of day is off, and how long the computer was suspended, in s.
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from agent.board.fleet import machine, service
from agent.cli.main import main
from agent.fleet.node import core
from agent.fleet.node.heartbeat import Pulse

NS_PER_S = 1_000_000_000
BEAT_NS = 2 * NS_PER_S

real_time, real_time_ns = time.time, time.time_ns


def moved(key: str) -> float:
    file = Path(os.environ.get("PGOOD_CLOCKS", "/nonexistent"))
    return float(json.loads(file.read_text())[key]) if file.exists() else 0.0


if __name__ == "__main__":
    time.time = lambda: real_time() + moved("wall_s")
    time.time_ns = lambda: real_time_ns() + int(moved("wall_s") * NS_PER_S)
    machine.LOOK_S = 1.0
    core.Pulse = partial(Pulse, interval_ns=BEAT_NS)  # type: ignore[attr-defined, assignment]
    service.Outside = partial(  # type: ignore[misc, assignment]
        service.Outside, suspended_ns=lambda: int(moved("suspended_s") * NS_PER_S)
    )
    sys.exit(main())
