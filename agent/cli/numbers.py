# SPDX-License-Identifier: Apache-2.0
"""Numbers of the command line."""

from __future__ import annotations

import argparse
import math


def number(text: str) -> float:
    """A finite one. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"is a number (here: {text})")
    return value
