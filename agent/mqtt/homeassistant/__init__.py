# SPDX-License-Identifier: Apache-2.0
"""Home Assistant discovery: tells what a board and its parts are (docs/home-assistant.md)."""
