#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/schemas/requests/, one file per method: what it takes and answers; `--check` only says what is old.

The methods are those of a simulated board with `[energy]` and `[fleet]`, opened in a directory that is thrown away. No
device node is touched.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agent.board.board import Board
from agent.board.fleet.service import Outside
from agent.board.options import Options, Override
from agent.energy.tables import EnergyTable
from agent.fleet.memory_bus import MemoryBroker
from agent.fleet.tables import FleetTable
from agent.profile.load import load_profile, shipped_profiles
from agent.profile.site import Site
from agent.requests.schema import answer_schema, request_schema

if TYPE_CHECKING:
    from agent.requests.endpoint import Endpoint

FOLDER = Path(__file__).resolve().parent.parent / "docs/schemas/requests"
PROFILE = "sim"


async def _methods(state_dir: Path) -> dict[str, Endpoint]:
    file = shipped_profiles()[PROFILE]
    energy = EnergyTable(min_w=1.0, max_w=100.0)
    fleet = FleetTable(segment="hall")
    options = Options(load_profile(file), file, Site(), None, state_dir, Override(), energy=energy, fleet=fleet)
    broker = MemoryBroker(random.Random(0))
    board = Board(options, fleet=Outside(lambda client, will: broker.connect(client)))
    await board.start()
    try:
        return dict(board.endpoints)
    finally:
        await board.close()


def files() -> dict[Path, str]:
    """Every generated file and its content."""
    with tempfile.TemporaryDirectory() as folder:
        methods = asyncio.run(_methods(Path(folder)))
    return {
        FOLDER / f"{name.replace('/', '-')}.json": json.dumps(
            {"method": name, "request": request_schema(endpoint), "answer": answer_schema(endpoint)}, indent=1
        )
        + "\n"
        for name, endpoint in methods.items()
    }


def main() -> int:
    check, wanted = "--check" in sys.argv[1:], files()
    old = [file for file, text in wanted.items() if not file.exists() or file.read_text(encoding="utf-8") != text]
    gone = [file for file in FOLDER.glob("*.json") if file not in wanted]
    for file in (*old, *gone):
        print(
            f"{file}: {'is old; run tools/request_schemas.py' if check else 'written' if file in wanted else 'removed'}"
        )
    if check:
        return 1 if old or gone else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in old:
        file.write_text(wanted[file], encoding="utf-8")
    for file in gone:
        file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
