# SPDX-License-Identifier: Apache-2.0
"""Builds the C half of packet protection: cffi API mode, one abi3 module named ipmi.protection._frame."""

from pathlib import Path

from cffi import FFI

_HERE = Path(__file__).resolve().parent


def _declarations() -> str:
    """Returns the header as cffi wants it: without preprocessor lines, which hold only the guard and includes."""
    lines = (_HERE / "frame.h").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


ffibuilder = FFI()
ffibuilder.cdef(_declarations())
ffibuilder.set_source(
    "ipmi.protection._frame",
    '#include "frame.h"',
    sources=["ipmi/protection/frame.c", "ipmi/protection/libcrypto.c"],
    include_dirs=["ipmi/protection"],
    extra_compile_args=["-std=c11", "-O2", "-D_GNU_SOURCE"],
    libraries=["dl"],
    py_limited_api=True,
)

if __name__ == "__main__":
    ffibuilder.compile(tmpdir=str(_HERE.parents[1]), verbose=False)
