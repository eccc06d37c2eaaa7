# SPDX-License-Identifier: Apache-2.0
"""A process that caps a fake tree until it is killed: python -m tests.agent.energy.capping ROOT RESTORE_FILE CAP_W."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from agent.energy.actuators.held import Held
from agent.energy.actuators.powercap import Powercap
from agent.energy.restore_file import RestoreFile
from tests.agent.energy.sysfs_tree import FakeKernel

BOOT = "this boot"


def main() -> None:
    root, file, cap_w = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    held = Held(Powercap(FakeKernel(root)), RestoreFile(file, BOOT))
    held.recover()
    print(held.apply(cap_w).answer.value, flush=True)
    while True:
        held.apply(cap_w)
        cap_w = 20.0 + (cap_w + 1.0) % 20.0
        time.sleep(0.0005)


if __name__ == "__main__":
    main()
