# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.footprint [--json FILE] [--rounds N] [--idle S]`: starts, imports, idle agents, the wheel."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from agent.demo_broker.broker import DemoBroker
from bench.footprint.measure import PROFILES, Idle, first_answer_s, idle, import_ms
from bench.footprint.report import Samples, figures, table, verdicts, write_samples
from bench.footprint.running import Program
from bench.footprint.wheel import wheel_kb
from bench.outcome import show

ROUNDS = 7
IDLE_S = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.footprint", description=__doc__)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures here, raw samples as CSV beside it"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help="starts and imports")
    parser.add_argument("--idle", type=float, default=IDLE_S, metavar="S", help="how long each agent is left alone")
    parser.add_argument("--profile", action="append", choices=PROFILES, help="only this one; may be repeated")
    parser.add_argument("--python", default=sys.executable, metavar="FILE", help="that of an installed pgood")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pgood-bench-") as name:
        program = Program(arguments.python, Path(name) / "compiled")
        profiles = arguments.profile or list(PROFILES)
        samples = _measure(program, Path(name), max(arguments.rounds, 1), arguments.idle, profiles)
    found = figures(samples)
    if arguments.json:
        arguments.json.write_text(json.dumps(found) + "\n", encoding="utf-8")
        write_samples(samples, arguments.json.with_suffix(".csv"))
    return show(table(samples), verdicts(found))


def _measure(program: Program, folder: Path, rounds: int, idle_s: float, profiles: list[str]) -> Samples:
    broker = DemoBroker.start(0, folder / "broker")
    try:
        first_answer_s(program, folder, broker.port, rounds)  # the first start compiles what it imports
        import_ms(program)
        answers_s, imports_ms = [], []
        for number in range(rounds):
            answers_s.append(first_answer_s(program, folder, broker.port, number))
            imports_ms.append(import_ms(program))
            print(f"start {number + 1}: first answer after {answers_s[-1]:.3f} s", file=sys.stderr)
        alone: list[Idle] = []
        for profile in profiles:
            alone.append(idle(program, profile, folder, broker.port, idle_s))
            print(alone[-1], file=sys.stderr)
    finally:
        broker.close()
    return Samples(answers_s, imports_ms, alone, wheel_kb(folder))


if __name__ == "__main__":
    raise SystemExit(main())
