# SPDX-License-Identifier: Apache-2.0
"""The next hours of a signal or a load from its own past. Pure; the standard library only."""
