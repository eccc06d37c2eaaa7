# SPDX-License-Identifier: Apache-2.0
"""Adds to pyproject.toml what only a call can say: the C core, and the packages that live outside the usual layout."""

import sys
import sysconfig
from pathlib import Path

from setuptools import find_packages, setup

BUILDING = {"build", "build_ext", "bdist_wheel", "editable_wheel", "install", "develop"}

if BUILDING & set(sys.argv) and not (Path(sysconfig.get_path("include")) / "Python.h").exists():
    sys.exit("pgood: Python.h is missing, which the C core needs: sudo apt-get install python3-dev")

setup(
    cffi_modules=["native/build_core.py:ffibuilder", "ipmi/protection/build_frame.py:ffibuilder"],
    packages=[*find_packages(include=["agent", "agent.*", "ipmi", "ipmi.*", "native"]), "agent.firmware_profiles"],
)
