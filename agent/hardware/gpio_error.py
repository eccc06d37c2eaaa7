# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with GPIO lines, for those who tell it without having lines themselves."""


class GpioError(Exception):
    """A line or chip cannot be had; one sentence that names it and the cure."""
