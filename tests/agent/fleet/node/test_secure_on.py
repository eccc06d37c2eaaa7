# SPDX-License-Identifier: Apache-2.0
"""The SecureOn password: read from a private file, and told to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.node.secure_on import SecureOnError, parse_password, read_secure_on
from agent.fleet.node.wake_probe import WakeProbe

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN = "0a:0b:0C:0d:0e:f1"


def kept(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "secure-on"
    file.write_text(text)
    file.chmod(mode)
    return file


@given(st.sampled_from([4, 6]).flatmap(lambda size: st.binary(min_size=size, max_size=size)), st.sampled_from(":.-"))
def test_four_or_six_bytes(password: bytes, between: str) -> None:
    assert parse_password(password.hex(between)) == password


@pytest.mark.parametrize(
    "text", ["", "0a:0b", "0a:0b:0c", "0a:0b:0c:0d:0e", "0a:0b.0c:0d", "0a0b0c0d0e0f", "g0:0b:0c:0d", f"{WRITTEN}:01"]
)
def test_what_is_no_password(text: str) -> None:
    assert parse_password(text) is None


@given(st.text(max_size=40))
def test_any_text_is_survived(text: str) -> None:
    assert len(parse_password(text) or bytes(4)) in (4, 6)


def test_a_file(tmp_path: Path) -> None:
    assert read_secure_on(str(kept(tmp_path, WRITTEN + "\n"))) == bytes.fromhex("0a0b0c0d0ef1")


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [(WRITTEN, 0o644, "chmod 600"), ("hunter2hunter2", 0o600, "as hex"), (WRITTEN * 40, 0o600, "as hex")],
)
def test_files_that_are_refused_do_not_tell_what_is_in_them(tmp_path: Path, text: str, mode: int, why: str) -> None:
    with pytest.raises(SecureOnError, match=why) as refused:
        read_secure_on(str(kept(tmp_path, text, mode)))
    assert text not in str(refused.value)
    assert refused.value.__context__ is None or text not in str(refused.value.__context__)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SecureOnError, match="No such file"):
        read_secure_on(str(tmp_path / "none"))


def test_it_is_not_printed() -> None:
    assert "secret" not in repr(WakeProbe(secure_on=b"secret"))
