# SPDX-License-Identifier: Apache-2.0
"""Log records as the journal gets them, from a stand-in for its socket."""

from __future__ import annotations

import logging
import os
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from agent.power.operation_log import OperationFilter, of_operation
from agent.service.journal import JournalHandler, prefixed, stderr_is_journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def decoded(datagram: bytes) -> dict[str, str]:
    """The native protocol, read as the journal reads it."""
    fields = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", rest[:8])
            value, datagram = rest[8 : 8 + length], rest[8 + length + 1 :]
        else:
            datagram = rest
        fields[name.decode()] = value.decode()
    return fields


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "socket"))
        heard.settimeout(5)
        yield heard


@pytest.fixture
def log(journal: socket.socket) -> Iterator[logging.Logger]:
    handler = JournalHandler(journal.getsockname())
    handler.addFilter(OperationFilter())
    logger = logging.Logger("agent.test")
    logger.addHandler(handler)
    yield logger
    handler.close()


@pytest.mark.parametrize(
    ("level", "priority"), [(10, "7"), (20, "6"), (30, "4"), (40, "3"), (50, "2"), (35, "4"), (0, "7")]
)
def test_priority_of_a_level(log: logging.Logger, journal: socket.socket, level: int, priority: str) -> None:
    log.handle(log.makeRecord("agent.test", level, "file.py", 7, "text %d", (1,), None, "work"))
    told = decoded(journal.recv(65536))
    assert told["PRIORITY"] == priority
    assert told["MESSAGE"] == "text 1"
    assert told["SYSLOG_IDENTIFIER"] == "pgood"
    assert (told["CODE_FILE"], told["CODE_LINE"], told["CODE_FUNC"]) == ("file.py", "7", "work")


def test_fields_and_operation(log: logging.Logger, journal: socket.socket) -> None:
    with of_operation("op-7"):
        log.warning("late", extra={"fields": {"PGOOD_HOST": "0", "PGOOD_EVENT": "host.on"}, "priority": 2})
    told = decoded(journal.recv(65536))
    assert told["PGOOD_OPERATION"] == "op-7"
    assert (told["PGOOD_HOST"], told["PGOOD_EVENT"], told["PRIORITY"]) == ("0", "host.on", "2")
    log.warning("no operation")
    assert "PGOOD_OPERATION" not in decoded(journal.recv(65536))


def test_several_lines_cannot_forge_fields(log: logging.Logger, journal: socket.socket) -> None:
    log.error("bad\nPRIORITY=0\nPGOOD_HOST=9")
    told = decoded(journal.recv(65536))
    assert told["MESSAGE"] == "bad\nPRIORITY=0\nPGOOD_HOST=9"
    assert told["PRIORITY"] == "3"
    assert "PGOOD_HOST" not in told


def test_a_traceback_is_part_of_the_message(log: logging.Logger, journal: socket.socket) -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception("failed")
    assert decoded(journal.recv(65536))["MESSAGE"].endswith("ValueError: odd")


def test_a_long_text_is_cut_and_arrives(log: logging.Logger, journal: socket.socket) -> None:
    log.error("x" * 1_000_000)
    assert decoded(journal.recv(1_000_000))["MESSAGE"] == "x" * 49152


def test_without_a_journal_standard_error_is_told(
    log: logging.Logger, journal: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    os.unlink(journal.getsockname())
    log.error("two\nlines")
    assert capsys.readouterr().err == "<3>two\n<3>lines\n"


def test_only_the_very_stream_is_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w") as file:
        there = os.fstat(file.fileno())
        named = {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
        assert stderr_is_journal(named, file.fileno())
        assert not stderr_is_journal({}, file.fileno())
        assert not stderr_is_journal({"JOURNAL_STREAM": "1:2"}, file.fileno())
    assert not stderr_is_journal(named, 99_999)
    monkeypatch.setattr("agent.service.journal.stderr_is_journal", lambda: True)
    assert prefixed("a\nb") == "<3>a\n<3>b"
    monkeypatch.setattr("agent.service.journal.stderr_is_journal", lambda: False)
    assert prefixed("a\nb") == "a\nb"
