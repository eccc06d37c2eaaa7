# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.ipmi [--json FILE] [--rounds N]`: interleaved rounds over all servers, then the table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.ipmi.measure import measure_round
from bench.ipmi.report import Samples, table, verdicts, write
from bench.ipmi.servers import SERVERS, ServerMissing
from bench.outcome import show

LEAST_ROUNDS = 7


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.ipmi", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write medians here, raw samples as CSV beside it")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, metavar="N")
    arguments = parser.parse_args()
    samples: Samples = {name: [] for name in SERVERS}
    names = list(SERVERS)
    for number in range(max(arguments.rounds, 2)):
        # Whoever comes first finds another machine than who comes last: the order turns with each round.
        turned = names[number % len(names) :] + names[: number % len(names)]
        try:
            measured = measure_round(turned)
        except ServerMissing as error:
            print(error, file=sys.stderr)
            return 2
        for name, sample in measured.items():
            samples[name].append(sample)
            print(
                f"round {number + 1}: {name:9} mc info {sample.mc_info_ms:6.1f} ms,"
                f" {sample.commands_per_s:7.0f} commands/s, {sample.cpu_ms_per_command:.3f} ms CPU each",
                file=sys.stderr,
            )
    if arguments.json:
        write(samples, arguments.json)
    return show(table(samples), verdicts(samples))


if __name__ == "__main__":
    raise SystemExit(main())
