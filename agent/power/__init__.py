# SPDX-License-Identifier: Apache-2.0
"""The power machine: what a host may do next, decided apart from any line, and the lines that do it."""
