# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.lines`: one run, one table. With --json FILE the figures, and the raw samples beside it as CSV."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.lines import cpu, interlock, lateness
from bench.lines.figures import CPU, INTERLOCK, LATENESS, Samples
from bench.lines.load import loaded
from bench.lines.table import goals, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS = 7
LATENESS_OF: dict[str, Callable[[], list[float]]] = {
    "cyclictest": lateness.cyclictest_us,
    "engine": lateness.engine_us,
    "python": lateness.python_us,
}
LATENESS_TURNS = ("cyclictest", "engine", "python", "engine", "cyclictest")
INTERLOCK_TURNS = ("engine", "minimal_loop", "minimal_loop", "engine")
"""There and back: a machine that grows busier or quieter meanwhile favours nobody."""
LAB = (sys.executable, "-m", "tests.lab", "run", "--", sys.executable, "-m", "bench.lines.gpio_sim")


def measure(rounds: int) -> Samples:
    """Every variant once in each round, so that what the machine does meanwhile hits all alike."""
    samples = Samples()
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for state in ("idle", "loaded"):
            with loaded(state == "loaded"):
                for who in LATENESS_TURNS:
                    samples.add(LATENESS, f"{who}_{state}", number, LATENESS_OF[who]())
        for variant in INTERLOCK_TURNS:
            samples.add(INTERLOCK, variant, number, interlock.edge_to_action_us(variant))
        for variant in cpu.LINES:
            samples.add(CPU, variant, number, [cpu.cpu_percent(variant)])
        samples.add(CPU, "wakes_1khz_bare", number, [cpu.bare_wakes_percent()])
    return samples


def cross_check() -> list[str]:
    """Pulse widths on gpio-sim, in the lab; says so where the lab was never set up."""
    done = subprocess.run(LAB, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return [f"Cross-check on gpio-sim: not run ({reason})."]
    lines = ["| pulses on gpio-sim, asked ms | seen outside | least ms | most ms | the engine's mean ms |"]
    lines.append("|---|---|---|---|---|")
    lines.extend("| " + " | ".join(line.split()) + " |" for line in done.stdout.strip().splitlines())
    return lines


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{platform.machine()} {model}, Linux {platform.release()}, Python {platform.python_version()}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.lines", description=__doc__, allow_abbrev=False)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here and the samples to its .csv")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--from-csv", type=Path, metavar="FILE", help="measure nothing: the table of an earlier run")
    arguments = parser.parse_args(argv)
    if arguments.from_csv:
        samples = Samples.read(arguments.from_csv)
        extra: list[str] = []
    else:
        if shutil.which("cyclictest") is None:
            print("bench.lines: cyclictest is missing: apt-get install rt-tests", file=sys.stderr)
            return 2
        interlock.build()
        cpu.build()
        began_s = time.monotonic()
        samples = measure(arguments.rounds)
        extra = [
            "",
            *cross_check(),
            "",
            f"{arguments.rounds} rounds in {time.monotonic() - began_s:.0f} s on {machine()}",
        ]
    print("\n".join([*table(samples), *extra]))
    if arguments.json:
        arguments.json.write_text(json.dumps(samples.figures(), indent=2) + "\n", encoding="ascii")
        samples.write(arguments.json.with_suffix(".csv"))
    return 0 if all(goal.reached for goal in goals(samples)) else 1


if __name__ == "__main__":
    sys.exit(main())
