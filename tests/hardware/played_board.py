# SPDX-License-Identifier: Apache-2.0
"""A stage of scenarios on the kernel's simulated lines: the plant pulls them, the agent drives them."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec

from agent.board.armed import arm
from agent.profile.load import find_profile, load_profile
from agent.profile.schema import ChipTable
from agent.sim.plant import Plant
from agent.sim.plant_lines import PlantLines
from agent.sim.rail_wirings import rail_wirings
from agent.sim.stage import StageError
from agent.sim.things import UnknownThing
from agent.sim.words import happen
from native import LineGuard
from tests.hardware.gpio_sim import SimLine
from tests.scenarios.played_agent import PlayedAgent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from agent.profile.schema import HostTable, LineTable, Profile

POLL_S = 0.004
CHIP = "lab"


def lab_profile(name: str, chip: str) -> Profile:
    """A shipped profile with its lines on the lab's chip, in their order, and without I2C devices.

    The world decides the levels, so that no bias is asked for.
    """
    profile = load_profile(find_profile(name))
    replace = msgspec.structs.replace

    def line(offset: int, table: LineTable) -> LineTable:
        return replace(table, chip=CHIP, line="", offset=offset, bias="as-is")

    def host(table: HostTable) -> HostTable:
        return replace(table, console=None)

    return replace(
        profile,
        board=replace(profile.board, simulated=False),
        chips={CHIP: ChipTable(device=chip)},
        lines={name: line(offset, table) for offset, (name, table) in enumerate(profile.lines.items())},
        hosts=tuple(host(table) for table in profile.hosts),
        buses={},
        supplies=(),
        sensors=(),
        zones=(),
        fans=(),
    )


def toml(profile: Profile) -> str:
    """The profile as a file: tables of tables, and lists of tables, as far as profiles have them."""
    return "\n".join(_tables(msgspec.to_builtins(profile), ""))


def _tables(tree: dict[str, Any], path: str) -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, (str, bool, int, float)) or (isinstance(value, (list, tuple)) and not _of_tables(value)):
            yield f"{key} = {msgspec.json.encode(value).decode()}"
    for key, value in tree.items():
        where = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield f"[{where}]"
            yield from _tables(value, where)
        elif isinstance(value, (list, tuple)) and _of_tables(value):
            for item in value:
                yield f"[[{where}]]"
                yield from _tables(item, where)


def _of_tables(value: Sequence[Any]) -> bool:
    return bool(value) and isinstance(value[0], dict)


class PlayedBoard(PlayedAgent):
    """The agent on real descriptors; the world is a thread of this process, and outlives every agent by itself."""

    def __init__(self, name: str, chip: str, folder: Path, state_dir: Path) -> None:
        """`folder`: where the kernel shows the outside of the chip's lines."""
        profile = lab_profile(name, chip)
        file = state_dir / "lab.toml"
        state_dir.mkdir(parents=True)
        file.write_text(toml(profile))
        assert load_profile(file) == profile
        arm(state_dir, "test")
        super().__init__(str(file), state_dir, "--verbose")
        rails = rail_wirings(profile)
        self._plant = Plant(profile, time.monotonic_ns(), rails)
        self._lines = PlantLines(profile, self._plant, rails)
        self._lock = threading.Lock()
        self._outside = {key: SimLine(folder / f"sim_gpio{offset}") for offset, key in enumerate(profile.lines)}
        self._inverted = {key: table.active_low for key, table in profile.lines.items()}
        self._outputs = [key for key, table in profile.lines.items() if table.direction == "output"]
        self._pulled: dict[str, bool] = {}
        self._ending = threading.Event()
        self._world = threading.Thread(target=self._turn)

    def __enter__(self) -> PlayedBoard:
        for line in self._outside.values():
            line.pull(high=False)
        self._world.start()
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._ending.set()
            self._world.join()
            for descriptor in LineGuard.take_over(self.state_dir / "guard.sock").values():
                os.close(descriptor)
            for line in self._outside.values():
                line.pull(high=False)

    def happen(self, words: Sequence[str]) -> None:
        with self._lock:
            try:
                happen(self._plant, words, time.monotonic_ns())
            except (UnknownThing, ValueError) as error:
                raise StageError(str(error)) from error

    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        with self._lock:
            now_ns = time.monotonic_ns()
            return {name: record.document(now_ns) for name, record in self._lines.record.items()}

    def _turn(self) -> None:
        """The world goes on every few milliseconds: outputs are felt, inputs are pulled."""
        while not self._ending.wait(POLL_S):
            with self._lock:
                for name in self._outputs:
                    active = self._outside[name].is_high() is not self._inverted[name]
                    self._lines.output_changed(name, active, time.monotonic_ns())
                now_ns = time.monotonic_ns()
                self._plant.advance(now_ns)
                for name, level in self._lines.inputs(now_ns).items():
                    high = level is not self._inverted[name]
                    if self._pulled.get(name) is not high:
                        self._pulled[name] = high
                        self._outside[name].pull(high)
