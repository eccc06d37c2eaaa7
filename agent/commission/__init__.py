# SPDX-License-Identifier: Apache-2.0
"""Checking the wires of a new board together with the person who made them: pure judgements, no I/O."""
