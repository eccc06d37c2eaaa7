# SPDX-License-Identifier: Apache-2.0
"""Firmware profile and site file: TOML schemas, and errors that name the file, the key and the cure."""
