# SPDX-License-Identifier: Apache-2.0
"""Builds the C core: cffi API mode, one abi3 module named native._core."""

from pathlib import Path

from cffi import FFI

_ROOT = Path(__file__).resolve().parent.parent

SOURCES = (
    "native/engine.c",
    "native/order.c",
    "native/input.c",
    "native/led.c",
    "native/output.c",
    "native/rail.c",
    "native/interlock.c",
    "native/sequence.c",
    "native/watch.c",
    "native/histogram.c",
    "native/ring.c",
    "native/view.c",
    "native/thread.c",
    "native/backend_kernel.c",
    "native/backend_memory.c",
    "native/loop.c",
    "native/loop_face.c",
    "native/slow.c",
    "native/guard.c",
    "native/guard_client.c",
    "native/fake.c",
)

_FACE = ("native/engine_types.h", "native/core.h", "native/engine.h", "native/fake.h")


def _declarations() -> str:
    """Returns the headers as cffi wants them: without preprocessor lines, which hold only guards and includes."""
    lines = [line for name in _FACE for line in (_ROOT / name).read_text(encoding="utf-8").splitlines()]
    return "\n".join(line for line in lines if not line.startswith("#"))


ffibuilder = FFI()
ffibuilder.cdef(_declarations())
ffibuilder.set_source(
    "native._core",
    '#include "core.h"\n#include "fake.h"',
    sources=list(SOURCES),
    include_dirs=["native"],
    extra_compile_args=["-std=c11", "-O2", "-D_GNU_SOURCE"],
    libraries=["pthread"],
    # 64-bit atomics are library calls on ARMv6; elsewhere nothing is linked.
    extra_link_args=["-Wl,--as-needed", "-latomic"],
    py_limited_api=True,
)

if __name__ == "__main__":
    ffibuilder.compile(tmpdir=str(_ROOT), verbose=False)
