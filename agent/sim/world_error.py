# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with a kept world, for those who tell it without having a plant themselves."""


class WorldError(Exception):
    """A snapshot cannot be used; one sentence with the cure."""
