# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.power [--json FILE] [--rounds N]`: rounds in processes of their own, then medians and verdicts."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from bench.outcome import show
from bench.power.measure import Sample, measure
from bench.power.report import figures, table, verdicts

LEAST_ROUNDS = 5
EMERGENCIES = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.power", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, raw samples beside it")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, metavar="N")
    parser.add_argument("--one", type=Path, metavar="FILE", help="measure one round here and write its samples")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pgood-bench-") as name:
        if arguments.one:
            arguments.one.write_bytes(msgspec.json.encode(asyncio.run(measure(Path(name), EMERGENCIES))))
            return 0
        samples: list[Sample] = []
        for number in range(max(arguments.rounds, 2)):
            file = Path(name) / f"{number}.json"
            subprocess.run([sys.executable, "-m", "bench.power", "--one", str(file)], check=True)
            samples.append(msgspec.json.decode(file.read_bytes(), type=Sample))
            print(f"round {number + 1}: started in {samples[-1].start_s:.2f} s", file=sys.stderr)
    found = figures(samples)
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
        raw = arguments.json.with_suffix(".samples.json")
        raw.write_bytes(msgspec.json.format(msgspec.json.encode(samples)) + b"\n")
    return show(table(found), verdicts(found))


if __name__ == "__main__":
    raise SystemExit(main())
