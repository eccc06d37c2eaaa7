# SPDX-License-Identifier: Apache-2.0
"""The command line that starts a guest, for each engine."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.engine import BuiltKernel, Engine
from tests.lab.guest import RunFolder, shares

if TYPE_CHECKING:
    from tests.lab.options import GuestOptions


def command_line(options: GuestOptions, built: BuiltKernel, folder: RunFolder) -> list[str]:
    """The host command that boots the guest described by `folder`; its console goes to standard output."""
    boot = ["ro", f"init={folder.init}", f"lab_dir={folder.path}", "panic=-1", "quiet", "loglevel=3"]
    if options.engine is Engine.UML:
        return _uml(options, built, folder, boot)
    return _qemu(options, built, folder, boot)


def _uml(options: GuestOptions, built: BuiltKernel, folder: RunFolder, boot: list[str]) -> list[str]:
    # Each system call of a guest's program goes back and forth between two host processes: cheap only on one CPU.
    cpu = random.choice(sorted(os.sched_getaffinity(0)))
    disk = [f"ubd0={options.disk}"] if options.disk else []
    return [
        *("taskset", "-c", str(cpu)),
        str(built.kernel),
        f"mem={options.memory_mib}M",
        *("root=none", "rootfstype=hostfs", "rootflags=/"),
        f"uml_dir={folder.path}/",
        *("con=null", "con0=null,fd:1", "ssl=null"),
        *disk,
        *boot,
    ]


def _qemu(options: GuestOptions, built: BuiltKernel, folder: RunFolder, boot: list[str]) -> list[str]:
    # The device node alone does not say that an ordinary kernel can boot with it: the processor's module must be there.
    has_kvm = os.access("/dev/kvm", os.W_OK) and any(
        Path("/sys/module", module).exists() for module in ("kvm_intel", "kvm_amd")
    )
    accelerators = ["-accel", "kvm"] * has_kvm + ["-accel", "tcg,thread=multi", "-cpu", "max"]
    files = ["local,path=/,mount_tag=root,readonly=on"]
    files += [f"local,path={path},mount_tag=share{number}" for number, path in enumerate(shares(options, folder.box))]
    virtual_files = [word for share in files for word in ("-virtfs", f"{share},security_model=none,multidevs=remap")]
    root = ["root=root", "rootfstype=9p", "rootflags=trans=virtio,version=9p2000.L,cache=loose,msize=262144"]
    return [
        "qemu-system-x86_64",
        *("-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"),
        *("-machine", "q35", "-smp", "2", "-m", str(options.memory_mib)),
        *accelerators,
        *virtual_files,
        *("-device", "ipmi-bmc-sim,id=bmc", "-device", "isa-ipmi-kcs,bmc=bmc", "-device", "i6300esb"),
        *("-kernel", str(built.kernel)),
        *("-append", " ".join([*root, "console=ttyS0", *boot])),
    ]
