# SPDX-License-Identifier: Apache-2.0
"""The command table of the documentation says what the server does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bench import Bench

PAGE = Path(__file__).parents[2] / "docs" / "ipmi-commands.md"
ROW = re.compile(r"^\| ([0-9A-F]{2})h/([0-9A-F]{2})h \| ([^|]+) \| (\w+) \|", re.MULTILINE)


def test_every_command_is_in_the_table_as_it_is(bench: Bench) -> None:
    documented = [
        (int(netfn, 16), int(code, 16), name, level) for netfn, code, name, level in ROW.findall(PAGE.read_text())
    ]
    served = [
        (row.netfn, row.code, row.name, "none" if row.privilege is None else row.privilege.name.capitalize())
        for row in bench.table.commands()
    ]
    assert documented == served
