# SPDX-License-Identifier: Apache-2.0
"""One machine, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.fleet.node.actions import Action, Persist, Publish
from agent.fleet.node.desired import Remembered
from agent.fleet.node.documents import Direction, Report, Target
from agent.fleet.node.target import OWN_NODE, Around, Identity, Machine, TargetSettings

if TYPE_CHECKING:
    from agent.fleet.node.refusal import Refusal

UP, DOWN = Direction.UP, Direction.DOWN
S = 1_000_000_000
MINUTE = 60 * S
ME = Identity("bee", "hall", "boot-1")
PROMISED = Around(promised_until_ns=2**60)
ALONE = replace(OWN_NODE, needs_witness=False)


def target(direction: Direction, revision: int) -> Target:
    return Target(node="bee", target=direction, revision=revision)


class Bench:
    """One machine with a broker that brings every report back and a disk that keeps everything, unless told not to."""

    def __init__(
        self, settings: TargetSettings, remembered: Remembered | None = None, around: Around = PROMISED
    ) -> None:
        self.machine = Machine.started(ME, settings, remembered or Remembered())
        self.around = around
        self.now_ns = 0
        self.broker = self.disk = True
        self.kept = remembered or Remembered()
        self.done: list[Action] = []

    def step(self, seconds: float = 1.0) -> list[Action]:
        self.now_ns += int(seconds * S)
        self.machine, actions = self.machine.step(self.now_ns, self.around)
        self.done += actions
        for action in actions:
            match action:
                case Publish(Report() as report) if self.broker:
                    self.machine = self.machine.echo(report, retained=False)
                case Persist(remembered) if self.disk:
                    self.kept = remembered
                    self.machine = self.machine.persisted(remembered)
        return actions

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.step()

    def want(self, direction: Direction, revision: int) -> Refusal | None:
        self.machine, refusal = self.machine.take(target(direction, revision))
        return refusal

    def see(self, actual: Direction | None) -> None:
        self.around = replace(self.around, actual=actual)

    @property
    def reports(self) -> list[Report]:
        return [each.document for each in self.done if isinstance(each, Publish) and isinstance(each.document, Report)]

    def count(self, kind: type[Action]) -> int:
        return sum(isinstance(action, kind) for action in self.done)
