# SPDX-License-Identifier: Apache-2.0
"""What the service manager hears, from a real socket, and what is said when it cannot hear."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from agent.service.notifier import MAX_STATUS, Notifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(5)
        yield heard


def notifier(manager: socket.socket) -> Notifier:
    return Notifier.from_environment({"NOTIFY_SOCKET": manager.getsockname()})


def test_words(manager: socket.socket) -> None:
    told = notifier(manager)
    told.ready("two\nlines " + "x" * 500)
    told.alive()
    told.reloading()
    told.stopping()
    first = manager.recv(4096).decode()
    assert first.startswith("READY=1\nSTATUS=two lines xxx")
    assert len(first) <= len("READY=1\nSTATUS=") + MAX_STATUS
    assert [manager.recv(4096) for _ in range(3)] == [b"WATCHDOG=1", b"RELOADING=1", b"STOPPING=1"]


def test_a_status_is_told_once(manager: socket.socket) -> None:
    told = notifier(manager)
    told.ready("on")
    told.status("on")
    told.status("off")
    assert [manager.recv(4096) for _ in range(2)] == [b"READY=1\nSTATUS=on", b"STATUS=off"]


def test_a_descriptor_is_kept_and_forgotten_by_name(manager: socket.socket) -> None:
    told = notifier(manager)
    reading, writing = os.pipe()
    assert told.keep("line.a", writing)
    os.close(writing)
    told.forget("line.a")
    text, (kept,), _, _ = socket.recv_fds(manager, 4096, 1)
    assert text == b"FDSTORE=1\nFDNAME=line.a"
    os.write(kept, b"x")
    assert os.read(reading, 1) == b"x"
    assert manager.recv(4096) == b"FDSTOREREMOVE=1\nFDNAME=line.a"
    os.close(kept)
    os.close(reading)


def test_waits_until_the_manager_has_closed_the_barrier(manager: socket.socket) -> None:
    told = notifier(manager)
    assert not told.wait(within_s=0.05)
    text, held, _, _ = socket.recv_fds(manager, 4096, 1)
    assert text == b"BARRIER=1"
    os.close(held[0])


def test_an_abstract_address() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0pgood-test-{os.getpid()}")
        Notifier.from_environment({"NOTIFY_SOCKET": f"@pgood-test-{os.getpid()}"}).alive()
        assert heard.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_a_manager_nothing_is_told(environment: dict[str, str]) -> None:
    told = Notifier.from_environment(environment)
    assert not told
    assert not told.keep("line.a", 0)
    told.ready("on")
    assert not told.wait()


def test_a_manager_that_is_gone_costs_nothing_but_a_warning(
    manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    told = notifier(manager)
    os.unlink(manager.getsockname())
    told.ready("on")
    told.alive()
    assert not told.keep("line.a", 0)
    assert len(caplog.records) == 1


def test_a_manager_that_hears_nothing_does_not_hold_the_heartbeat_up(manager: socket.socket) -> None:
    told = notifier(manager)

    def beat() -> None:
        for _ in range(2000):  # more than its queue takes
            told.alive()

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    beating.join(30)
    assert not beating.is_alive(), "it would wait for ever"
