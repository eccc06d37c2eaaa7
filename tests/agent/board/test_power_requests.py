# SPDX-License-Identifier: Apache-2.0
"""Requests that act on several domains: order, conflicts, emergencies; idempotent keys, aborts, bad arguments."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.events.event import EventKind
from agent.power.request import Action, HostState, Request, Verdict
from tests.agent.board.boards import on_a_board

if TYPE_CHECKING:
    from pathlib import Path

    from agent.requests.endpoint import Answer
    from tests.agent.board.boards import RunningBoard

PROFILE = """
schema = 1
name = "rack"
[board]
simulated = true
[lines]
main = {direction = "output", class = "maintained"}
main-good = {direction = "input"}
{lines}
[[domains]]
name = "main"
type = "chassis"
controls = ["main"]
power_good = ["main-good"]
start_delay_ms = 50
{hosts}
"""
LINES = """
power-{n} = {{direction = "output", class = "momentary", max_press_ms = 6000}}
good-{n} = {{direction = "input"}}
"""
HOST = """
[[hosts]]
name = "{n}"
power_good = "good-{n}"
power_button = "power-{n}"
timing = {{force_off_ms = 6000, soft_off_timeout_ms = 4000}}
[[domains]]
name = "{n}"
type = "host"
needs = ["main"]
"""
NAMES = ("0", "1")
RACK = PROFILE.replace("{lines}", "".join(LINES.format(n=n) for n in NAMES)).replace(
    "{hosts}", "".join(HOST.format(n=n) for n in NAMES)
)
