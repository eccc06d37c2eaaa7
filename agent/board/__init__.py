# SPDX-License-Identifier: Apache-2.0
"""Wires one board together: lines, services, faces. Nothing is decided here."""
