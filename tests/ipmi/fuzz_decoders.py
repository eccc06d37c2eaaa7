# SPDX-License-Identifier: Apache-2.0
"""Coverage-guided fuzzing of the decoders: `python -m tests.ipmi.fuzz_decoders RUNS` (needs atheris; see .ci/long)."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ipmi"]):
    from tests.ipmi.decoders import DECODERS, feed


def one_input(data: bytes) -> None:
    """The first byte chooses the decoder."""
    if data:
        feed(DECODERS[data[0] % len(DECODERS)], data[1:])


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], f"-atheris_runs={sys.argv[1]}", "-max_len=1100"], one_input)
    atheris.Fuzz()
