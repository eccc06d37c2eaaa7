# SPDX-License-Identifier: Apache-2.0
"""docs/troubleshooting.md quotes what pgood prints: the words of every quoted line are in the code."""

from __future__ import annotations

import ast
import errno
import os
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/troubleshooting.md"
FOREIGN = ("Set Chassis Power Control",)
"""What a client prints."""
LEAST_PIECE = 4
LEAST_COVER = 0.7
"""So much of what is left are words of the code; the rest are names and numbers."""
THEIRS = re.compile(r"\w+://[\w.@:-]*\w|/(?:dev|var)/[\w/-]+|\b[\d.]+:\d+|'[\w.-]+'")
"""Addresses, devices, names in quotes: whatever they are, they are no words of the code."""
OTHERS = ("certificate is not yet valid", *sorted(map(os.strerror, errno.errorcode), key=len, reverse=True))
"""What OpenSSL and the kernel say."""


def quoted() -> list[str]:
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if not line.startswith(FOREIGN)]


@cache
def pieces() -> tuple[str, ...]:
    """Every piece of text in the code that stands between two values, longest first."""
    found: set[str] = set()
    for file in (ROOT / "agent").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(re.split(r"\{\w*\}|%[sd]", node.value))
    return tuple(sorted((piece for piece in found if len(piece) >= LEAST_PIECE), key=len, reverse=True))


def cover(line: str) -> float:
    """How much of a line, but for what is not ours, is text of the code."""
    ours = THEIRS.sub("", line)
    for words in OTHERS:
        ours = ours.replace(words, "")
    left = ours
    for piece in pieces():
        left = left.replace(piece, "\0")
    return 1 - len(left.replace("\0", "")) / len(ours)


@pytest.mark.parametrize("line", quoted())
def test_its_words_are_in_the_code(line: str) -> None:
    assert cover(line) >= LEAST_COVER, f"{cover(line):.2f}"


def test_words_of_others_are_found_out() -> None:
    assert cover("pgood: this sentence was never written by anybody who works on it") < LEAST_COVER


def test_links_within_the_page_lead_somewhere() -> None:
    text = PAGE.read_text(encoding="utf-8")
    headings = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings_of(text)}
    assert {anchor for anchor in re.findall(r"\(#([\w-]+)\)", text)} <= headings


def headings_of(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", text, re.MULTILINE)
