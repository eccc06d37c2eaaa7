# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.hardware.power_cut [CUTS]`, on the host: cuts the guest's power while it spools events on ext4.

After each cut the same disk is mounted again. Every event that was told a second or more before the last one told must
be there, every one of them in order, and ids must never come again. Prints a line for each cut; exit code 1 on a loss.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAB = (sys.executable, "-m", "tests.lab", "run", "--timeout", "120")
FOLDER = "/mnt/disk"
POWER_CUT = 137
MAY_LOSE_NS = 1_000_000_000
SHORTEST_S, LONGEST_S = 3.0, 8.0
"""Python takes its time to start in the guest; cuts before the first event show nothing and are repeated."""


@dataclass(frozen=True)
class Told:
    event_id: str
    critical: bool
    at_ns: int


def main(cuts: int) -> int:
    chance = random.Random(os.urandom(8))
    failures = done = 0
    with tempfile.TemporaryDirectory(prefix="pgood-cut-") as name:
        disk = Path(name) / "disk"
        ever: set[str] = set()
        while done < cuts:
            told = _write(disk, chance.uniform(SHORTEST_S, LONGEST_S))
            if not told:
                continue
            done += 1
            found, damage = _list(disk)
            lost = [one for one in told if one.event_id not in found]
            oldest_s = max((told[-1].at_ns - one.at_ns for one in lost), default=0) / 1e9
            again = ever & {one.event_id for one in told}
            ever |= {one.event_id for one in told}
            ordered = all(earlier < later for earlier, later in pairwise(found))
            critical = sum(one.critical for one in lost)
            good = oldest_s * 1e9 <= MAY_LOSE_NS and not again and ordered
            failures += not good
            print(
                f"cut {done}: {'ok  ' if good else 'LOSS'} told {len(told)}, lost {len(lost)}"
                f" ({critical} critical), the oldest {oldest_s:.3f} s before the last; {damage}",
                flush=True,
            )
    print(f"{cuts} power cuts, {failures} failures")
    return 1 if failures else 0


def _write(disk: Path, seconds: float) -> list[Told]:
    command = [*LAB, "--disk", str(disk), "--power-cut", f"{seconds:.3f}", "--", sys.executable]
    done = subprocess.run(
        [*command, "-m", "tests.hardware.spooling", "write", FOLDER],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != POWER_CUT:
        raise SystemExit(f"the writer ended by itself: {done.returncode}: {done.stderr[-2000:]}")
    told = []
    for line in done.stdout.splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[2].isdigit():
            told.append(Told(parts[0], parts[1] == "Critical", int(parts[2])))
    return told[:-1]  # the last line may be cut off


def _list(disk: Path) -> tuple[list[str], str]:
    command = [*LAB, "--disk", str(disk), "--", sys.executable, "-m", "tests.hardware.spooling", "list", FOLDER]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the disk is not read after the cut: {done.returncode}: {done.stderr[-4000:]}")
    lines = done.stdout.splitlines()
    return lines[:-1], lines[-1]


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
