# SPDX-License-Identifier: Apache-2.0
"""One line that says how a board is, for the service manager's status."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.board.board import Board


def status_line(board: Board) -> str:
    """Armed or not, where IPMI answers, whether the broker is there, and the hosts."""
    bound = [f"{host}:{port}" for of_host in board.ipmi.bound.values() for host, port in of_host]
    parts = [
        board.board_id,
        "armed" if board.lines.armed else "observe-only until 'pgood arm'",
        f"IPMI on {', '.join(bound) or 'no address'}",
    ]
    if board.mqtt:
        parts.append("MQTT connected" if board.mqtt.status().connected else "MQTT not connected")
    parts += [f"host {name} {host.view().state.value}" for name, host in board.services.hosts.items()]
    return "; ".join(parts)
