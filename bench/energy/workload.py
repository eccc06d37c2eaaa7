# SPDX-License-Identifier: Apache-2.0
"""The machine of the bench: work that cannot wait and jobs that can, under a cap or under none.

One watt hour above idle is one unit of work, whatever the frequency: a cap moves work and never makes it cheaper by
itself, so that what is saved is saved by time alone.
"""

from __future__ import annotations

import math
import random
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR = 0.25
"""A quarter."""
IDLE_W = 60.0
MOST_W = 250.0
JOBS_MOST_W = 150.0
"""All jobs together, above idle."""
JOBS_A_DAY = 25.0
DEADLINE_QUARTERS = 96
MEAN_JOB_WH = 60.0


@dataclass(frozen=True)
class Workload:
    """What is wanted of the machine in each quarter: watts of work that cannot wait, and jobs as they come, in Wh."""

    base_w: array[float]
    jobs_wh: tuple[tuple[float, ...], ...]

    @property
    def work_wh(self) -> float:
        return math.fsum(self.base_w) * HOUR + math.fsum(wh for jobs in self.jobs_wh for wh in jobs)


@dataclass
class Job:
    left_wh: float
    until: int
    """The quarter in which it is to be done."""


@dataclass
class Done:
    """Power in each quarter, and what became of the work, in Wh."""

    watts: array[float]
    lost_wh: float = 0.0
    """Work that cannot wait and found no room."""
    late_wh: float = 0.0
    """Of jobs, done after their deadline."""
    undone_wh: float = 0.0
    """Of jobs, still waiting when the year is over."""
    waited_quarters: list[int] = field(default_factory=list)


def make_workload(seed: int, count: int) -> Workload:
    """For `count` quarters; busier by day than by night."""
    chance = random.Random(seed)
    base, jobs = array("d"), []
    drift = 0.0
    for quarter in range(count):
        hour = quarter / 4 % 24
        day = math.exp(-(((hour - 14) / 5) ** 2))
        drift = 0.95 * drift + chance.gauss(0, 2)
        base.append(min(max(18 + 42 * day + drift, 5.0), 85.0))
        wanted = JOBS_A_DAY / 96 * (0.5 + 1.2 * day)
        number = int(wanted) + (chance.random() < wanted % 1)
        jobs.append(tuple(chance.expovariate(1 / MEAN_JOB_WH) for _ in range(number)))
    return Workload(base, tuple(jobs))


def carry_out(workload: Workload, caps_w: Sequence[float] | None) -> Done:
    """First what cannot wait, then jobs in the order in which they came."""
    done = Done(array("d", bytes(8 * len(workload.base_w))))
    queue: deque[tuple[Job, int]] = deque()
    for quarter, base_w in enumerate(workload.base_w):
        queue.extend((Job(wh, quarter + DEADLINE_QUARTERS), quarter) for wh in workload.jobs_wh[quarter])
        room_w = (MOST_W if caps_w is None else caps_w[quarter]) - IDLE_W
        base_done_w = min(base_w, max(room_w, 0.0))
        done.lost_wh += (base_w - base_done_w) * HOUR
        left_wh = min(max(room_w - base_done_w, 0.0), JOBS_MOST_W) * HOUR
        used_wh = 0.0
        while queue and left_wh > 0:
            job, came = queue[0]
            part_wh = min(job.left_wh, left_wh)
            job.left_wh -= part_wh
            left_wh -= part_wh
            used_wh += part_wh
            if quarter >= job.until:
                done.late_wh += part_wh
            if job.left_wh <= 0:
                queue.popleft()
                done.waited_quarters.append(quarter - came)
        done.watts[quarter] = IDLE_W + base_done_w + used_wh / HOUR
    done.undone_wh = math.fsum(job.left_wh for job, _ in queue)
    return done
