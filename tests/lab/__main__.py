# SPDX-License-Identifier: Apache-2.0
"""python -m tests.lab: the command line of the hardware lab."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.lab import kernel, packages
from tests.lab.engine import Engine, built_kernel
from tests.lab.errors import LabError
from tests.lab.options import DEFAULT_LINES, GuestOptions
from tests.lab.run import run

DESCRIPTION = """\
Run a command in a throw-away Linux guest that has real gpio-sim and i2c-stub drivers.

  setup [--qemu] [--no-apt]      install the build tools and build the guest's kernel, unless it is there
  run [options] -- COMMAND...    boot, make the simulated hardware, run COMMAND, return its exit code

The kernels are kept in $PGOOD_LAB_CACHE (default ~/.cache/pgood-lab). tests/lab/README.md says more."""


def main() -> int:
    """Do what the command line says; returns the exit code."""
    parser, run_parser = _parsers()
    arguments = parser.parse_args()
    try:
        if arguments.verb == "setup":
            return _setup(arguments)
        command = arguments.command[arguments.command[:1] == ["--"] :]
        if not command:
            run_parser.error("no command")
        return run(_guest_options(arguments, tuple(command)))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"lab: {' '.join(map(str, error.cmd))} failed with exit code {error.returncode}", file=sys.stderr)
    return 1


def _parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)

    setup = verbs.add_parser("setup", help="build the guest's kernel unless it is there")
    setup.add_argument("--qemu", action="store_true", help="the QEMU kernel too (two CPUs, IPMI, i6300esb)")
    setup.add_argument("--no-apt", dest="apt", action="store_false", help="install no packages: they are there")

    run_parser = verbs.add_parser("run", help="run a command in a guest")
    add = run_parser.add_argument
    add("--engine", choices=[engine.value for engine in Engine], help="default: uml if it is built")
    add("--gpio", action="append", metavar="NAME,...", help="a simulated chip with these lines (repeatable)")
    add("--i2c", default="0x58,0x59", metavar="ADDR,...", help="i2c-stub chips, at most 10; '' for none")
    add("--module", action="append", default=[], metavar="'NAME P=V'", help="a further kernel module (repeatable)")
    add("--rw", action="append", default=[], type=Path, metavar="DIR", help="a folder that the guest may write to")
    add("--disk", type=Path, metavar="IMAGE", help="ext4 image (made, 64 MiB, if missing) at /mnt/disk; uml only")
    add("--power-cut", type=float, metavar="SECONDS", help="stop the guest dead so long after COMMAND began")
    add("--cwd", default=Path(), type=Path, metavar="DIR", help="where COMMAND starts (default: here)")
    add("--mem", type=int, default=1024, metavar="MiB", help="memory of the guest")
    add("--timeout", type=float, default=600, metavar="SECONDS", help="give up so long after the start")
    add("command", nargs=argparse.REMAINDER, help="after --")
    return parser, run_parser


def _setup(arguments: argparse.Namespace) -> int:
    engines = [Engine.UML, Engine.QEMU] if arguments.qemu else [Engine.UML]
    to_build = [built for built in map(built_kernel, engines) if not kernel.is_current(built)]
    if to_build and arguments.apt:
        packages.install([built.engine for built in to_build])
    for built in to_build:
        kernel.build(built)
    return 0


def _guest_options(arguments: argparse.Namespace, command: tuple[str, ...]) -> GuestOptions:
    if arguments.engine:
        engine = Engine(arguments.engine)
    else:
        engine = next((engine for engine in Engine if built_kernel(engine).kernel.exists()), Engine.UML)
    if arguments.disk and engine is not Engine.UML:
        raise LabError("--disk needs the uml engine")
    return GuestOptions(
        engine=engine,
        command=command,
        working_directory=arguments.cwd.absolute(),
        memory_mib=arguments.mem,
        timeout_s=arguments.timeout,
        gpio_chips=tuple(tuple(names.split(",")) for names in arguments.gpio or [",".join(DEFAULT_LINES)]),
        i2c_addresses=_addresses(arguments.i2c),
        modules=tuple(arguments.module),
        writable=tuple(folder.absolute() for folder in arguments.rw),
        disk=arguments.disk.absolute() if arguments.disk else None,
        power_cut_s=arguments.power_cut,
    )


def _addresses(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word, 0) for word in text.split(",") if word)
    except ValueError as error:
        raise LabError(f"--i2c {text}: an address is a number such as 0x58") from error


if __name__ == "__main__":
    sys.exit(main())
