# SPDX-License-Identifier: Apache-2.0
"""The version, from the installed package: pyproject.toml is the one place that says it."""

from importlib.metadata import version

VERSION = version("pgood")
