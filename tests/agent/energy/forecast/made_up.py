# SPDX-License-Identifier: Apache-2.0
"""Histories whose law is known."""

from __future__ import annotations

import math
import random
from zoneinfo import ZoneInfo

from agent.energy.forecast.grid import place
from agent.energy.signals.interface import SignalPoint

Q = 900
START_S = 1_767_225_600
"""2026-01-01 00:00 UTC."""


def at(index: int) -> int:
    return START_S + index * Q


def points(values: list[float], start_s: int = START_S) -> list[SignalPoint]:
    return [SignalPoint(start_s + index * Q, Q, value) for index, value in enumerate(values)]


def wave(index: int) -> float:
    return 80 - 40 * math.cos(2 * math.pi * index / 96) + 15 * math.sin(4 * math.pi * index / 96)


def weather(days: int, seed: int, memory: float = 0.95, noise: float = 4.0) -> list[SignalPoint]:
    """The same wave each day, and a deviation that fades out over hours: what Holt-Winters is for."""
    chance, deviation, values = random.Random(seed), 0.0, []
    for index in range(days * 96):
        deviation = memory * deviation + chance.gauss(0, noise)
        values.append(wave(index) + deviation)
    return points(values)


def copies(days: int, seed: int) -> list[SignalPoint]:
    """Each day a copy of the one before but for a trifle, and ragged within: nothing beats yesterday."""
    chance = random.Random(seed)
    day = [chance.uniform(0, 100) for _ in range(96)]
    values: list[float] = []
    for _ in range(days):
        day = [value + chance.gauss(0, 8) for value in day]
        values += day
    return points(values)


def by_the_wall(days: int, start_s: int, zone: str) -> list[SignalPoint]:
    """The number of the quarter on the clocks of `zone`."""
    clocks = ZoneInfo(zone)
    return points([float(place(start_s // Q + index, clocks).quarter) for index in range(days * 96)], start_s)
