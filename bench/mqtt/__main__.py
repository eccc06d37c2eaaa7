# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.mqtt [--json FILE] [--rounds N]`: rounds of ours and bare paho in turns, then the table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.mqtt.measure import DRAINED, SPOOLED, fill, measure_round
from bench.mqtt.report import table, verdicts, write
from bench.outcome import show
from tests.agent.mqtt.brokers import Mosquitto

LEAST_ROUNDS = 7


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.mqtt", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write medians here, raw samples as CSV beside it")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, metavar="N")
    arguments = parser.parse_args()
    rounds = max(arguments.rounds, 2)
    samples = []
    with tempfile.TemporaryDirectory(prefix="pgood-bench-") as name:
        few, many = Path(name) / "few", Path(name) / "many"
        # Each round drains a part, and each agent that stops flushes for a second more.
        for folder, count in ((few, 3 * DRAINED * rounds), (many, SPOOLED)):
            folder.mkdir()
            print(f"spooling {count} records", file=sys.stderr)
            fill(folder, count)
        broker = Mosquitto(Path(name), ("allow_anonymous true", "max_queued_messages 0"))
        broker.start()
        try:
            for number in range(rounds):
                sample = measure_round(number, broker.port, few, many)
                samples.append(sample)
                print(f"round {number + 1} of {rounds}: {sample}", file=sys.stderr)
        finally:
            broker.kill()
    if arguments.json:
        write(samples, arguments.json)
    return show(table(samples), verdicts(samples))


if __name__ == "__main__":
    raise SystemExit(main())
