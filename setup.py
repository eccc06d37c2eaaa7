# SPDX-License-Identifier: Apache-2.0
"""Adds to pyproject.toml what only a call can say: the C core, and the packages that live outside the usual layout."""

from setuptools import find_packages, setup

setup(
    cffi_modules=["native/build_core.py:ffibuilder"],
    packages=[*find_packages(include=["agent", "agent.*", "ipmi", "ipmi.*", "native"]), "agent.firmware_profiles"],
)
