# SPDX-License-Identifier: Apache-2.0
"""Watches one input of a running agent from outside, and tells its changes with their times."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from agent.cli.ask import ask
from agent.commission.sense_check import Seen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

LOOK_S = 2.5
"""A look lasts so long: two blinks of a slow LED."""
POLL_S = 0.1


class LineWatch:
    """One input. `say` hears each change once. All methods raise Failure."""

    def __init__(self, arguments: argparse.Namespace, line: str, say: Callable[[str], None]) -> None:
        self._arguments = arguments
        self._line = line
        self._say = say
        self._began_s = time.monotonic()
        self._shown = ""

    def look(self) -> dict[str, Any]:
        """The line now; tells it, if it is another than at the last look."""
        document: dict[str, Any] = ask(self._arguments, "inputs")[self._line]
        shown = str(document["steady"])
        if shown == "blinking" and document["blink_period_ms"]:
            shown = f"blinking, {document['blink_period_ms'] / 1000:.1f} s per blink"
        if shown != self._shown:
            self._shown = shown
            self._say(f"  {time.monotonic() - self._began_s:6.1f} s  {self._line}: {shown}")
        return document

    def for_a_while(self, span_s: float = LOOK_S) -> Seen:
        """Look on for a while, and sum up."""
        first, began_s = self.look(), time.monotonic()
        last = first
        while time.monotonic() < began_s + span_s:
            time.sleep(POLL_S)
            last = self.look()
        return Seen(
            level=last["steady"] == "active" or (last["steady"] != "inactive" and bool(last["level"])),
            blinking=last["steady"] == "blinking",
            edges=int(last["raw_edges"]) - int(first["raw_edges"]),
            span_s=time.monotonic() - began_s,
        )
