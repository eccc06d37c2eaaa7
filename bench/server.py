# SPDX-License-Identifier: Apache-2.0
"""Starts an IPMI server on the loopback interface, times its first answer, and ends it."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HOST = "127.0.0.1"
ASK_EVERY_S = 0.002
PROBE = bytes.fromhex("0600ff07 00 00000000 00000000 09 20 18 c8 81 00 38 8e 04 b5")
"""Get Channel Authentication Capabilities as every client begins."""


class NoAnswer(RuntimeError):
    """The server ended, or never answered; the text is the end of its log."""


def free_port() -> int:
    """A UDP port that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as finder:
        finder.bind((HOST, 0))
        return int(finder.getsockname()[1])


def start(
    command: Sequence[str], port: int, log: Path, within_s: float, environment: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], float]:
    """The process, and the seconds from its start to its first answer on `port`. Raises NoAnswer."""
    with log.open("wb") as output, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(ASK_EVERY_S)
        probe.connect((HOST, port))
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        while time.perf_counter() - began < within_s and process.poll() is None:
            try:
                probe.send(PROBE)
                if probe.recv(1024):
                    return process, time.perf_counter() - began
            except TimeoutError:
                continue
            except OSError:
                time.sleep(ASK_EVERY_S)  # nobody listens yet
    process.kill()
    process.wait()
    raise NoAnswer(f"{' '.join(command[:4])} did not answer: {log.read_text(errors='replace')[-500:]}")


def stop(process: subprocess.Popen[bytes], within_s: float) -> None:
    """Have it end by itself, and kill it if it does not."""
    process.terminate()
    try:
        process.wait(timeout=within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
